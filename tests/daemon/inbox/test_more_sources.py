"""Exports of other programs, made after their published shapes: what is read of each, known by its content alone."""

import json
import time
import zipfile
from datetime import UTC, datetime

import pytest

from daemon.inbox.detect import read_export
from daemon.inbox.errors import InboxError, UnknownFormat
from daemon.inbox.formats.reader import (
    BEGINNINGS,
    BRANCHES,
    BROKEN,
    BROKEN_FILES,
    BROKEN_LINES,
    EMPTY,
    HIDDEN,
    KEPT_ELSEWHERE,
    MEDIA,
    PASTED,
    PROJECTS,
    SYSTEM,
    THOUGHTS,
    TOOLS,
)
from daemon.memory.strip_quotes import strip_quotes
from tests.daemon.inbox.local_samples import jan, jan_line, lm_studio
from tests.daemon.inbox.samples import (
    changed,
    chatgpt,
    chatgpt_conversation,
    chatgpt_node,
    claude,
    lines,
    open_webui,
    read,
    texts,
    zipped,
)

ASKED, ANSWERED = ("user", "I live in Ghent. How warm is it?"), ("assistant", "Twelve degrees.")
BOTH = [[ASKED, ANSWERED]]
MS = 1765275434078
FENCE = "2026-03-05T18:00:00Z"


def llama_cpp(**conv):
    def one(id, parent, role, content, **more):
        return {"id": id, "parent": parent, "role": role, "content": content, "timestamp": MS, **more}

    messages = [
        one("r", None, "system", "", type="root"),
        one("q", "r", *ASKED),
        one("old", "q", "assistant", "Eleven."),
        one("a", "q", *ANSWERED, thinking="hm"),
    ]
    return {"conv": {"id": "c", "currNode": "a", **conv}, "messages": messages}


def deepseek():
    def node(id, parent, *fragments):
        made = [{"type": kind, "content": text} for kind, text in fragments]
        return {"id": id, "parent": parent, "message": {"files": [], "inserted_at": FENCE, "fragments": made}}

    mapping = {
        "root": {"id": "root", "parent": None, "message": None},
        "1": node("1", "root", ("REQUEST", ASKED[1])),
        "2": node("2", "1", ("THINK", "hm"), ("SEARCH", "x"), ("RESPONSE", ANSWERED[1])),
    }
    return [{"id": "c", "title": "t", "inserted_at": FENCE, "mapping": mapping}]


def grok():
    stamp = {"$date": {"$numberLong": str(MS)}}

    def one(id, parent, sender, message):
        made = {"_id": id, "parent_response_id": parent, "sender": sender, "message": message}
        return {"response": {**made, "create_time": stamp}}

    said = [
        one("1", None, "human", ASKED[1]),
        one("x", "1", "ASSISTANT", "?"),
        one("2", "1", "ASSISTANT", ANSWERED[1]),
    ]
    return {
        "conversations": [{"conversation": {"id": "c", "create_time": stamp}, "responses": said}],
        "projects": [],
    }


def code_line(kind, content, uuid, **more):
    message = {"role": kind, "content": content}
    return {"type": kind, "uuid": uuid, "sessionId": "s", "timestamp": FENCE, "message": message, **more}


CLAUDE_CODE = lines(
    code_line("user", "<command-name>/clear</command-name>", "0"),
    code_line("user", ASKED[1], "1"),
    code_line("assistant", [{"type": "thinking", "thinking": "hm"}, {"type": "tool_use", "name": "x"}], "2"),
    code_line("user", [{"type": "tool_result", "content": "12"}], "3"),
    code_line("assistant", [{"type": "text", "text": ANSWERED[1]}], "4"),
    code_line("user", "a helper's task", "5", isSidechain=True),
)


def item(role, text, kind="message"):
    payload = {"type": kind, "role": role, "content": [{"type": "input_text", "text": text}]}
    return {"timestamp": FENCE, "type": "response_item", "payload": payload}


