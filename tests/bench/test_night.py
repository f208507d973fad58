"""What the bench of a night says of its targets."""

import pytest

from bench.night import LARGE, shortfalls

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
    ("change", "said"),
    [
        ({"speed_ratio": 2.9}, "speed: 2.90 times the plain loop, wanted 3"),
        ({"memory_ratio": 0.51}, "memory: 0.51 of the plain loop's, wanted 0.5"),
        ({"facts": {200: 94.9}}, "200 facts: 94.9 % learned, wanted 95"),
        ({"grounded_after": 96.9}, "grounded: 1.1 points below the base, wanted at most 1"),
        ({"abstain_after": 60.0}, "abstain: 10.0 points below the base, wanted at most 1"),
        ({"other_user": 5.1}, "another user's adapter: 5.1 %, wanted at most 5"),
    ],
)
def test_each_missed_target_is_named(change, said):
    assert [said] == shortfalls({**GOOD, **change})


def test_a_quick_run_has_no_target_of_speed():
    assert [] == shortfalls({**GOOD, "shape": "nano", "speed_ratio": 1.0, "memory_ratio": 2.0})
