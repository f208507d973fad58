"""Exports of LM Studio, Jan, LibreChat and llm, and chats in Markdown."""

from datetime import UTC, datetime, timedelta

import pytest

from daemon.inbox.errors import InboxError, UnknownFormat
from tests.daemon.inbox.local_samples import (
    BEGAN,
    MARKDOWN,
    NEW_LOGS,
    OLD_LOGS,
    database,
    jan,
    jan_line,
    librechat,
    librechat_recursive,
    lm_studio,
)
from tests.daemon.inbox.samples import read, texts

NOON = datetime.fromtimestamp(BEGAN, UTC)
ASKED = ("user", "Where do herons live?")
TOLD = ("assistant", "By ponds.")


def test_of_an_lm_studio_conversation_the_selected_versions_are_read():
    found = read(lm_studio())

    assert ("LM Studio conversation", [[ASKED, TOLD]]) == (found.format, texts(found))
    assert {"thoughts": 1, "tool calls and results": 1, "messages on other branches": 1} == found.left_out
    assert [(None, NOON), (None, NOON + timedelta(seconds=1))] == [
        (turn.external_id, turn.said_at) for turn in found.sessions[0]
    ]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("text", "message 3: it is no JSON object"),
        ({"versions": [], "currentlySelected": 0}, "message 3: its selected version is not in the file"),
        ({"versions": [{}], "currentlySelected": -1}, "message 3: its selected version"),
        ({"versions": ["x"]}, "message 3, version 1: it is no JSON object"),
        ({"versions": [{"role": "assistant", "steps": {}}]}, "message 3, 'steps': it is no list"),
        (
            {"versions": [{"role": "user", "content": [{"type": "text", "text": 1}]}]},
            "'content': it is no text",
        ),
    ],
)
def test_a_broken_lm_studio_message_refuses_the_file_and_names_the_place(message, words):
    with pytest.raises(InboxError, match=words):
        read(lm_studio(message))


def test_the_messages_of_a_jan_thread_are_put_in_their_order():
    found = read(jan())

    assert ("Jan thread", [[ASKED, TOLD]]) == (found.format, texts(found))
    assert {
        "thoughts": 1,
        "system messages": 1,
        "pictures, sounds and files": 1,
        "empty messages": 1,
    } == found.left_out
    assert [("jan:thread-1:message-2", NOON + timedelta(seconds=2))] == [
        (turn.external_id, turn.said_at) for turn in found.sessions[0][:1]
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{broken", "line 5: it is no JSON"),
        ("[]", "line 5: it is no JSON object"),
        (jan_line(5, "user", "", content=[1]), "line 5, 'content': it is no JSON object"),
        (jan_line(5, "user", "x", created_at="soon"), "line 5: 'soon' is no time"),
    ],
)
def test_a_broken_jan_line_refuses_the_file_and_names_the_line(line, words):
    with pytest.raises(InboxError, match=words):
        read(jan() + line)


@pytest.mark.parametrize("given", [librechat(), librechat_recursive(), [librechat()]])
def test_of_a_librechat_conversation_the_newest_branch_is_read(given):
    found = read(given)

    assert ("LibreChat conversation", [[ASKED, TOLD, ("user", "Thanks.")]]) == (found.format, texts(found))
    assert {
        "messages on other branches": 1,
        "thoughts": 1,
        "tool calls and results": 1,
        "error messages": 1,
    } == found.left_out
    assert ("librechat:chat-1:m3", NOON + timedelta(seconds=3, milliseconds=230)) == (
        found.sessions[0][1].external_id,
        found.sessions[0][1].said_at,
    )


def test_a_broken_librechat_conversation_refuses_the_file_and_names_the_place():
    circle, twice, lost = librechat(), librechat(), librechat()
    circle["messages"][0]["parentMessageId"] = "m4"
    twice["messages"][1]["messageId"] = "m1"
    lost["messages"][1] = 3

    for export, words in (
        (circle, "conversation 1: its messages go in a circle"),
        (twice, "conversation 1, message 2: it has no id of its own"),
        (lost, "conversation 1, message 2: it is no JSON object"),
    ):
        with pytest.raises(InboxError, match=words):
            read(export)


