import pytest

from daemon.lessons.tiny.known_facts import KnownFacts, read
from models.nano.relations import relations

ABOUT = {"called": "called", "their_city": "lives", "their_job": "works", "favourite": "best"}


def told(*sentences):
    return KnownFacts(f"2026-03-05: {one}" for one in sentences)


@pytest.mark.parametrize(
    "relation", [one for one in relations() if one.key in ABOUT], ids=lambda one: one.key
)
def test_what_nano_asks_about_people_pets_and_favourites_is_read(relation):
    asked = {
        (word, question): read(question.format(r=word, t=word))
        for word in relation.words
        for question in relation.questions
    }

    assert {} == {
        key: found
        for key, found in asked.items()
        if found is None or found.about != ABOUT[relation.key] or found.whose != (key[0],)
    }


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Where does my cousin's doctor live?", (("cousin", "doctor"), "lives")),
        ("Tell me, who's my best friend's boss?", (("best friend", "boss"), "called")),
        ("Which school does my son go to?", (("son",), "")),
        ("Where is my sister?", (("sister",), "")),
        ("What was my dog called before?", None),
        ("Is my sister older than my brother?", None),
        ("Where do I live?", None),
        ("Wie heißt meine Schwester?", None),
        ("", None),
    ],
)
def test_a_question_is_read_as_what_it_asks_for(question, expected):
    found = read(question)

    assert expected == (found and (found.whose, found.about))


LACKING = [
    ("What's my aunt's name?", ["The user's sister is called Ana."]),
    ("Where does my sister live?", ["The user's sister is called Ana."]),
    ("Who is my doctor?", ["The user's cousin's doctor is called Ana."]),
    ("Which season do I like best?", ["The user's favourite colour is teal."]),
    ("How old is my aunt?", ["The user's sister is called Ana."]),
]


@pytest.mark.parametrize(
    ("question", "sentences"),
    [
        *LACKING,
        ("What's my sister's name?", ["The user's little sister is called Ana."]),
        ("Who is my mother?", ["The user's mum is called Ana."]),
        ("Who is my mum?", ["The user's mother is called Ana."]),
        ("Who is my mother's doctor?", ["The user's mum's doctor is called Ana."]),
        ("Who was my boss?", ["The user's boss is called Ana. Before that: The user's boss is called Ivo."]),
        ("Where does my sister live?", ["The user's sister is called Ana.", "Ana lives in Leeds."]),
        ("Where does my sister live?", ["The user lives with his sisters."]),
        ("What does my sister do for work?", ["The user's sister is called Ana and works as a nurse."]),
        ("What's my dog called?", ["The user has a puppy."]),
        ("Who is my aunt's doctor?", ["The user's aunt sees Doctor Ana."]),
        ("What is my favourite series?", ["The user's favourite series is Dark."]),
        ("How old is my sister?", ["The user's sister is called Ana."]),
        ("What is my favourite colour?", ["The user's room has a nice colour."]),
    ],
)
def test_what_anything_held_may_tell_is_not_lacking(question, sentences):
    assert ((question, sentences) in LACKING) == told(*sentences).lacks(read(question))
