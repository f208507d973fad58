"""What lay beside the question of each answer is known as long as it is there itself."""

import pytest

from store import chats, import_undo, imports, memories, recall_log
from store.chats import NewMessage
from store.recall_log import RecallCount, RecallRecord
from tests.store.sample import NOON, later, remember, say


@pytest.fixture
def answer(db):
    return chats.reply(db, say(db, "Where do I live?"), "In Ghent.", at=NOON, model="tsubasa@0")


@pytest.fixture
def held(db):
    return [remember(db, f"The user has {n} cats.").id for n in (1, 2, 3)]


def laid(db, answer):
    """What was laid beside this answer, None where that is not known."""
    return recall_log.of_answers(db, [answer.id]).get(answer.id)


def test_what_lay_there_last_is_known_in_its_order(db, answer, held):
    quoted = say(db, "I moved in spring.").id
    assert laid(db, answer) is None
    for lay in (
        RecallRecord(),
        RecallRecord(memories=(held[2], held[0]), messages=(quoted,), recall_tokens=41),
        RecallRecord(memories=(held[1],), recall_tokens=12),
    ):
        recall_log.record(db, answer.id, lay)

        assert {answer.id: lay} == recall_log.of_answers(db, [answer.id, quoted])


@pytest.mark.parametrize("while_the_model_spoke", [False, True])
def test_what_is_forgotten_lay_beside_nothing(db, answer, held, while_the_model_spoke):
    quoted = say(db, "I moved to a small flat near the canal in spring.").id
    lay = RecallRecord(memories=tuple(held), messages=(quoted,), recall_tokens=9)
    if not while_the_model_spoke:
        recall_log.record(db, answer.id, lay)
    memories.forget(db, [held[1]], messages=[quoted])
    if while_the_model_spoke:
        recall_log.record(db, answer.id, lay)

    assert RecallRecord(memories=(held[0], held[2]), recall_tokens=9) == laid(db, answer)
    assert [(2,)] == list(db.execute("select count(*) from beside"))


def test_of_an_answer_that_is_forgotten_nothing_is_known(db, answer, held):
    lay = RecallRecord(memories=tuple(held), recall_tokens=9)
    recall_log.record(db, answer.id, lay)
    memories.forget(db, messages=[answer.parent_id])
    assert laid(db, answer) is None
    recall_log.record(db, answer.id, lay)

    assert laid(db, answer) is None
    assert [(0,)] == list(db.execute("select count(*) from beside"))


def test_a_message_of_an_import_that_was_undone_lies_beside_nothing_any_more(db, answer):
    told = [[NewMessage(role="user", text="I bake bread on Sundays.", said_at=NOON)]]
    number = imports.record_import(db, "a" * 64, "export.json", told, NOON).id
    brought = db.execute("select max(id) from messages").get
    recall_log.record(db, answer.id, RecallRecord(messages=(brought,), recall_tokens=9))
    import_undo.undo_import(db, number)

    assert RecallRecord(recall_tokens=9) == laid(db, answer)


def test_recalls_are_counted_with_the_last_time_until_the_memory_is_forgotten(db, held):
    one, two, _ = held
    recall_log.count_recall(db, [one, two], at=later(days=1))
    recall_log.count_recall(db, [one, 99], at=NOON)
    expected = {one: RecallCount(n=2, last_at=later(days=1)), two: RecallCount(n=1, last_at=later(days=1))}
    assert expected == recall_log.recall_counts(db)
    memories.forget(db, [one])

    assert (
        {two: expected[two]} == recall_log.recall_counts(db, [one, two, 99]) == recall_log.recall_counts(db)
    )
    assert {} == recall_log.recall_counts(db, [])
