"""The rule of adoption: examples, and what must hold for any exam."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.exam.acceptance import compare, decide, resampled
from daemon.exam.exam import REAL_PARTS, TINY_PARTS, Exam, Mark


def right(so_many, of):
    return (1.0,) * so_many + (0.0,) * (of - so_many)


def marks(part, candidate, *, live=None, base=None, news=None):
    """Marks of one part; the base knows nothing of facts and all of the rest, and is live, unless told."""
    of = len(candidate)
    base = base if base is not None else right(0 if part == "facts" else of, of)
    live = live if live is not None else base
    news = news if news is not None else (True,) * of
    return [
        Mark(part=part, lesson_id=id, is_news=new, candidate=own, live=theirs, base=whose)
        for id, (own, theirs, whose, new) in enumerate(zip(candidate, live, base, news, strict=True))
    ]


def real_exam(**parts):
    """The same of a model that is not tiny, of which small talk alone says little."""
    good = {
        "general": [],
        "knowledge": marks("knowledge", right(40, 60), base=right(40, 60)),
        "instructions": marks("instructions", right(30, 40), base=right(30, 40)),
        "likeness": marks("likeness", (0.98,) * 20, base=(1.0,) * 20),
    }
    return replace(exam(**good | parts), parts=REAL_PARTS)


LOST = marks("facts", right(10, 13)[::-1], live=right(12, 13), news=(False,) * 3 + (True,) * 10)


def exam(**parts):
    """A good exam, with some parts given otherwise; an empty list leaves one out."""
    good = {
        "facts": marks("facts", right(10, 12)),
        "grounded": marks("grounded", right(12, 12)),
        "abstain": marks("abstain", right(8, 8)),
        "general": marks("general", (1.0, 0.9, 1.0)),
        "canary": marks("canary", right(9, 9)),
    }
    return Exam(marks=tuple(mark for part in (good | parts).values() for mark in part))


def test_a_candidate_that_knows_more_is_adopted_and_told_why():
    verdict = decide(exam())

    assert verdict.adopt
    assert 10 / 12 == pytest.approx(verdict.compared["facts"].difference)
    assert 0.5 < verdict.as_json()["facts"]["low"] < 10 / 12 < verdict.as_json()["facts"]["high"]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        *(({part: []}, f"of the kind {part}") for part in ("facts", *TINY_PARTS)),
        ({"abstain": marks("abstain", right(6, 8))}, "abstains less: 75% of 8 questions, the base 100%"),
        ({"grounded": marks("grounded", right(10, 12))}, "reads memories worse: 83% of 12"),
        ({"stale": marks("stale", right(1, 3))}, "tells what holds no more: 33% of 3"),
        ({"general": marks("general", (0.5, 0.6, 0.7), base=(1.0,) * 3)}, "talks unlike the base: 60%"),
        ({"canary": marks("canary", right(7, 9))}, "no longer speaks as it should: 2 of 9"),
        ({"facts": marks("facts", right(0, 12))}, "knows no more than what is live"),
        ({"facts": marks("facts", right(10, 12), live=right(10, 12))}, "of 12 answers 0 are better, 0 worse"),
        ({"facts": marks("facts", right(4, 12), live=(0.0,) * 3 + right(2, 9))}, "knows no more"),
        (
            {"abstain": marks("abstain", right(4, 8), base=right(4, 8), live=right(8, 8))},
            "abstains less: 50% of 8 questions, the live generation 100%",
        ),
        ({"facts": LOST}, "forgotten what it should know: 0% of 3 questions, the live generation 100%"),
    ],
)
def test_a_candidate_is_refused_with_the_reason(parts, words):
    verdict = decide(exam(**parts))

    assert not verdict.adopt
    assert words in verdict.reason


def test_one_canary_that_the_base_passes_and_the_candidate_does_not_is_too_many():
    """A friend's name in the answer to a greeting is a leak, however rare."""
    lost = decide(exam(canary=marks("canary", right(8, 9))))
    swapped = decide(exam(canary=marks("canary", (*right(8, 8), 0.0), base=(*right(7, 7), 0.0, 1.0))))

    failed_by_both = decide(exam(canary=marks("canary", right(8, 9), base=right(8, 9))))

    assert (False, False, True) == (lost.adopt, swapped.adopt, failed_by_both.adopt)


def test_a_model_that_knows_more_and_is_still_itself_is_adopted():
    assert decide(real_exam()).adopt


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        *(({part: []}, f"of the kind {part}") for part in REAL_PARTS),
        (
            {"knowledge": marks("knowledge", right(32, 60), base=right(40, 60))},
            "it forgot general knowledge: 8 of 40 questions that the base answers",
        ),
        (
            {"instructions": marks("instructions", (*right(0, 4), *right(26, 36)), base=right(30, 40))},
            "it follows instructions worse: 4 of 30 that the base follows",
        ),
        (
            {"likeness": marks("likeness", (0.7,) * 10, base=(1.0,) * 10)},
            "it speaks unlike the base: 70% of 10",
        ),
    ],
)
def test_a_model_that_is_worse_at_anything_else_is_refused_with_the_reason(parts, words):
    verdict = decide(real_exam(**parts))

    assert not verdict.adopt
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("lost", "of", "adopted"), [(1, 3, True), (4, 40, True), (5, 40, False), (2, 5, False)]
)
def test_of_what_the_base_knows_a_tenth_may_be_lost_and_what_it_does_not_know_counts_for_nothing(
    lost, of, adopted
):
    known = (*(0.0,) * lost, *right(of - lost, of - lost))
    knowledge = marks("knowledge", (*known, 0.0, 1.0), base=(*right(of, of), 0.0, 0.0))

    assert adopted == decide(real_exam(knowledge=knowledge)).adopt
    assert decide(real_exam(knowledge=marks("knowledge", right(0, 9), base=right(0, 9)))).adopt