CODEX = lines(
    {"timestamp": FENCE, "type": "session_meta", "payload": {"id": "s", "cwd": "/home/ann"}},
    item("user", "<environment_context>\n<cwd>/home/ann</cwd>\n</environment_context>"),
    item(*ASKED),
    item("assistant", "", kind="reasoning"),
    item(*ANSWERED),
)
MISTRAL = [
    {
        "id": "2",
        "chatId": "c",
        "role": "assistant",
        "content": ANSWERED[1],
        "createdAt": "2026-03-05T18:00:01Z",
    },
    {"id": "1", "chatId": "c", "role": "user", "content": ASKED[1], "createdAt": FENCE, "files": [{}]},
]
CHERRY = {
    "indexedDB": {
        "topics": [
            {
                "id": "t",
                "messages": [{"id": "1", "role": "user", "blocks": ["b"]}, {"id": "2", "role": "assistant"}],
            }
        ],
        "message_blocks": [
            {"id": "b", "messageId": "1", "type": "main_text", "content": ASKED[1]},
            {"id": "c", "messageId": "2", "type": "thinking", "content": "hm"},
            {"id": "d", "messageId": "2", "type": "main_text", "content": ANSWERED[1]},
        ],
    }
}
TAKEOUT = [
    {
        "header": "Gemini Apps",
        "title": f"Prompted {ASKED[1]}",
        "time": FENCE,
        "products": ["Gemini Apps"],
        "safeHtmlItem": [{"html": f"<p>{ANSWERED[1]}</p>"}],
    },
    {"header": "Gemini Apps", "title": "Used an app", "time": FENCE, "products": ["Gemini Apps"]},
]
SILLY = lines(
    {"user_name": "Ann", "character_name": "Aragorn", "create_date": "2026-3-5@18h00m"},
    {"name": "Ann", "is_user": True, "mes": ASKED[1], "send_date": "March 5, 2026 6:00pm"},
    {"name": "Aragorn", "is_user": False, "mes": ANSWERED[1], "swipes": ["x", ANSWERED[1]]},
)
FINE_TUNING = lines(
    {
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": ASKED[1]},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function"}]},
            {"role": "tool", "tool_call_id": "c1", "content": "12"},
            {"role": "assistant", "content": ANSWERED[1], "weight": 1},
        ]
    }
)
SHAREGPT = {
    "id": "s",
    "conversations": [{"from": "human", "value": ASKED[1]}, {"from": "gpt", "value": ANSWERED[1]}],
}


@pytest.mark.parametrize(
    ("given", "name", "left_out"),
    [
        (llama_cpp(), "llama.cpp conversation", {BRANCHES: 1, THOUGHTS: 1}),
        ([llama_cpp()], "llama.cpp conversation", {BRANCHES: 1, THOUGHTS: 1}),
        (llama_cpp(currNode="gone"), "llama.cpp conversation", {BRANCHES: 1, THOUGHTS: 1}),
        (deepseek(), "DeepSeek export", {THOUGHTS: 1, TOOLS: 1}),
        (grok(), "Grok export", {BRANCHES: 1}),
        (CLAUDE_CODE, "Claude Code session", {HIDDEN: 2, THOUGHTS: 1, TOOLS: 2}),
        (CODEX, "Codex session", {HIDDEN: 1, THOUGHTS: 1}),
        (MISTRAL, "Mistral chat", {MEDIA: 1}),
        ([{"id": 1, "prompt": ASKED[1], "response": ANSWERED[1], "sent_at": FENCE}], "AnythingLLM chats", {}),
        (CHERRY, "Cherry Studio backup", {THOUGHTS: 1}),
        (TAKEOUT, "Gemini activity", {"messages of an unknown kind": 1}),
        (SILLY, "SillyTavern chat", {BRANCHES: 1}),
        (FINE_TUNING, "JSONL chat log", {SYSTEM: 1, TOOLS: 2}),
        ([SHAREGPT], "ShareGPT conversations", {}),
        ([{"instruction": ASKED[1], "input": "", "output": ANSWERED[1]}], "ShareGPT conversations", {}),
    ],
)  # fmt: skip
def test_a_source_is_known_by_its_content_and_read(given, name, left_out):
    found = read(given)

    assert (name, BOTH) == (found.format, texts(found))
    assert left_out == found.left_out


