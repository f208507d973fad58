import pytest

from store import chats, full_text, imports
from store.chats import NewMessage
from store.errors import StoreFull
from tests.store.sample import NOON, later


def session(number, *texts):
    return [
        NewMessage(
            role=("user", "assistant")[place % 2],
            text=text,
            external_id=f"D{number}:{place + 1}",
            said_at=later(days=-place),
        )
        for place, text in enumerate(texts)
    ]


ONE, TWO = session(1, "hi", "hello", "I live in Ghent"), session(2, "hi", "hello again")


def test_each_session_becomes_a_chat(db):
    report = imports.record_import(db, "d1", "export.json", [ONE, TWO], NOON)
    first, second = chats.by_external_id(db, "D1:3"), chats.by_external_id(db, "D2:2")

    assert (report.sessions, report.turns, report.skipped) == (2, 5, 0)
    assert [message.text for message in chats.path(db, first.id)] == ["hi", "hello", "I live in Ghent"]
    assert first.chat_id != second.chat_id
    assert (first.source, first.said_at) == ("import", later(days=-2))
    assert full_text.search(db, "message", "ghent", 3) == [(first.id, pytest.approx(-1, abs=2))]


def test_the_same_file_adds_nothing_the_second_time(db):
    first = imports.record_import(db, "d1", "export.json", [ONE, TWO], NOON)
    second = imports.record_import(db, "d1", "renamed.json", [ONE, TWO], later(days=1))

    assert imports.is_imported(db, "d1")
    assert not imports.is_imported(db, "d2")
    assert (second.id, second.sessions, second.turns, second.skipped) == (first.id, 0, 0, 5)
    assert chats.count(db) == 5


def test_a_longer_export_of_the_same_chats_adds_only_what_is_new(db):
    imports.record_import(db, "d1", "export.json", [ONE], NOON)
    grown = session(1, "hi", "hello", "I live in Ghent", "Noted.")
    report = imports.record_import(db, "d2", "export.json", [grown, TWO], later(days=1))
    added = chats.by_external_id(db, "D1:4")

    assert (report.sessions, report.turns, report.skipped) == (2, 3, 3)
    assert [message.text for message in chats.path(db, added.id)][-2:] == ["I live in Ghent", "Noted."]


def test_messages_without_a_name_of_their_own_are_stored(db):
    nameless = [NewMessage(role="user", text="hi")] * 2
    report = imports.record_import(db, "d1", "log.jsonl", [nameless], NOON)

    assert (report.turns, chats.count(db)) == (2, 2)


def test_an_import_that_fails_halfway_leaves_nothing(db):
    db.pragma("max_page_count", db.pragma("page_count") + 2)
    with pytest.raises(StoreFull):
        imports.record_import(db, "d1", "export.json", [ONE, session(3, "x" * 200_000)], NOON)

    assert chats.count(db) == 0
    assert not imports.is_imported(db, "d1")


def test_a_grown_log_without_names_adds_only_its_tail(db):
    log = [NewMessage(role="user", text=text, said_at=NOON) for text in ("hi", "hi", "I live in Ghent")]
    undated = [NewMessage(role="user", text=text) for text in ("hi", "I sing", "I run")]
    imports.record_import(db, "d1", "log.jsonl", [log[:2], undated[:2]], NOON)
    report = imports.record_import(db, "d2", "log.jsonl", [log, undated], later(days=1))

    assert (report.sessions, report.turns, report.skipped) == (2, 2, 4)
    assert [message.text for message in chats.path(db, 5)] == ["hi", "hi", "I live in Ghent"]
    assert [message.text for message in chats.path(db, 6)] == ["hi", "I sing", "I run"]


def test_the_same_words_at_another_time_are_said_again(db):
    again = [[NewMessage(role="user", text="hi", said_at=later(days=day))] for day in (0, 1)]
    first = imports.record_import(db, "d1", "log.jsonl", again[:1], NOON)
    second = imports.record_import(db, "d2", "log.jsonl", again, NOON)

    assert (first.turns, second.turns, second.skipped) == (1, 1, 1)


def test_two_equal_sessions_of_one_export_are_two_and_are_known_again(db):
    twice = [[NewMessage(role="user", text="hi", said_at=NOON)]] * 2
    first = imports.record_import(db, "d1", "log.jsonl", twice, NOON)
    second = imports.record_import(db, "d2", "log.jsonl", twice, NOON)

    assert (first.turns, second.turns, second.skipped) == (2, 0, 2)
