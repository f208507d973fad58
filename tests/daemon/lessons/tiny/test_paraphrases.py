import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.lessons.paraphrases import ENOUGH, TRAINED, Pair
from daemon.lessons.tiny.paraphrases import (
    bare,
    is_answered,
    reworded,
    split,
    takes_owner,
    things,
    usable,
)
from daemon.text import normalised

LINE = "2026-03-05: The user lives in Ghent with Anna."
MOVED = "2026-10-03: The user lives in Oslo. Before that: The user lives in Ghent."
QUESTIONS = (
    *("Where do I live?", "What is my town?", "What's my town?", "Which town is mine?"),
    *("Do you know my town?", "Where is my home?", "In which town am I?", "Who am I?"),
)
ANSWERS = ("In Ghent.", "You live in Ghent.", "in ghent")
PAIRS = some.lists(
    some.builds(Pair, question=some.sampled_from(QUESTIONS), answer=some.sampled_from(ANSWERS)),
    unique_by=lambda pair: normalised(pair.question),
    min_size=1,
)


def pair(question, answer="You live in Ghent."):
    return Pair(question=question, answer=answer)


@given(PAIRS, some.integers(min_value=0, max_value=99))
def test_what_is_held_out_is_trained_in_four_other_wordings_with_the_same_answer(pairs, turn):
    train, exam = split(pairs, turn)

    assert len(train) >= TRAINED and len(exam) <= 1
    assert len({normalised(one.question) for one in train}) == len(train)
    for held_out in exam:
        assert held_out in pairs[:ENOUGH]
        assert bare(held_out.question) not in {bare(one.question) for one in train}
        assert normalised(held_out.answer) in {normalised(one.answer) for one in train}


@given(PAIRS, some.integers(min_value=0, max_value=99))
def test_the_models_own_wordings_are_taught_before_those_that_code_made(pairs, turn):
    train, exam = split(pairs, turn)

    own = [one for one in pairs if one in train or one in exam]
    assert len(own) >= min(len(pairs), TRAINED) or any(
        bare(one.question) == bare(exam[0].question) for one in train
    )
    assert train[: len(own) - len(exam)] == [one for one in train if one in pairs]


@given(some.sampled_from(QUESTIONS))
def test_a_rewording_asks_the_same_in_other_words(question):
    ways = reworded(question)

    assert len(ways) >= TRAINED and len({normalised(way) for way in [*ways, question]}) == len(ways) + 1


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is my favourite food?", "Do you know my favourite food?"),
        ("What's my sister's name?", "Tell me my sister's name."),
        ("Where did I live in March 2026?", "In March 2026, where did I live?"),
        ("Who is my boss?", "Who's my boss?"),
    ],
)
def test_questions_are_reworded_as_people_would(question, expected):
    assert expected in reworded(question)
    assert [] == reworded("Wo wohne ich?") == reworded("My town, please.")


@pytest.mark.parametrize("question", ["What is my dog called?", "What is my town like?"])
def test_what_does_not_end_in_a_name_of_a_thing_is_not_told_as_one(question):
    assert not any(way.startswith(("Do you know my", "Tell me my")) for way in reworded(question))


@pytest.mark.parametrize(
    "dropped",
    [
        pair("Do I live in Ghent?"),  # says nothing that the question doesn't
        pair("Where?", "In Ghent, " + "well " * 50),
        pair("  "),
        pair("What is my job?", "I don't know that yet."),
        pair("Since when do I live there?", "You live in Ghent since January."),  # made up
        pair("When did the user say that?", "In Ghent, on 2026-03-05."),
        pair("Since when?", "2026-03-05"),  # the day it was told, or about
    ],
    ids=lambda one: one.question,
)
def test_pairs_that_teach_nothing_are_dropped(dropped):
    home = pair("Where do I live?")

    assert [home] == usable([home, pair("Where do i live"), dropped], LINE)


def test_memories_alike_hold_out_different_wordings():
    pairs = [pair(question) for question in QUESTIONS[3:8]]

    assert 5 == len({split(pairs, turn)[1][0] for turn in range(5)})


@pytest.mark.parametrize(
    ("text", "line", "takes"),
    [
        ("Where does my wife live?", "The user's wife's nephew lives in Naples.", True),
        ("Your wife lives in Naples.", "The user's wife's nephew lives in Naples.", True),
        ("Where does my wife's nephew live?", "The user's wife's nephew lives in Naples.", False),
        ("Where does my nephew live?", "The user's nephew lives in Naples.", False),
        ("Who is my sister's friend?", "The user's sister's best friend is called Ana.", False),
        ("Who is my sister?", "The user's sister's best friend is called Ana.", True),
        ("Where does Mia live?", "Mia lives in Rome with Mia's brother.", False),
        ("What is Mia’s job?", "Mia’s brother is a cook.", True),
        ("Naples.", "The user's wife's nephew lives in Naples.", False),
    ],
)
def test_who_owns_is_not_taken_for_what_is_theirs(text, line, takes):
    assert takes == takes_owner(text, line)


def test_a_pair_about_the_owner_of_what_is_told_teaches_something_wrong():
    line = "2026-06-26: The user's wife's nephew lives in Naples."
    right = pair("Where does my wife's nephew live?", "Your wife's nephew lives in Naples.")

    assert [right] == usable([pair("Where does my wife live?", "In Naples."), right], line)


def test_pairs_are_put_together_where_they_ask_for_the_same():
    home = [
        pair("Where do I live?", "In Ghent."),
        pair("Which town is mine?"),
        pair("With whom in what town?", "In Ghent with Anna."),
    ]
    anna = [pair("Who lives with me?", "Anna.")]
    found = things([home[0], anna[0], *home[1:]], LINE)

    assert [("fact", tuple(home)), ("fact", tuple(anna))] == [(one.kind, one.pairs) for one in found]


def test_what_was_before_is_another_thing_than_what_is():
    now, then = pair("Where do I live?", "You live in Oslo."), pair("And before?", "You lived in Ghent.")
    found = things([now, then], MOVED)

    assert [("fact", (now,)), ("before", (then,))] == [(one.kind, one.pairs) for one in found]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("You live in Ghent.", True),
        ("You've been living in Ghent with Anna.", True),
        ("I don't know that yet.", False),
        ("You live in Oslo.", False),
    ],
)
def test_a_question_that_the_model_itself_cant_answer_is_found_out(reply, expected):
    assert expected == is_answered(pair("Where am I at home?", "You live in Ghent."), reply)
