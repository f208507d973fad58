"""How what was measured is summed up; the measuring itself starts servers and is tried by hand."""

import pytest

from bench.serve import give_generation, of_swaps, summary
from bench.serve_clients import Round, Swap, compared, longest_pauses, told
from daemon.home import Home
from store import generations
from store.database import open_store
from store.keys import load_or_create_key
from tests import tiny


def test_a_reply_is_told_by_its_quickest_its_median_and_its_tail():
    assert {"models": {"quickest": 1, "median": 50.5, "p99": 99.01}} == summary({"models": [*range(1, 101)]})


def test_two_servers_are_compared_by_their_medians_and_each_is_told_with_its_spread():
    ours = [Round({1: speed, 2: 30, 4: 40, 8: 40}, 0.2, 0.1, 0.01) for speed in (9, 10, 50)]
    theirs = [Round({1: 20, 2: 30, 4: 80, 8: 80}, 0.1, 0.1, 0.02)] * 3
    ratios = compared(ours, theirs)

    assert (0.5, 1.0, 0.5) == tuple(ratios[f"decode_ratio_{count}"] for count in (1, 2, 4))
    assert 0.5 == ratios["second_client_wait_ratio"]
    assert 2.0 == ratios["ttft_cold_ratio"]
    assert [9, 10, 50] == told(ours)["tokens_per_s_1"]


def test_a_swap_is_told_by_the_engines_own_time_by_the_pauses_of_streams_and_by_those_that_were_lost():
    found = of_swaps([Swap(0.1, 30, 5, 0), Swap(0.3, 10, 7, 1), Swap(0.2, 20, 6, 0)])

    assert (0.2, 1) == (found["swap_ms"], found["swap_dropped"])
    assert ([10, 20, 30], [5, 6, 7]) == (found["swap_pause_ms"], found["other_pause_ms"])


@pytest.mark.parametrize(
    ("began", "over", "pauses"),
    [(2.1, 2.2, (1, 3)), (4.1, 4.2, (3, 1)), (3.5, 4.5, (3, 1)), (9.0, 9.5, (0, 3))],
    ids=["as usual", "in the pause", "around its beginning", "after the end"],
)
def test_the_pauses_of_a_stream_during_a_swap_are_told_apart_from_its_others(began, over, pauses):
    assert pauses == longest_pauses([1.0, 2.0, 3.0, 4.0, 7.0, 8.0], began, over)


def test_the_generation_of_the_bench_is_adopted_and_the_base_answers_until_it_is_wanted(tmp_path):
    model, home = tiny.write_model(tmp_path / "tiny.gguf"), Home(tmp_path / "home")
    give_generation(home, model)
    with_key = open_store(home.store, load_or_create_key(home.path, keyring="file"))
    (made,) = generations.all(with_key)
    live = generations.live(with_key, made.base_sha256)
    with_key.close()

    assert ("adopted", None) == (made.state, live)
    assert not (home.path / "adapter.gguf").exists()
