"""Exports of ChatGPT, Claude and Open WebUI."""

from datetime import UTC, datetime, timedelta

import pytest

from daemon.inbox.formats.reader import BRANCHES, EMPTY_CHATS, HIDDEN, MEDIA, SYSTEM, THOUGHTS, TOOLS
from tests.daemon.inbox.local_samples import BEGAN
from tests.daemon.inbox.samples import (
    changed,
    chatgpt,
    chatgpt_conversation,
    chatgpt_node,
    claude,
    claude_message,
    open_webui,
    read,
    texts,
)

ASKED = ("user", "Where do herons live?")
NOON = datetime.fromtimestamp(BEGAN, UTC)


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
    assert {SYSTEM: 1, HIDDEN: 1, BRANCHES: 2, TOOLS: 2, THOUGHTS: 1, MEDIA: 1} == found.left_out
    assert texts(found) == texts(read(changed(chatgpt(), 0, "current_node", to=None)))  # the last leaf


def test_what_was_said_aloud_to_chatgpt_is_read():
    parts = [{"content_type": "audio_transcription", "text": "Hello there"}]
    parts += [{"content_type": "real_time_user_audio_video_asset_pointer"}]
    voice = chatgpt_node("a", None, "user", *parts, kind="multimodal_text")

    assert [[("user", "Hello there")]] == texts(read([chatgpt_conversation(voice)]))


def test_of_a_claude_message_the_blocks_of_text_are_read():
    found = read(claude())

    assert "Claude export" == found.format
    assert [[ASKED, ("assistant", "By ponds.\n\nAnd rivers."), ("user", "Thanks.")]] == texts(found)
    ids = [turn.external_id for turn in found.sessions[0]]
    assert [f"claude:chat-1:message-{number}" for number in (1, 2, 3)] == ids
    assert NOON + timedelta(seconds=2, microseconds=123456) == found.sessions[0][1].said_at
    assert {THOUGHTS: 1, TOOLS: 2, MEDIA: 1, EMPTY_CHATS: 1} == found.left_out


def test_of_claude_messages_that_branch_the_last_path_is_read():
    first = "00000000-0000-4000-8000-000000000000"
    messages = [
        claude_message(1, "human", "Hens?", parent_message_uuid=first),
        claude_message(2, "assistant", "In a coop.", parent_message_uuid="message-1"),
        claude_message(3, "assistant", "In a barn.", parent_message_uuid="message-1"),
    ]
    export = [{"uuid": "chat-1", "chat_messages": messages}]

    assert [[("user", "Hens?"), ("assistant", "In a barn.")]] == texts(read(export))
    assert {BRANCHES: 1} == read(export).left_out
    chosen = changed(export, 0, "current_leaf_message_uuid", to="message-2")
    assert [[("user", "Hens?"), ("assistant", "In a coop.")]] == texts(read(chosen))


@pytest.mark.parametrize("given", [open_webui(), open_webui()[0], [open_webui()[0]["chat"]]])
def test_of_an_open_webui_chat_the_path_that_was_shown_is_read(given):
    found = read(given)

    assert "Open WebUI export" == found.format
    assert [[ASKED, ("assistant", "By ponds."), ("user", "And this one?")]] == texts(found)
    assert {BRANCHES: 1, THOUGHTS: 1, MEDIA: 2} == found.left_out
    assert NOON + timedelta(seconds=2) == found.sessions[0][-1].said_at
    assert found.sessions[0][0].external_id == (
        None if given == [open_webui()[0]["chat"]] else "open-webui:chat-1:q1"
    )
