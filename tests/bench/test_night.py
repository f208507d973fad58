"""What the bench of a night says: its targets, and the shares of what was learned."""

import pytest

from bench.night import LARGE, shortfalls
from bench.night_facts import Marks, summary

GOOD = {
    "shape": LARGE,
    "speed_ratio": 3.0,
    "memory_ratio": 0.5,
    "facts": {10: 100.0, 50: 96.0, 200: 95.0, 1000: 40.0},
    "grounded_base": 98.0,
    "grounded_after": 97.0,
    "abstain_base": 70.0,
    "abstain_after": 75.0,
    "other_user": 5.0,
}


def test_targets_that_are_just_met_are_not_missed():
    """A thousand facts have no target."""
    assert [] == shortfalls(GOOD)


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({"speed_ratio": 2.9}, "speed"),
        ({"memory_ratio": 0.51}, "memory"),
        ({"facts": {200: 94.9}}, "200 facts"),
        ({"grounded_after": 96.9}, "grounded"),
        ({"abstain_after": 60.0}, "abstain"),
        ({"other_user": 5.1}, "another user's adapter"),
    ],
)
def test_each_missed_target_is_named(change, missed):
    assert [missed] == [one.split(":")[0] for one in shortfalls({**GOOD, **change})]


def test_a_quick_run_has_no_target_of_speed():
    assert [] == shortfalls({**GOOD, "shape": "nano", "speed_ratio": 1.0, "memory_ratio": 2.0})


def marks(right: int, wrong: int, *, other: int = 0, seconds: float = 60.0) -> Marks:
    return Marks(
        facts=[True] * right + [False] * wrong,
        grounded_base=[True] * 10,
        grounded_after=[True] * 9 + [False],
        other_user=[True] * other + [False] * (10 - other),
        train_s=[seconds],
    )


def test_facts_are_counted_for_each_size_and_other_shares_of_the_sizes_that_have_a_target():
    found = summary({10: marks(9, 1), 50: marks(8, 2), 1000: marks(9, 1, other=10)})

    assert {10: 90.0, 50: 80.0, 1000: 90.0} == found["facts"]
    assert 0.0 == found["other_user"]
    assert 100.0 == found["by_size"][1000]["other_user"]


def test_what_grounding_lost_has_an_interval_and_seconds_are_the_mean_of_the_nights():
    both = marks(9, 1)
    both += marks(9, 1, seconds=30.0)
    found = summary({10: both})
    change, low, high = found["intervals"]["grounded_change"]

    assert low < change == -10.0 < high
    assert {10: 45.0} == found["night_s"]
