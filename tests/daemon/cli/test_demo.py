"""What a demo did not show."""

from daemon.cli.demo import shortcomings


def test_a_step_that_did_not_happen_is_a_shortcoming():
    good = {"correct": {"base": 0.0, "generation": 0.9}, "forgotten": True}
    no_better = {"correct": {"base": 0.1, "generation": 0.1}}

    assert [0, 1, 1] == [len(shortcomings(good | change)) for change in ({}, {"forgotten": False}, no_better)]
