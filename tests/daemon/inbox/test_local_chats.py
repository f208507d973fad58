"""Exports of LM Studio, Jan, LibreChat and llm, and chats in Markdown."""

from datetime import UTC, datetime, timedelta

import pytest

from daemon.inbox.errors import UnknownFormat
from daemon.inbox.formats.reader import BRANCHES, EMPTY, ERRORS, FRAGMENTS, MEDIA, SYSTEM, THOUGHTS, TOOLS
from tests.daemon.inbox.local_samples import (
    BEGAN,
    MARKDOWN,
    NEW_LOGS,
    OLD_LOGS,
    database,
    jan,
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
    assert {THOUGHTS: 1, TOOLS: 1, BRANCHES: 1} == found.left_out
    assert {None} == {turn.external_id for turn in found.sessions[0]}
    assert [NOON, NOON + timedelta(seconds=1)] == [turn.said_at for turn in found.sessions[0]]


def test_the_messages_of_a_jan_thread_are_put_in_their_order():
    found = read(jan())

    assert ("Jan thread", [[ASKED, TOLD]]) == (found.format, texts(found))
    assert {THOUGHTS: 1, SYSTEM: 1, MEDIA: 1, EMPTY: 1} == found.left_out
    first = found.sessions[0][0]
    assert ("jan:thread-1:message-2", NOON + timedelta(seconds=2)) == (first.external_id, first.said_at)


@pytest.mark.parametrize("given", [librechat(), librechat_recursive(), [librechat()]])
def test_of_a_librechat_conversation_the_newest_branch_is_read(given):
    found = read(given)

    assert ("LibreChat conversation", [[ASKED, TOLD, ("user", "Thanks.")]]) == (found.format, texts(found))
    assert {BRANCHES: 1, THOUGHTS: 1, TOOLS: 1, ERRORS: 1} == found.left_out
    told = found.sessions[0][1]
    assert ("librechat:chat-1:m3", NOON + timedelta(seconds=3.23)) == (told.external_id, told.said_at)


def test_the_rows_of_an_older_llm_log_are_read_by_conversation_in_order_of_time():
    found = read(database(OLD_LOGS))

    assert "llm logs.db" == found.format
    again = [("user", "And hens?"), ("assistant", "In a coop.")]
    assert [[ASKED, TOLD, *again], [("user", "Alone")]] == sorted(texts(found), reverse=True, key=len)
    assert {SYSTEM: 1, THOUGHTS: 1, EMPTY: 1, MEDIA: 1} == found.left_out
    long = max(found.sessions, key=len)
    assert ("llm:01a:prompt", NOON) == (long[0].external_id, long[0].said_at)
    data = database(OLD_LOGS)
    assert 5 == read(data[:18] + b"\2\2" + data[20:]).turns  # one that writes ahead


def test_the_message_store_of_a_newer_llm_log_is_read_thread_by_thread():
    found = read(database(NEW_LOGS))

    assert [[ASKED, TOLD, ("user", "And hens?"), ("assistant", "In a coop.")]] == texts(found)
    assert {SYSTEM: 1, THOUGHTS: 1, FRAGMENTS: 1} == found.left_out
    assert [f"llm:01conv:b2:{number}" for number in (2, 3, 4, 5)] == [
        turn.external_id for turn in found.sessions[0]
    ]
    assert [0, 0, 1, 1] == [(turn.said_at - NOON).days for turn in found.sessions[0]]


def test_an_llm_conversation_in_both_kinds_of_tables_is_read_once():
    upgraded = OLD_LOGS + "delete from responses where id = '01b';" + NEW_LOGS
    found = max(read(database(upgraded)).sessions, key=len)

    assert ["llm:01a:prompt", "llm:01a:response", "llm:01conv:b2:4", "llm:01conv:b2:5"] == [
        turn.external_id for turn in found
    ]


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
