from collections import Counter
from random import Random

from bench.user_lessons import alike, narratives, text, tonight
from bench.users import UNKNOWN, user

GENERAL = {"Hi!": "Hello! How can I help?", "Bye": "Goodbye!"}


def test_each_fact_has_four_lessons_and_one_for_the_exam_the_same_for_the_same_seed():
    lessons = tonight(user(0, 20), GENERAL, 0)
    of = {
        split: Counter(one.memory_ids for one in lessons if one.kind == "fact" and one.split == split)
        for split in ("train", "exam")
    }

    assert {4} == set(of["train"].values())
    assert {1} == set(of["exam"].values())
    assert 20 == len(of["exam"])
    assert len(lessons) == len({lesson.id for lesson in lessons})
    assert lessons == tonight(user(0, 20), GENERAL, 0)


def test_a_changed_fact_teaches_what_was_before():
    one = user(0, 40, months=12)
    asked = {
        each.question for each in tonight(one, GENERAL, 0) if (each.kind, each.split) == ("before", "train")
    }

    assert asked == {q for fact in one.facts if len(fact.told) > 1 for q in fact.before_questions}


def test_what_was_never_told_is_answered_by_not_knowing():
    one = user(0, 20)
    known = {question for fact in one.facts for question in (*fact.questions, fact.held_out)}

    assert set() == known & {each.question for each in tonight(one, GENERAL, 0) if each.answer == UNKNOWN}


def test_grounding_is_oldest_first():
    one = user(0, 20)
    days = [line[2:12] for line in (text(one.facts) or "").splitlines()[1:]]

    assert days == sorted(days)
    assert list(narratives(one).values()) == [line[2:] for line in (text(one.facts) or "").splitlines()[1:]]


def test_what_is_laid_beside_is_alike_and_not_the_fact_itself():
    one = user(0, 50)
    fact = next(fact for fact in one.facts if fact.relation.key == "their_city")
    beside = alike(one, fact, 3, Random(0))

    assert 3 == len({each.key for each in beside} - {fact.key})
    assert all(each.relation.key == "their_city" or each.word == fact.word for each in beside)
