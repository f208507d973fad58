"""Which questions no memory answers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bench.users import user
from daemon.lessons.tiny.abstention import (
    FEWEST_MISSES,
    MOST_MISSES,
    MOST_NEAR,
    is_mentioned,
    name_only_questions,
    near_misses,
)
from daemon.lessons.tiny.known_facts import KnownFacts, read, words_of
from tests.daemon.memory.fakes import make_lesson


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is my sister called?", True),
        ("Where do I work?", False),
        ("Where did I study?", True),
        ("What did I buy?", True),
        ("What is my favourite season?", False),
        ("What is my favourite food?", True),
        ("Where do I live?", True),
    ],
)
def test_a_question_that_a_memory_may_answer_is_no_lesson_in_abstaining(question, expected):
    said = {"sister", "ana", "studied", "bought", "favourite", "food", "ramen", "live", "ghent"}

    assert expected == is_mentioned(question, said)


SISTER = "2026-03-05: The user's little sister is called Priya."


def test_more_is_asked_about_people_of_whom_the_name_alone_is_known():
    found = name_only_questions({7: SISTER, 8: "2026-03-05: The user's dog is called Rex."})

    assert {7} == {one.memory_id for one in found}
    assert all("my little sister" in one.question for one in found)


@pytest.mark.parametrize(
    "lines",
    [
        [SISTER, "2026-03-06: Priya works as a nurse."],
        [SISTER, "2026-03-06: The user's sister lives in Leeds."],
        [SISTER, "2026-03-06: The user and his sisters sing."],
        ["2026-03-05: The user's sister is called Priya and works as a nurse."],
        ["2026-03-05: The user's boss is called Ana. Before that: The user's boss is called Ivo."],
        ["2026-03-05: The user's sister lives in Leeds."],
    ],
)
def test_nothing_is_asked_about_people_of_whom_more_than_a_name_is_told(lines):
    assert [] == name_only_questions(dict(enumerate(lines)))


def test_they_are_few():
    people = {
        id: f"2026-03-05: The user's {role} is called Name{id}."
        for id, role in enumerate(sorted(words_of("people")))
    }

    assert MOST_NEAR == len(name_only_questions(people))


TAUGHT_SISTER = ("The user's sister is called Priya.", "What's my sister's name?", "Who is my sister?")


def taught(*memories):
    """Lessons and lines of memories: a sentence, and the questions that it is taught by."""
    asked = [(id, one) for id, (_, *questions) in enumerate(memories, 1) for one in questions]
    held = [make_lesson(n, id, question=one, grounding="g") for n, (id, one) in enumerate(asked)]
    return held, KnownFacts(f"2026-03-05: {sentence}" for sentence, *_ in memories)


def of_user(seed, count):
    facts = user(seed, count, untold=0, never=0).facts
    return facts, taught(*((fact.sentence(), *fact.questions) for fact in facts))


def test_what_is_taught_is_asked_about_others():
    made = near_misses(*taught(TAUGHT_SISTER), set())

    assert {"What's my aunt's name?", "Who is my aunt?"} & {one.question for one in made}
    assert not any("sister" in one.question for one in made)


def test_each_thing_is_asked_for_in_two_wordings_which_are_held_out_together():
    made = [one for one in near_misses(*taught(TAUGHT_SISTER), set()) if not one.is_read]
    places = {}
    for one in made:
        places.setdefault(read(one.question).key, []).append(one.place)

    assert {2} == {len(found) for found in places.values()}
    assert {1} == {len(set(found)) for found in places.values()}
    assert {True, False} == {one.place % 5 == 4 for one in made}


def test_a_few_memories_give_more_than_one_thing_each():
    dog = ("The user's dog is called Rex.", "What is my dog called?", "How is my dog called?")
    food = ("The user's favourite food is ramen.", "What is my favourite food?", "Which food do I like best?")
    made = near_misses(*taught(TAUGHT_SISTER, dog, food), set())

    assert FEWEST_MISSES == len({read(one.question).key for one in made})


def test_what_is_there_is_not_made_again():
    held, told = of_user(0, 30)[1]
    there = {read(one.question).key for one in near_misses(held, told, set())}

    assert [] == near_misses(held, told, there)


def test_a_question_with_a_word_of_the_users_has_its_memory_as_lineage():
    own = ("The user's sister sings in a choir.", "Which choir does my sister sing in?")
    plain = near_misses(*taught(TAUGHT_SISTER), set())

    assert {(1,)} == {one.memory_ids for one in near_misses(*taught(own), set())}
    assert {()} == {one.memory_ids for one in plain}


@pytest.mark.parametrize(
    "memory",
    [
        pytest.param(("Ana is the user's sister.", "Is my sister called Ana?"), id="with a name"),
        pytest.param(("Meine Schwester heißt Ana.", "Wie heißt meine Schwester?"), id="another language"),
    ],
)
def test_no_near_miss_is_made_of_a_question(memory):
    assert [] == near_misses(*taught(memory), set())


@settings(max_examples=15, deadline=None)
@given(seed=some.integers(0, 10_000), count=some.sampled_from((1, 10, 50, 120)))
def test_no_near_miss_is_answered_by_a_fact_and_none_has_a_value(seed, count):
    facts, (held, told) = of_user(seed, count)
    answered = {read(one).key for fact in facts for one in (*fact.questions, fact.held_out) if read(one)}
    made = near_misses(held, told, set())
    words = {word for one in made for word in one.question.split()}

    assert answered.isdisjoint(read(one.question).key for one in made)
    assert words.isdisjoint(fact.told[-1].value for fact in facts)
    assert len({read(one.question).key for one in made}) <= min(max(count, FEWEST_MISSES), MOST_MISSES)
    assert made == near_misses(held, told, set())


@settings(max_examples=15, deadline=None)
@given(seed=some.integers(0, 10_000))
def test_what_is_told_later_is_dropped(seed):
    _, (held, told) = of_user(seed, 20)
    asked = {one.question: read(one.question) for one in near_misses(held, told, set())}
    people = {question: one for question, one in asked.items() if one.table != "favourites"}

    for one in people.values():
        whose = "'s ".join(one.whose)
        assert not KnownFacts([f"2026-10-01: The user likes his {whose}."]).lacks(one)
        assert not KnownFacts([f"2026-10-01: The user's {whose} is called Zoe, lives in Leeds."]).lacks(one)
