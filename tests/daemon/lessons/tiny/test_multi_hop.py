from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as some

from daemon.lessons.tiny.multi_hop import MOST, multi_hop_lessons
from daemon.memory.recall import system_text
from store.lessons import Lesson
from tests.daemon.memory.fakes import make_lesson


def lesson(id, memory_id, question, answer):
    grounding = system_text([f"2026-03-{1 + memory_id % 28:02}: {answer}"])
    return make_lesson(id, memory_id, question=question, answer=answer, grounding=grounding)


def about(memory_id, thing):
    asked = (f"What is my {thing}?", f"Which {thing} do I have?", f"Do you know my {thing}?")
    return [
        lesson(memory_id * 10 + n, memory_id, one, f"Your {thing} is Rex.") for n, one in enumerate(asked)
    ]


def stored(made):
    return [Lesson(id=1000 + place, **asdict(one)) for place, one in enumerate(made)]


def test_two_questions_become_one_with_one_answer():
    home = lesson(1, 1, "Where do I live?", "You live in Oslo.")
    sister = lesson(2, 2, "What's my sister's name?", "Your sister is called Priya.")
    made = multi_hop_lessons([home, sister])

    both = system_text(["2026-03-02: You live in Oslo.", "2026-03-03: Your sister is called Priya."])
    assert {
        "Where do I live, and what's my sister's name?": "You live in Oslo, and your sister is called Priya.",
        "What's my sister's name, and where do I live?": "Your sister is called Priya, and you live in Oslo.",
    } == {one.question: one.answer for one in made}
    assert [(1, 2), (2, 1)] == [one.memory_ids for one in made]
    assert {("two", "train", both)} == {(one.kind, one.split, one.grounding) for one in made}


def test_one_wording_is_held_out_in_the_order_of_a_trained_one():
    train, turned, exam = multi_hop_lessons([*about(1, "dog"), *about(2, "car")])

    assert ("exam", train.answer) == (exam.split, exam.answer)
    assert len({train.question, turned.question, exam.question}) == 3


def test_short_answers_keep_their_capitals():
    one, other = lesson(1, 1, "Where do I live?", "Oslo."), lesson(2, 2, "Who is my sister?", "Priya.")

    assert "Oslo, and Priya." == multi_hop_lessons([one, other])[0].answer


def test_two_that_ask_the_same_are_no_couple():
    assert [] == multi_hop_lessons([*about(1, "dog"), *about(2, "dog")])


@given(some.lists(some.sampled_from(["dog", "car", "job", "boss"]), max_size=2 * MOST + 30))
def test_each_memory_is_in_one_couple_at_most_however_often_they_are_made(things):
    held = [one for id, thing in enumerate(things, start=1) for one in about(id, thing)]
    made = multi_hop_lessons(held)
    pairs = {tuple(sorted(one.memory_ids)) for one in made}

    assert [] == multi_hop_lessons([*held, *stored(made)])
    assert len(pairs) <= MOST
    assert len({id for pair in pairs for id in pair}) == 2 * len(pairs)
