"""What lay beside the question of each answer is known as long as it is there itself."""

import pytest

from store import beside, chats, memories
from store.beside import Beside
from tests.store.sample import DAY, NOON, say


@pytest.fixture
def answer(db):
    return chats.reply(db, say(db, "Where do I live?"), "In Ghent.", at=NOON, model="tsubasa@0")


@pytest.fixture
def held(db):
    return [memories.add(db, f"The user has {n} cats.", told_on=DAY, sources=[]).id for n in (1, 2, 3)]


def test_it_is_told_in_the_order_in_which_it_was_laid(db, answer, held):
    quoted = say(db, "I moved in spring.").id
    lay = Beside(memories=(held[2], held[0]), messages=(quoted,), recall_tokens=41)
    beside.note(db, answer.id, lay)

    assert {answer.id: lay} == beside.several(db, [answer.id, quoted])


def test_nothing_beside_an_answer_is_another_thing_than_not_knowing(db, answer):
    assert {} == beside.several(db, [answer.id])
    beside.note(db, answer.id, Beside())
    assert {answer.id: Beside()} == beside.several(db, [answer.id])


def test_the_same_answer_given_again_tells_what_lay_there_last(db, answer, held):
    beside.note(db, answer.id, Beside(memories=tuple(held), recall_tokens=41))
    beside.note(db, answer.id, Beside(memories=(held[1],), recall_tokens=12))

    assert {answer.id: Beside(memories=(held[1],), recall_tokens=12)} == beside.several(db, [answer.id])


def test_what_is_forgotten_leaves_no_number_behind(db, answer, held):
    beside.note(db, answer.id, Beside(memories=tuple(held)))
    memories.forget(db, [held[0]])

    assert held[1:] == list(beside.several(db, [answer.id])[answer.id].memories)
    assert [(2,)] == list(db.execute("select count(*) from beside"))


def test_what_was_forgotten_while_the_model_spoke_is_passed_over(db, answer, held):
    memories.forget(db, [held[1]])
    beside.note(db, answer.id, Beside(memories=tuple(held), messages=(999,)))

    assert Beside(memories=(held[0], held[2])) == beside.several(db, [answer.id])[answer.id]
