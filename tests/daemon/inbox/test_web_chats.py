"""Exports of ChatGPT, Claude and Open WebUI."""

from datetime import UTC, datetime, timedelta

import pytest

from daemon.inbox.errors import InboxError
from tests.daemon.inbox.local_samples import BEGAN
from tests.daemon.inbox.samples import (
    chatgpt,
    chatgpt_conversation,
    chatgpt_node,
    claude,
    claude_message,
    open_webui,
    read,
    texts,
)

NOON = datetime.fromtimestamp(BEGAN, UTC)


def changed(export, *path, to):
    """A copy of `export` with another value at `path`; `to` ... takes the key away."""
    if not path:
        return to
    key, *rest = path
    copy = list(export) if isinstance(export, list) else dict(export)
    if to is ... and not rest:
        del copy[key]
    else:
        copy[key] = changed(copy[key] if rest else None, *rest, to=to)
    return copy


def test_of_a_chatgpt_conversation_the_path_that_was_shown_is_read():
    """A message without a time has that of the one before it; the others are counted by reason."""
    found = read(chatgpt())
    said = ("Where do herons live?", "By ponds.", "Is this one?", "Yes.")

    assert "ChatGPT export" == found.format
    assert [list(zip(("user", "assistant") * 2, said, strict=True))] == texts(found)
    assert [
        (f"chatgpt:conv-1:{id}", NOON + timedelta(seconds=after))
        for id, after in (("q1", 3), ("a1", 7), ("q2", 7), ("a2", 9))
    ] == [(turn.external_id, turn.said_at) for turn in found.sessions[0]]
    assert {
        "system messages": 1,
        "hidden messages": 1,
        "messages on other branches": 2,
        "tool calls and results": 2,
        "thoughts": 1,
        "pictures, sounds and files": 1,
    } == found.left_out
    assert texts(found) == texts(read(changed(chatgpt(), 0, "current_node", to=None)))  # the last leaf


def test_what_was_said_aloud_to_chatgpt_is_read():
    voice = chatgpt_node(
        "a",
        None,
        "user",
        {"content_type": "audio_transcription", "text": "Hello there"},
        {"content_type": "real_time_user_audio_video_asset_pointer"},
        kind="multimodal_text",
    )

    assert [[("user", "Hello there")]] == texts(read([chatgpt_conversation(voice)]))


@pytest.mark.parametrize(
    ("path", "to", "words"),
    [
        ((0, "current_node"), "gone", "conversation 1: its message 'gone' is not in the file"),
        ((0, "mapping", "root", "parent"), "a2", "conversation 1: its messages go in a circle"),
        ((0, "mapping", "q1", "parent"), 7, "conversation 1: its message 7 is not"),
        ((0, "mapping", "q1"), "text", "conversation 1, 'q1': it is no JSON object"),
        ((1, "mapping"), ..., "conversation 2, 'mapping': it is no JSON object"),
        ((0, "mapping", "q1", "message"), "text", "message 'q1': it is no JSON object"),
        ((0, "mapping", "q1", "message", "author"), None, "message 'q1', 'author': it is no JSON object"),
        ((0, "mapping", "q1", "message", "content"), [], "message 'q1', 'content': it is no JSON object"),
        ((0, "mapping", "q1", "message", "content", "parts"), "text", "'parts': it is no list"),
        ((0, "mapping", "q1", "message", "create_time"), "soon", "message 'q1': 'soon' is no time"),
        ((0, "create_time"), "x" * 500, "conversation 1: 'x{39} is no time"),
    ],
)
def test_a_broken_chatgpt_conversation_refuses_the_file_and_names_the_place(path, to, words):
    with pytest.raises(InboxError, match=words):
        read(changed(chatgpt() * 2, *path, to=to))


