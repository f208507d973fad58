from time import process_time

import pytest

from daemon.memory.recall import asks, asks_of_assistant, asks_past, in_third_person, wants_many


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("what's my dog's name?", "what's the user's dog's name?"),
        ("Where do I live", "Where do the user live"),
        ("I'm 30, I've a dog", "I'm 30, the user a dog"),
        ("Is Iris mine?", "Is Iris the user's?"),
    ],
)
def test_a_question_is_put_in_the_third_person(question, expected):
    assert expected == in_third_person(question)


@pytest.mark.parametrize(
    ("message", "is_one"),
    [
        ("Where do I live", True),
        ("hey, what's my name", True),
        ("remind me of my plans", True),
        ("¿Dónde vivo?", True),
        ("我住在哪里？", True),
        ("I'm tired", False),
        ("I moved to Oslo and whatever", False),
        ("thanks", False),
        ("", False),
    ],
)
def test_a_question_is_known_by_its_wording(message, is_one):
    assert is_one == asks(message)


@pytest.mark.parametrize(
    ("question", "past", "many", "assistant"),
    [
        ("Where did I live before?", True, False, False),
        ("Where do I live?", False, False, False),
        ("Where did I live in 2024?", True, False, False),
        ("What do you know about me?", False, True, False),
        ("What are my hobbies?", False, True, False),
        ("Who is my boss and where does she live?", False, True, False),
        ("What did you recommend for the party?", True, False, True),
        ("Can you help me?", False, False, False),
    ],
)
def test_what_a_question_is_about(question, past, many, assistant):
    assert (past, many, assistant) == (
        asks_past(question),
        wants_many(question),
        asks_of_assistant(question),
    )


@pytest.mark.parametrize("ask", [asks, asks_past, wants_many, asks_of_assistant])
@pytest.mark.parametrize("piece", ["and ", "you ", "hi ", "?", "so, ", "what are ", "\n"])
def test_a_long_message_is_judged_at_once(ask, piece):
    began = process_time()

    assert ask(piece * 5000) in (True, False)
    assert process_time() - began < 2
