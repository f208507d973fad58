import pytest

from bench.intervals import area, area_interval, difference, interval, percent


@pytest.mark.parametrize(
    ("right", "share", "around"),
    [
        pytest.param([], 0.0, (0.0, 0.0), id="nothing asked is nothing right"),
        pytest.param([True] * 20, 100.0, (100.0, 100.0), id="all right leaves no doubt"),
    ],
)
def test_what_is_certain_has_no_interval(right, share, around):
    assert (share, around) == (percent(right), interval(right))


def test_an_interval_lies_around_the_share_and_narrows_with_more_questions():
    few, many = ([True] * (3 * n) + [False] * n for n in (10, 1000))
    (low, high), (lower, higher) = interval(few), interval(many)

    assert 55 < low < lower < percent(few) == 75 < higher < high < 90


def test_a_difference_is_paired():
    mean, low, high = difference([True] * 50 + [False] * 50, [True] * 40 + [False] * 60)

    assert 10.0 == mean
    assert 4 < low < 10 < high < 17


def test_an_area_is_one_for_what_is_always_above_and_a_half_for_what_is_alike():
    assert (1.0, 0.0, 0.5, 0.75) == (
        area([2, 3], [0, 1]),
        area([0, 1], [2, 3]),
        area([1, 1], [1, 1]),
        area([1, 3], [1, 1]),
    )


def test_the_interval_of_an_area_lies_around_it_and_narrows():
    few, many = (area_interval([0, 1, 2] * n, [0, 1, 2] * n) for n in (5, 200))

    assert few[0] < many[0] < 0.5 < many[1] < few[1]