def test_of_a_claude_message_the_blocks_of_text_are_read():
    found = read(claude())

    assert "Claude export" == found.format
    assert [
        [("user", "Where do herons live?"), ("assistant", "By ponds.\n\nAnd rivers."), ("user", "Thanks.")]
    ] == texts(found)
    assert ["claude:chat-1:message-1", "claude:chat-1:message-2", "claude:chat-1:message-3"] == [
        turn.external_id for turn in found.sessions[0]
    ]
    assert NOON + timedelta(seconds=2, microseconds=123456) == found.sessions[0][1].said_at
    assert {
        "thoughts": 1,
        "tool calls and results": 2,
        "pictures, sounds and files": 1,
        "empty conversations": 1,
    } == found.left_out


def test_of_claude_messages_that_branch_the_last_path_is_read():
    first = "00000000-0000-4000-8000-000000000000"
    messages = [
        claude_message(1, "human", "Hens?", parent_message_uuid=first),
        claude_message(2, "assistant", "In a coop.", parent_message_uuid="message-1"),
        claude_message(3, "assistant", "In a barn.", parent_message_uuid="message-1"),
    ]
    export = [{"uuid": "chat-1", "chat_messages": messages}]

    assert [[("user", "Hens?"), ("assistant", "In a barn.")]] == texts(read(export))
    assert {"messages on other branches": 1} == read(export).left_out
    chosen = changed(export, 0, "current_leaf_message_uuid", to="message-2")
    assert [[("user", "Hens?"), ("assistant", "In a coop.")]] == texts(read(chosen))


@pytest.mark.parametrize(
    ("path", "to", "words"),
    [
        ((1, "chat_messages"), ..., "conversation 2: it has no 'chat_messages'"),
        ((1, "chat_messages"), "none", "conversation 2, 'chat_messages': it is no list"),
        ((0, "chat_messages", 1), "text", "conversation 1, message 2: it is no JSON object"),
        ((0, "chat_messages", 1, "content"), "text", "message 2, 'content': it is no list"),
        ((0, "chat_messages", 1, "content", 3, "text"), 7, "message 2, 'content': it is no text"),
        ((0, "chat_messages", 2, "created_at"), "soon", "message 3: 'soon' is no time"),
    ],
)
def test_a_broken_claude_conversation_refuses_the_file_and_names_the_place(path, to, words):
    with pytest.raises(InboxError, match=words):
        read(changed(claude(), *path, to=to))


@pytest.mark.parametrize("given", [open_webui(), open_webui()[0], [open_webui()[0]["chat"]]])
def test_of_an_open_webui_chat_the_path_that_was_shown_is_read(given):
    found = read(given)

    assert "Open WebUI export" == found.format
    assert [
        [("user", "Where do herons live?"), ("assistant", "By ponds."), ("user", "And this one?")]
    ] == texts(found)
    assert {"messages on other branches": 1, "thoughts": 1, "pictures, sounds and files": 2} == found.left_out
    assert NOON + timedelta(seconds=2) == found.sessions[0][-1].said_at
    assert found.sessions[0][0].external_id == (
        None if given == [open_webui()[0]["chat"]] else "open-webui:chat-1:q1"
    )


@pytest.mark.parametrize(
    ("path", "to", "words"),
    [
        ((0, "chat", "history", "currentId"), "gone", "chat 1: its message 'gone' is not in the file"),
        ((0, "chat", "history", "messages", "q1", "parentId"), "q2", "chat 1: its messages go in a circle"),
        ((0, "chat", "history", "messages", "q1"), 3, "chat 1, message 'q1': it is no JSON object"),
        ((0, "chat", "history", "messages", "q1", "content"), {}, "'content': it is no text"),
        ((0, "chat", "history", "messages", "q1", "timestamp"), "soon", "message 'q1': 'soon' is no time"),
    ],
)
def test_a_broken_open_webui_chat_refuses_the_file_and_names_the_place(path, to, words):
    with pytest.raises(InboxError, match=words):
        read(changed(open_webui(), *path, to=to))
