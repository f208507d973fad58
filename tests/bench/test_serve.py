"""How what was measured is summed up; the measuring itself starts servers and is tried by hand."""

from bench.serve import summary
from bench.serve_clients import Round, compared, told


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
