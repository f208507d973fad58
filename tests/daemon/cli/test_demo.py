import pytest

from daemon.cli.demo import shortcomings

GOOD = {"correct": {"base": 0.0, "generation": 0.9}, "forgotten": True}


def test_a_demo_that_showed_all_has_no_shortcomings():
    assert [] == shortcomings(GOOD)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"forgotten": False}, "what was forgotten was still said"),
        (
            {"correct": {"base": 0.1, "generation": 0.1}},
            "the new generation knows no more than the base model",
        ),
    ],
)
def test_a_step_that_did_not_happen_is_told(change, told):
    assert [told] == shortcomings(GOOD | change)