def test_the_rows_of_an_older_llm_log_are_read_by_conversation_in_order_of_time():
    found = read(database(OLD_LOGS))

    assert "llm logs.db" == found.format
    again = [("user", "And hens?"), ("assistant", "In a coop.")]
    assert [[ASKED, TOLD, *again], [("user", "Alone")]] == sorted(texts(found), reverse=True, key=len)
    assert {
        "system messages": 1,
        "thoughts": 1,
        "empty messages": 1,
        "pictures, sounds and files": 1,
    } == found.left_out
    long = max(found.sessions, key=len)
    assert ("llm:01a:prompt", NOON) == (long[0].external_id, long[0].said_at)
    data = database(OLD_LOGS)
    assert 5 == read(data[:18] + b"\2\2" + data[20:]).turns  # one that writes ahead


def test_the_message_store_of_a_newer_llm_log_is_read_thread_by_thread():
    found = read(database(NEW_LOGS))

    assert [[ASKED, TOLD, ("user", "And hens?"), ("assistant", "In a coop.")]] == texts(found)
    assert {"system messages": 1, "thoughts": 1, "fragments": 1} == found.left_out
    assert ["llm:01conv:b2:2", "llm:01conv:b2:3", "llm:01conv:b2:4", "llm:01conv:b2:5"] == [
        turn.external_id for turn in found.sessions[0]
    ]
    assert [0, 0, 1, 1] == [(turn.said_at - NOON).days for turn in found.sessions[0]]


def test_an_llm_conversation_in_both_kinds_of_tables_is_read_once():
    upgraded = OLD_LOGS + "delete from responses where id = '01b';" + NEW_LOGS
    found = max(read(database(upgraded)).sessions, key=len)

    assert ["llm:01a:prompt", "llm:01a:response", "llm:01conv:b2:4", "llm:01conv:b2:5"] == [
        turn.external_id for turn in found
    ]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("create table notes (id);", "no logs.db of llm"),
        ("create view responses as select 1 as id;", "no logs.db of llm"),
        ("create virtual table responses using fts5 (id);", "no logs.db of llm"),
        (OLD_LOGS + "update responses set datetime_utc = 'soon';", "'datetime_utc': 'soon' is no time"),
        (OLD_LOGS + "update responses set prompt = x'ff';", "'prompt': it is no text"),
        (NEW_LOGS + "update messages set parent_hash = 'b2:5' where hash = 'b2:1';", "go in a circle"),
        (NEW_LOGS + "update threads set tip_message_hash = 'b2:9';", "'b2:9' is not in the file"),
        ("create table responses (id text, prompt text as (hex(zeroblob(9))));", "no logs.db of llm"),
        (
            "create table real (id); create view threads as select id from real; create view turns as select 1;"
            "create view messages as select 1; create view parts as select 1;",
            "no logs.db of llm",
        ),
    ],
)
def test_another_or_a_broken_database_is_refused_and_nothing_in_it_is_run(script, words):
    with pytest.raises(InboxError, match=words):
        read(database(script))


def test_a_chat_in_markdown_is_read_by_its_headings():
    found = read(MARKDOWN)
    asked, told, thanked = found.sessions[0]

    assert "Markdown" == found.format
    assert asked.text.startswith("Where do herons live?\n\n```\n## Assistant")
    assert ("assistant", True) == (told.role, told.text.endswith("headings here"))
    assert "Thanks." == thanked.text
    assert [(5, 0, 0), (6, 8, 0), (5, 0, 2)] == [
        (turn.said_at.day, turn.said_at.hour, turn.said_at.second) for turn in found.sessions[0]
    ]
    assert {"lines before the first turn": 2} == found.left_out


@pytest.mark.parametrize(
    "text",
    [
        "**You:** hi\n\n**ChatGPT:** hello",
        "**You**: hi\n**Claude** (2026-03-05 10:00): hello",
        "You: hi\r\nAI: hello\r\n",
        "### Human\nhi\n### Assistant:\nhello",
        "# 2026-03-05T10:00:00 conversation: x\n\n## Prompt\n\nhi\n\n## Response\n\nhello\n",
        "System: Be brief.\nUser: hi\nAssistant: hello",
    ],
)
def test_turns_in_markdown_may_begin_in_several_ways(text):
    assert [[("user", "hi"), ("assistant", "hello")]] == texts(read(text))


@pytest.mark.parametrize(
    "text",
    [
        "You: hi",
        "**User** rights are listed below.\n**Assistant** managers have none.",
        "User-agent: x\nAssistant-manager: y",
        "# User\nguide",
        "http://you:me@ai",
    ],
)
def test_other_texts_are_no_chats(text):
    with pytest.raises(UnknownFormat):
        read(text)


def test_a_time_in_markdown_that_is_none_is_named_by_its_turn():
    with pytest.raises(InboxError, match="turn 2: '2026-13-05' is no time"):
        read("## User\nhi\n## Assistant (2026-13-05)\nhello")