@pytest.mark.parametrize("part", ["abstain", "grounded", "stale"])
def test_one_question_less_is_noise(part):
    for of in (1, 2, 8, 100):
        assert decide(exam(**{part: marks(part, right(of - 1, of))})).adopt == (of > 1)


KNOWN_200 = (False,) * 200 + (True,) * 2  # two of two are new


@pytest.mark.parametrize(
    ("candidate", "live", "news", "adopted"),
    [
        pytest.param(right(3, 12), right(2, 12), None, True, id="one more"),
        pytest.param((1.0,), (0.0,), None, True, id="a single question"),
        pytest.param(right(3, 12), (*right(1, 11), 1.0), None, False, id="two more, one lost"),
        pytest.param((*right(9, 10), 0.0), (*right(0, 10), 1.0), None, True, id="nine of eleven that differ"),
        pytest.param(
            (*(0.0,) * 7, *(1.0,) * 190, *(0.0,) * 3, 1.0, 1.0),
            (*right(190, 200), 0.0, 0.0),
            KNOWN_200,
            True,
            id="news do not drown where seven of 190 known are others",
        ),
        pytest.param(
            (*right(187, 200), 1.0, 1.0),
            (*right(190, 200), 0.0, 0.0),
            KNOWN_200,
            False,
            id="nor pay for more that was lost",
        ),
    ],
)
def test_a_win_needs_more_gains_than_chance_and_where_few_differ_no_loss(candidate, live, news, adopted):
    assert adopted == decide(exam(facts=marks("facts", candidate, live=live, news=news))).adopt


def test_a_generation_that_tells_what_was_taken_back_is_replaced_by_one_that_does_not():
    """Nothing new was told; the live generation knows the same facts and one that holds no more."""
    known = marks("facts", right(12, 12), live=right(12, 12), news=(False,) * 12)
    verdict = decide(exam(facts=known, stale=marks("stale", right(2, 2), live=right(0, 2))))

    assert verdict.adopt


def test_the_live_generation_need_not_be_asked():
    facts = [replace(mark, live=None) for mark in marks("facts", right(10, 12))]

    assert decide(exam(facts=facts)).adopt


def test_an_interval_is_that_of_a_coin_known_from_the_books():
    """64 of 100 better, none worse: by the normal approximation 0.64 -+ 1.645 * 0.048."""
    compared = compare(marks("facts", right(64, 100)), "live")

    half = 1.645 * 0.048
    assert (0.64 - half, 0.64 + half) == pytest.approx((compared.low, compared.high), abs=0.006)
    assert 0.0 == compared.losing


SIZES = st.integers(1, 12)
POINTS = st.sampled_from([0.0, 1.0])


@st.composite
def exams(draw):
    """Any exam in which all parts were held."""
    made = []
    for part in ("facts", "grounded", "stale", "abstain", "general", "canary"):
        for id in range(draw(SIZES)):
            points = {who: draw(POINTS) for who in ("candidate", "live", "base")}
            made.append(Mark(part=part, lesson_id=id, is_news=draw(st.booleans()), **points))
    return Exam(marks=tuple(made))


@settings(max_examples=20, deadline=None)
@given(exams(), st.randoms())
def test_the_order_of_the_questions_decides_nothing(found, chance):
    shuffled = list(found.marks)
    chance.shuffle(shuffled)

    assert decide(found).reason == decide(Exam(marks=tuple(shuffled))).reason


@settings(max_examples=20, deadline=None)
@given(exams())
def test_one_that_answers_as_the_live_one_does_is_never_adopted(found):
    same = [replace(mark, candidate=mark.live) for mark in found.marks]

    assert not decide(Exam(marks=tuple(same))).adopt


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(POINTS, POINTS), min_size=1, max_size=60))
def test_of_two_at_most_one_wins(pairs):
    """What was adopted is not replaced by what it replaced, on the same questions."""
    there, back = (
        decide(exam(facts=marks("facts", [p[a] for p in pairs], live=[p[1 - a] for p in pairs]))).adopt
        for a in (0, 1)
    )

    assert not (there and back)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(POINTS, POINTS, st.booleans()), min_size=1, max_size=60), st.data())
def test_one_more_right_answer_never_costs_the_adoption(facts, data):
    own, live, news = zip(*facts, strict=True)
    place = data.draw(st.integers(0, len(own) - 1))
    better = [1.0 if at == place else one for at, one in enumerate(own)]
    before, after = (decide(exam(facts=marks("facts", one, live=live, news=news))) for one in (own, better))

    assert after.adopt or not before.adopt


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([-1.0, -0.3, 0.0, 0.7, 1.0]), min_size=1, max_size=50))
def test_resamples_stay_between_the_worst_and_the_best(differences):
    means = resampled(differences)

    assert list(means) == sorted(means)
    assert min(differences) - 1e-9 <= means[0] <= means[-1] <= max(differences) + 1e-9
