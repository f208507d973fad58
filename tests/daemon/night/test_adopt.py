from dataclasses import replace

import pytest

from daemon.night.adopt import decide, sign_test
from daemon.night.exam import Exam


def results(right, of):
    return (True,) * right + (False,) * (of - right)


GOOD = Exam(
    candidate=results(10, 12),
    live=results(0, 12),
    base=results(0, 12),
    grounded_candidate=results(12, 12),
    grounded_base=results(12, 12),
    abstain_candidate=results(8, 8),
    abstain_base=results(8, 8),
    general=(1.0, 0.9, 1.0),
)


def test_a_candidate_that_knows_more_is_adopted_and_told_why():
    verdict = decide(GOOD)

    assert verdict.adopt
    assert "10 of 12 held-out questions right without any memory in its context; before, 0" == verdict.reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"candidate": (), "live": ()}, "no questions of the kind facts"),
        ({"abstain_candidate": (), "abstain_base": ()}, "no questions of the kind abstain"),
        ({"general": ()}, "no questions of the kind general"),
        ({"abstain_candidate": results(6, 8)}, "abstains less: 75%, base 100%"),
        ({"grounded_candidate": results(10, 12)}, "reads memories worse: 83%"),
        ({"general": (0.5, 0.6, 0.7)}, "talks unlike the base: word overlap 0.60"),
        ({"candidate": results(0, 12)}, "knows no more than what is live"),
        ({"live": results(10, 12)}, "of 12 answers 0 are better, 0 worse"),
        ({"candidate": results(4, 12), "live": (False,) * 3 + results(2, 9)}, "knows no more"),
    ],
)
def test_a_candidate_is_refused_with_the_reason(change, words):
    verdict = decide(replace(GOOD, **change))

    assert not verdict.adopt
    assert words in verdict.reason


@pytest.mark.parametrize(
    "change", [{"abstain_candidate": results(7, 8)}, {"grounded_candidate": results(11, 12)}]
)
def test_one_question_less_is_noise(change):
    assert decide(replace(GOOD, **change)).adopt


def test_one_new_fact_is_enough_when_nothing_got_worse():
    assert decide(replace(GOOD, candidate=results(3, 12), live=results(2, 12))).adopt


def test_one_new_fact_is_not_enough_when_another_was_lost():
    live = (*results(1, 11), True)  # three against one and the last

    assert not decide(replace(GOOD, candidate=results(3, 12), live=live)).adopt


def test_where_many_differ_a_few_losses_are_forgiven():
    candidate, live = results(9, 10) + (False,), results(0, 10) + (True,)

    assert decide(replace(GOOD, candidate=candidate, live=live)).adopt


@pytest.mark.parametrize(
    ("better", "worse", "p"), [(0, 0, 1.0), (5, 0, 1 / 32), (4, 1, 6 / 32), (1, 1, 0.75)]
)
def test_the_sign_test_counts_coins(better, worse, p):
    assert p == pytest.approx(sign_test(better, worse))
