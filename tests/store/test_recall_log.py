"""What lay beside the question of each answer is known as long as it is there itself."""

import pytest

from store import chats, imports, memories, recall_log
from store.chats import NewMessage
from store.recall_log import RecallCount, RecallRecord
from tests.store.sample import DAY, NOON, later, say


@pytest.fixture
def answer(db):
    return chats.reply(db, say(db, "Where do I live?"), "In Ghent.", at=NOON, model="tsubasa@0")


@pytest.fixture
def held(db):
    return [memories.add(db, f"The user has {n} cats.", told_on=DAY, sources=[]).id for n in (1, 2, 3)]


def test_it_is_told_in_the_order_in_which_it_was_laid(db, answer, held):
    quoted = say(db, "I moved in spring.").id
    lay = RecallRecord(memories=(held[2], held[0]), messages=(quoted,), recall_tokens=41)
    recall_log.record(db, answer.id, lay)

    assert {answer.id: lay} == recall_log.of_answers(db, [answer.id, quoted])


def test_nothing_beside_an_answer_is_another_thing_than_not_knowing(db, answer):
    assert {} == recall_log.of_answers(db, [answer.id])
    recall_log.record(db, answer.id, RecallRecord())
    assert {answer.id: RecallRecord()} == recall_log.of_answers(db, [answer.id])


def test_the_same_answer_given_again_tells_what_lay_there_last(db, answer, held):
    recall_log.record(db, answer.id, RecallRecord(memories=tuple(held), recall_tokens=41))
    recall_log.record(db, answer.id, RecallRecord(memories=(held[1],), recall_tokens=12))

    assert {answer.id: RecallRecord(memories=(held[1],), recall_tokens=12)} == recall_log.of_answers(
        db, [answer.id]
    )


def test_what_is_forgotten_leaves_no_number_behind(db, answer, held):
    recall_log.record(db, answer.id, RecallRecord(memories=tuple(held)))
    memories.forget(db, [held[0]])

    assert held[1:] == list(recall_log.of_answers(db, [answer.id])[answer.id].memories)
    assert [(2,)] == list(db.execute("select count(*) from beside"))


def test_what_was_forgotten_while_the_model_spoke_is_passed_over(db, answer, held):
    memories.forget(db, [held[1]])
    recall_log.record(db, answer.id, RecallRecord(memories=tuple(held), messages=(999,)))

    assert RecallRecord(memories=(held[0], held[2])) == recall_log.of_answers(db, [answer.id])[answer.id]


def test_a_message_that_is_forgotten_lies_beside_nothing_any_more(db, answer, held):
    quoted = say(db, "I moved to a small flat near the canal in spring.").id
    recall_log.record(db, answer.id, RecallRecord(memories=(held[0],), messages=(quoted,), recall_tokens=9))
    memories.forget(db, messages=[quoted])

    assert (
        RecallRecord(memories=(held[0],), recall_tokens=9)
        == recall_log.of_answers(db, [answer.id])[answer.id]
    )
    recall_log.record(db, answer.id, RecallRecord(memories=(held[0],), messages=(quoted,), recall_tokens=9))
    assert () == recall_log.of_answers(db, [answer.id])[answer.id].messages


def test_of_an_answer_that_is_forgotten_nothing_is_known(db, answer, held):
    recall_log.record(db, answer.id, RecallRecord(memories=tuple(held), recall_tokens=9))
    memories.forget(db, messages=[answer.parent_id])

    assert {} == recall_log.of_answers(db, [answer.id])
    recall_log.record(db, answer.id, RecallRecord(memories=tuple(held)))
    assert {} == recall_log.of_answers(db, [answer.id])
    assert [(0,)] == list(db.execute("select count(*) from beside"))


def test_a_message_of_an_import_that_was_undone_lies_beside_nothing_any_more(db, answer):
    told = [[NewMessage(role="user", text="I bake bread on Sundays.", said_at=NOON)]]
    number = imports.record_import(db, "a" * 64, "export.json", told, NOON).id
    brought = db.execute("select max(id) from messages").get
    recall_log.record(db, answer.id, RecallRecord(messages=(brought,), recall_tokens=9))
    imports.undo_import(db, number)

    assert {answer.id: RecallRecord(recall_tokens=9)} == recall_log.of_answers(db, [answer.id])


def test_recalls_are_counted_with_the_last_time(db):
    one, two = (memories.add(db, text, told_on=DAY, sources=[]) for text in ("one", "two"))
    recall_log.count_recall(db, [one.id, two.id], at=later(days=1))
    recall_log.count_recall(db, [one.id, 99], at=NOON)

    expected = {
        one.id: RecallCount(n=2, last_at=later(days=1)),
        two.id: RecallCount(n=1, last_at=later(days=1)),
    }
    assert expected == recall_log.recall_counts(db)
    assert {two.id: expected[two.id]} == recall_log.recall_counts(db, [two.id, 99])
    assert {} == recall_log.recall_counts(db, [])


def test_the_count_of_a_forgotten_memory_is_gone(db):
    memory = memories.add(db, "The user lives in Ghent.", told_on=DAY, sources=[])
    recall_log.count_recall(db, [memory.id], at=NOON)
    memories.forget(db, [memory.id])

    assert {} == recall_log.recall_counts(db)