def test_conversations_may_stand_one_a_line():
    assert BOTH * 2 == texts(read(lines(llama_cpp(), llama_cpp(id="d"))))
    assert BOTH * 2 == texts(read(lines(SHAREGPT, SHAREGPT | {"id": "t"})))


def test_a_persona_of_a_role_play_is_named():
    assert ["Ann", "Aragorn"] == [turn.speaker for turn in read(SILLY).sessions[0]]


WHATSAPP = {
    "an iPhone": "[05.03.26, 18:00:12] Anna: See you in Ghent?\nOr at home?\n[05.03.26, 18:01:00] Ben: At home.\n",
    "Android": "05/03/2026, 18:00 - Messages are end-to-end encrypted.\n05/03/2026, 18:00 - Anna: See you in Ghent?\n"
    "Or at home?\n05/03/2026, 18:01 - Ben: At home.\n05/03/2026, 18:02 - Ben: <Media omitted>\n",
    "American": "3/5/26, 6:00\u202fPM - Anna: See you in Ghent?\nOr at home?\n3/5/26, 6:01\u202fPM - Ben: At home.\n",
    "year first": "[2026-03-05, 18:00:12] Anna: See you in Ghent?\nOr at home?\n[2026-03-05, 18:01:00] Ben: At home.\n",
}


@pytest.mark.parametrize("case", WHATSAPP)
def test_in_a_whatsapp_chat_everybody_is_named(case, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    found = read(WHATSAPP[case])
    (session,) = found.sessions

    assert "WhatsApp chat" == found.format
    assert [("user", "Anna", "See you in Ghent?\nOr at home?"), ("user", "Ben", "At home.")] == [
        (turn.role, turn.speaker, turn.text) for turn in session
    ]
    assert datetime(2026, 3, 5, 18, 1, tzinfo=UTC) == session[1].said_at


def test_in_a_telegram_chat_everybody_is_named_and_what_is_passed_on_is_pasted():
    def one(id, who, text, **more):
        return {"id": id, "type": "message", "date": "2026-03-05T18:00:00", "date_unixtime": str(1772733600 + id),
                "from": who, "from_id": f"user{id}", "text": text, **more}  # fmt: skip

    links = ["See ", {"type": "link", "text": "https://example.org"}, "!"]
    messages = [
        one(1, "Anna", links),
        one(2, "Ben", "I live in Oslo.", forwarded_from="Cem"),
        {"id": 3, "type": "service"},
    ]
    chat = {"name": "Anna", "type": "personal_chat", "id": 7, "messages": messages}
    for whole in (chat, {"about": "x", "chats": {"list": [chat]}}):
        (session,) = read(whole).sessions

        assert [("Anna", "telegram:7:1"), ("Ben", "telegram:7:2")] == [
            (one.speaker, one.external_id) for one in session
        ]
        assert ["See https://example.org!", ""] == [strip_quotes(turn.text) for turn in session]


def good(number):
    return chatgpt_conversation(chatgpt_node("a", None, "user", f"Question {number}"), id=f"conv-{number}")


BROKEN_ONE = good(3) | {
    "mapping": {"a": {"message": None, "parent": "a"}},
    "current_node": "a",
}


def test_one_broken_conversation_takes_nothing_from_the_others_and_is_named():
    found = read([good(1), BROKEN_ONE, "no object", good(2)])

    assert [[("user", "Question 1")], [("user", "Question 2")]] == texts(found)
    assert 2 == found.left_out[BROKEN]
    assert ["conversation 2: its messages go in a circle", "conversation 3: it is no JSON object"] == list(
        found.unread
    )
    with pytest.raises(InboxError, match="conversation 2: its messages go in a circle"):
        read([good(1), BROKEN_ONE, good(2)], strict=True)


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        (jan() + "{broken\n" + jan_line(9, "user", "And then?"), {BROKEN_LINES: 1}),
        (jan() + jan_line(9, "user", "x", created_at="soon"), {BROKEN_LINES: 1}),
        (changed(claude() * 2, 1, "chat_messages", to=[{"sender": 3, "content": 7}]), {BROKEN: 1}),
        (lines({"role": "user", "content": "hi"}, {"role": "robot"}, {"role": "user", "content": None}),
            {BROKEN_LINES: 1, EMPTY: 1}),
        (lines({"messages": [{"role": "user", "content": "hi"}]}, {"messages": [1]}), {BROKEN: 1}),
    ],
)  # fmt: skip
def test_in_every_format_what_is_broken_is_counted_and_the_rest_is_read(given, counted):
    found = read(given)

    assert found.turns
    assert counted == {reason: found.left_out[reason] for reason in counted}


