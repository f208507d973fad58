from bench.night_facts import Marks, summary


def marks(right: int, wrong: int, *, other: int = 0) -> Marks:
    found = [True] * right + [False] * wrong
    return Marks(
        facts=found,
        grounded_base=[True] * 10,
        grounded_after=[True] * 9 + [False],
        other_user=[True] * other + [False] * (10 - other),
        train_s=[60.0],
    )


def test_facts_are_told_for_each_size():
    assert {10: 90.0, 50: 80.0} == summary({10: marks(9, 1), 50: marks(8, 2)})["facts"]


def test_the_other_shares_are_of_the_sizes_that_have_a_target():
    found = summary({10: marks(9, 1), 1000: marks(9, 1, other=10)})

    assert 0.0 == found["other_user"]
    assert 100.0 == found["by_size"][1000]["other_user"]


def test_what_grounding_lost_has_an_interval():
    change, low, high = summary({10: marks(9, 1)})["intervals"]["grounded_change"]

    assert -10.0 == change
    assert low < change < high


def test_seconds_are_the_mean_of_the_nights():
    both = marks(9, 1)
    both += Marks(train_s=[30.0])

    assert {10: 45.0} == summary({10: both})["night_s"]
