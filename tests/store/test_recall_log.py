"""What lay beside the question of each answer is known as long as it is there itself."""

import pytest

from store import chats, import_undo, imports, memories, recall_log
from store.chats import NewMessage
from store.database import open_store
from store.recall_log import Beside
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
    recall_log.note(db, answer.id, lay)

    assert {answer.id: lay} == recall_log.several(db, [answer.id, quoted])


def test_nothing_beside_an_answer_is_another_thing_than_not_knowing(db, answer):
    assert {} == recall_log.several(db, [answer.id])
    recall_log.note(db, answer.id, Beside())
    assert {answer.id: Beside()} == recall_log.several(db, [answer.id])


def test_the_same_answer_given_again_tells_what_lay_there_last(db, answer, held):
    recall_log.note(db, answer.id, Beside(memories=tuple(held), recall_tokens=41))
    recall_log.note(db, answer.id, Beside(memories=(held[1],), recall_tokens=12))

    assert {answer.id: Beside(memories=(held[1],), recall_tokens=12)} == recall_log.several(db, [answer.id])


def test_what_is_forgotten_leaves_no_number_behind(db, answer, held):
    recall_log.note(db, answer.id, Beside(memories=tuple(held)))
    memories.forget(db, [held[0]])

    assert held[1:] == list(recall_log.several(db, [answer.id])[answer.id].memories)
    assert [(2,)] == list(db.execute("select count(*) from beside"))


def test_what_was_forgotten_while_the_model_spoke_is_passed_over(db, answer, held):
    memories.forget(db, [held[1]])
    recall_log.note(db, answer.id, Beside(memories=tuple(held), messages=(999,)))

    assert Beside(memories=(held[0], held[2])) == recall_log.several(db, [answer.id])[answer.id]


def test_a_message_that_is_forgotten_lies_beside_nothing_any_more(db, answer, held):
    quoted = say(db, "I moved to a small flat near the canal in spring.").id
    recall_log.note(db, answer.id, Beside(memories=(held[0],), messages=(quoted,), recall_tokens=9))
    memories.forget(db, messages=[quoted])

    assert Beside(memories=(held[0],), recall_tokens=9) == recall_log.several(db, [answer.id])[answer.id]
    recall_log.note(db, answer.id, Beside(memories=(held[0],), messages=(quoted,), recall_tokens=9))
    assert () == recall_log.several(db, [answer.id])[answer.id].messages


def test_of_an_answer_that_is_forgotten_nothing_is_known(db, answer, held):
    recall_log.note(db, answer.id, Beside(memories=tuple(held), recall_tokens=9))
    memories.forget(db, messages=[answer.parent_id])

    assert {} == recall_log.several(db, [answer.id])
    recall_log.note(db, answer.id, Beside(memories=tuple(held)))
    assert {} == recall_log.several(db, [answer.id])
    assert [(0,)] == list(db.execute("select count(*) from beside"))


def test_a_message_of_an_import_that_was_undone_lies_beside_nothing_any_more(db, answer):
    told = [[NewMessage(role="user", text="I bake bread on Sundays.", said_at=NOON)]]
    number = imports.record_import(db, "a" * 64, "export.json", told, NOON).id
    brought = db.execute("select max(id) from messages").get
    recall_log.note(db, answer.id, Beside(messages=(brought,), recall_tokens=9))
    import_undo.undo_import(db, number)

    assert {answer.id: Beside(recall_tokens=9)} == recall_log.several(db, [answer.id])


def test_a_store_from_before_this_was_kept_knows_nothing_of_its_answers(tmp_path):
    path, key = tmp_path / "store.db", b"k" * 32
    db = open_store(path, key)
    answer = chats.reply(db, say(db, "Where do I live?"), "In Ghent.", at=NOON, model="tsubasa@0")
    db.execute("drop table beside; drop table answers")
    db.pragma("user_version", 9)
    db.close()
    db = open_store(path, key)

    assert {} == recall_log.several(db, [answer.id])
    memories.forget(db, messages=[answer.parent_id])
    assert {} == recall_log.several(db, [answer.id])
    db.close()