def test_what_hangs_together_is_read_from_the_newest_whole_leaf():
    gone = changed(chatgpt(), 0, "current_node", to="gone")
    rootless = changed(open_webui(), 0, "chat", "history", "messages", "a1", "parentId", to="gone")
    empty = lm_studio({"versions": [], "currentlySelected": 0})

    assert texts(read(chatgpt())) == texts(read(gone))
    assert 1 == read(rootless).left_out[BEGINNINGS]
    assert texts(read(lm_studio())) == texts(read(empty))


def test_of_a_file_that_is_cut_short_its_whole_conversations_are_read():
    whole = json.dumps([good(1), good(2), good(3)])
    found = read(whole[: whole.index("Question 3")])

    assert 2 == len(found.sessions)
    assert 1 == found.left_out[BROKEN]
    with pytest.raises(InboxError):
        read(whole[:-100], strict=True)


def test_one_broken_file_of_an_archive_takes_nothing_from_the_others():
    found = read(zipped({"conversations-000.json": [good(1)], "conversations-001.json": '{"id": "co'}))

    assert (1, 1) == (len(found.sessions), found.left_out[BROKEN_FILES])


def test_an_archive_is_read_where_it_lies_and_only_its_chats_count(tmp_path):
    file = tmp_path / "export.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("video.mp4", b"\0" * 3_000_000)
        archive.writestr("conversations.json", json.dumps([good(1)]))
        for number in range(12_000):
            archive.writestr(f"pictures/{number}.png", b"")
    found = read_export("export.zip", file, largest=100_000)

    assert [[("user", "Question 1")]] == texts(found)


def test_claudes_archive_offers_its_memories_and_its_attachments_are_pasted():
    attached = {"file_name": "me.txt", "extracted_content": "My name is Lena and I bake bread."}
    export = changed(claude(), 0, "chat_messages", 0, "attachments", to=[attached])
    memories = [
        {
            "conversations_memory": "**Work**\n\nLena is a baker.\n- She lives in Ghent.\n",
            "project_memories": {},
        }
    ]
    found = read(
        zipped({"conversations.json": export, "memories.json": memories, "projects/p.json": {"name": "p"}})
    )

    assert ("Lena is a baker.", "She lives in Ghent.") == found.offered
    assert (2, 1, 1) == tuple(found.left_out[reason] for reason in (KEPT_ELSEWHERE, PROJECTS, PASTED))
    assert "Lena" in found.sessions[0][0].text
    assert "Lena" not in strip_quotes(found.sessions[0][0].text)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            "<html><head><title>ChatGPT Data Export</title>",
            "ChatGPT's chat.html; drop the conversations.json",
        ),
        ("<!doctype html><title>My Activity</title>", "ask Takeout for JSON"),
    ],
)
def test_what_is_known_and_not_readable_is_called_by_its_name(given, words):
    with pytest.raises(UnknownFormat, match=words):
        read(given)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC"])
def test_a_time_without_a_zone_is_the_importing_persons_with_daylight_saving(zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    found = read(
        '{"role": "user", "content": "hi", "date": "2026-01-05T12:00:00"}\n{"role": "user", "content": "x"}'
    )
    summer = read(
        '{"role": "user", "content": "hi", "date": "2026-07-05T12:00:00"}\n{"role": "user", "content": "x"}'
    )
    monkeypatch.undo()
    time.tzset()

    assert {"Europe/Berlin": 11, "America/New_York": 17, "UTC": 12}[zone] == found.sessions[0][0].said_at.hour
    assert {"Europe/Berlin": 10, "America/New_York": 16, "UTC": 12}[zone] == summer.sessions[0][
        0
    ].said_at.hour
