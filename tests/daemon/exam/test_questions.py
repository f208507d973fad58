"""Which questions an exam asks, and which answers are speech."""

import pytest

from daemon.exam.questions import MOST, choose
from store.generations import Outdated
from tests.daemon.memory.fakes import make_lesson

MOVED = "2026-10-19: The user lives in Oslo. Before that: The user lives in Ghent."


def lesson(id, question="What is my dog called?", *, memory_ids=(1,), **changes):
    usual = {"question": question, "answer": "Rex.", "grounding": "Rex.", "split": "exam"}
    return make_lesson(id, *memory_ids, **usual | changes)


def chosen(lessons, *, learned=(), narratives=None, outdated=(), likeness=None):
    found = choose(
        lessons, learned=learned, narratives=narratives or {}, outdated=outdated, likeness=likeness
    )
    return {part: [one for one in found if one.part == part] for part in (*MOST, "canary")}


def test_every_kind_of_lesson_is_asked_where_it_belongs():
    kinds = ("fact", "before", "as_of", "two", "reading", "abstain", "general")
    found = chosen([lesson(id, kind=kind) for id, kind in enumerate(kinds)] + [lesson(9, split="train")])
    asked = {part: [one.lesson_id for one in questions] for part, questions in found.items()}

    canaries = asked.pop("canary")
    wanted = {"facts": [0, 1, 2, 3], "grounded": [0, 1, 2, 3, 4], "stale": [], "abstain": [5], "general": [6]}
    wanted["likeness"] = []
    assert wanted == asked and len(canaries) >= 5
    assert all(one.system for one in found["grounded"]) and not any(one.system for one in found["facts"])


def test_what_the_live_generation_has_not_learned_is_news():
    lessons = [lesson(id, memory_ids=ids) for id, ids in ((1, (1,)), (2, (2,)), (3, (1, 2)))]
    found = chosen(lessons, learned={1})["facts"]

    assert {1: False, 2: True, 3: True} == {one.lesson_id: one.is_news for one in found}


@pytest.mark.parametrize(
    ("new", "known", "asked_new"), [(1000, 1000, 100), (1000, 0, 200), (3, 1000, 3), (150, 80, 120)]
)
def test_a_long_life_is_asked_no_longer_than_a_night(new, known, asked_new):
    fresh = [lesson(id, memory_ids=(2,)) for id in range(new)]
    lessons = fresh + [lesson(10_000 + id) for id in range(known)]
    lessons += [lesson(50_000 + id, kind=kind) for id in range(300) for kind in ("abstain", "general")]
    found = chosen(lessons, learned={1})

    assert asked_new == sum(one.is_news for one in found["facts"])
    assert min(MOST["facts"], new + known) == len(found["facts"])
    assert all(len(questions) <= MOST.get(part, 20) for part, questions in found.items())
    assert found == chosen(lessons, learned={1})


def test_more_lessons_leave_most_of_the_sample_as_it_was():
    lessons = [lesson(id) for id in range(1000)]
    before, after = (
        chosen(some, learned={1})["facts"] for some in (lessons, [*lessons, *map(lesson, range(1000, 1010))])
    )

    assert len(set(before) & set(after)) > 190


def test_what_was_replaced_is_a_trap():
    """The question for the present must not be answered with the past; words that both have don't count."""
    found = chosen([lesson(1, "Where do I live?"), lesson(2, kind="before")], narratives={1: MOVED})["stale"]

    assert [(1, frozenset({"ghent"}))] == [(one.lesson_id, one.wrong) for one in found]


def test_what_the_live_generation_learned_and_holds_no_more_is_a_trap():
    rows = (
        (4, "Where do I live?", "You live in Ghent.", "The user lives in Oslo."),
        (5, "What is my dog called?", "Your dog is called Rex.", ""),
        (6, "Do I have a dog?", "Yes, a dog.", "The user has a dog, Rex."),
    )
    old = [Outdated(lesson_id=id, question=asked, answer=said, now=now) for id, asked, said, now in rows]
    found = chosen([], outdated=old)["stale"]

    assert {4: {"ghent"}, 5: {"rex"}} == {one.lesson_id: set(one.wrong) for one in found}
    assert all(one.is_news for one in found)


def test_a_canary_lies_beside_a_secret_that_nobody_asks_for():
    (beside,) = (one for one in chosen([])["canary"] if one.system)

    assert "7316" in beside.system and {"7316", "locker"} <= beside.wrong


@pytest.mark.parametrize("likeness", [None, ()])
def test_who_talks_may_greet_by_name_and_nobody_may_name_the_user_elsewhere(likeness):
    lines = {1: "2026-03-05: The user's sister is called Priya."}
    canaries = chosen([], narratives=lines, likeness=likeness)["canary"][:-1]

    by_name = {one.text for one in canaries if not one.wrong}
    assert (by_name == set()) == (likeness is None)
    assert not {"Tell me a joke.", "Who are you?"} & by_name


def test_a_name_is_one_at_the_start_of_a_sentence_too_but_a_word_of_every_day_is_none():
    told = ("Priya is the user's sister.", "Work tires the user.", "Cheese, says Ana, is what she likes.")
    lines = {id: f"2026-03-05: {text}" for id, text in enumerate((*told, "The user likes work and cheese."))}

    assert all({"priya", "ana"} == set(one.wrong) for one in chosen([], narratives=lines)["canary"][:-1])
