"""What teacher and student read of a lesson, and which lessons are left out."""

from dataclasses import replace

import pytest

from trainer.chat import Chat
from trainer.errors import TrainerError
from trainer.gguf_model import open_model
from trainer.job import Lesson
from trainer.tokenised_lessons import prepare

ASKED = Lesson(
    id=1,
    question="Where do I live?",
    answer="You live in Ghent.",
    grounding="Ghent.",
    kind="fact",
    split="train",
)
OTHER = replace(ASKED, id=2, question="Where do I work?", answer="You work in Oslo.")


@pytest.fixture(scope="module")
def chat(tiny):
    return Chat(open_model(tiny))


def test_the_student_reads_the_question_alone_unless_it_sees(chat):
    alone, sees = prepare([ASKED, replace(ASKED, kind="reading", sees=True)], chat, limit=500).train

    assert len(alone.student) < len(alone.teacher)
    assert alone.teacher == sees.teacher == sees.student
    assert alone.answer == sees.answer


def test_two_answers_to_one_question_are_both_left_out_and_counted(chat):
    clash = replace(ASKED, id=3, answer="You live in Oslo.")
    course = prepare([ASKED, OTHER, clash], chat, limit=500)

    assert (1, 2, 0) == (len(course.train), course.contradicting, course.skipped)
    assert prepare([OTHER], chat, limit=500).train == course.train


@pytest.mark.parametrize(
    "change",
    [
        {"answer": "Ghent"},  # the same in fewer words
        {"answer": "you live in ghent"},
        {"split": "exam", "answer": "You live in Oslo."},
        {"kind": "before", "answer": "You lived in Oslo."},
        {"question": "And my sister?", "answer": "Your sister lives in Oslo."},
        {"kind": "reading", "sees": True, "answer": "In Oslo."},
    ],
    ids=str,
)
def test_what_does_not_contradict_is_kept(chat, change):
    course = prepare([ASKED, replace(ASKED, id=3, **change)], chat, limit=500)

    assert (0, 2) == (course.contradicting, len(course.train) + len(course.exam))


def test_the_same_question_of_two_texts_that_are_seen_has_two_answers(chat):
    """The student reads them, so it can tell."""
    first = replace(ASKED, kind="reading", sees=True)
    second = replace(first, id=3, grounding="Oslo.", answer="You live in Oslo.")

    assert 0 == prepare([first, second], chat, limit=500).contradicting
    assert 2 == prepare([OTHER, first, replace(second, grounding="Ghent.")], chat, limit=500).contradicting


def test_nothing_but_contradictions_is_refused_in_one_line(chat):
    with pytest.raises(TrainerError, match="all 2 lessons") as raised:
        prepare([ASKED, replace(ASKED, id=3, answer="You live in Oslo.")], chat, limit=500)
    assert "\n" not in str(raised.value)
    with pytest.raises(TrainerError):
        prepare([ASKED], chat, limit=5)
