"""A morning report in prose says what is in the report, and nothing else."""

import pytest

from daemon.exam.acceptance import WORDS
from daemon.lessons.eligibility import REASONS
from daemon.text import WHY_WAITING
from daemon.web.nights.report_text import OUTCOMES, headline, paragraphs
from store.nights import OUTCOMES as ALL


def report(**changes):
    given = {
        "outcome": "adopted",
        "reason": "it knows 3 more",
        "generation": 4,
        "was_live": 2,
        "gave_way_to": None,
        "lessons": 51,
        "memories": 17,
        "learned": [1, 2, 3],
        "corrected": [],
        "missed": [],
        "forgot": {"memories": 0, "messages": 0, "lessons": 0, "generations": 0},
        "forgotten_since": 0,
        "probed": None,
        "cost": {"total_s": 486.0, "train_s": 392.0, "pauses": 0, "swap_ms": 0.13},
    }
    return given | changes


def test_a_good_night_is_told_from_the_lessons_to_the_waking():
    told = paragraphs(report(missed=[1, 2]))

    assert "Three new things learned." == headline(report())
    assert "51 lessons about 17 memories" in told[0] and "generation 4 answers since" in told[0]
    assert "The exam: it knows 3 more. I still missed two questions, listed below." == told[1]
    assert "It took 8 minutes, 7 minutes of them training. Waking up took 0.1 milliseconds." == told[2]


def test_a_night_that_did_little_else_is_not_told_twice():
    cost = {"total_s": 319.0, "train_s": 303.0, "pauses": 0, "swap_ms": None}

    assert "It took 5 minutes, nearly all of it training." == paragraphs(report(cost=cost))[-1]


@pytest.mark.parametrize(("now", "named"), [(0, "the base model"), (3, "generation 3")])
def test_a_generation_that_had_learned_what_was_forgotten_does_not_answer_since(now, named):
    told = paragraphs(report(gave_way_to=now))

    assert told[0].endswith(f"so it answers no more; now {named} answers.")
    assert "answers since" not in told[0]
    assert "The exam: it knows 3 more." == told[1]


def test_an_exam_of_which_nothing_is_known_any_more_is_not_told():
    assert "Of the exam" not in " ".join(paragraphs(report(reason="", gave_way_to=0)))


def test_a_refused_night_says_who_goes_on_answering():
    told = paragraphs(report(outcome="refused", reason=WORDS["abstain"]))
    first_ever = paragraphs(report(outcome="refused", was_live=0))

    assert "Generation 2 goes on answering." in told[0]
    assert "it abstains less" in told[1]
    assert "The base model goes on answering." in first_ever[0]


def test_what_was_forgotten_is_counted_and_never_quoted():
    told = paragraphs(report(forgot={"memories": 2, "messages": 1, "lessons": 0}, forgotten_since=1))

    assert "You had me forget 2 memories and 1 message; nothing of that is in what answers now." in told[2]
    assert "One line of this report went with what you forgot later." in told[2]


def test_a_night_that_was_paused_says_for_whom():
    cost = {"total_s": 100.0, "train_s": 90.0, "pauses": 2, "paused_s": 12.0, "swap_ms": None}

    assert "I stopped 2 times for 12 seconds, to let you go first." in paragraphs(report(cost=cost))[-1]


@pytest.mark.parametrize("outcome", [*ALL, "running"])
def test_every_outcome_has_a_headline_a_chip_and_something_to_say(outcome):
    told = report(outcome=outcome, learned=[], cost={})

    assert headline(told).endswith(".")
    assert OUTCOMES[outcome][0]
    assert paragraphs(told)[0]


def test_every_reason_to_wait_has_words():
    assert set(REASONS) == set(WHY_WAITING)
