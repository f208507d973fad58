"""What Cursor and Perplexity keep or export, made after real files; and what assistants keep of a person."""

import json
import sqlite3
from datetime import UTC, date, datetime

import pytest

from daemon.inbox.errors import InboxError
from daemon.inbox.formats.reader import BROKEN, EMPTY, THOUGHTS, TOOLS
from daemon.inbox.importer import take_in
from store import forgotten_facts, import_undo, proposals
from store.forgotten_facts import NewFact
from tests.daemon.inbox.samples import claude, read, texts, zipped

MS = 1765275434078
ASKED, ANSWERED = ("user", "Why does it leak?"), ("assistant", "The loop keeps a reference.")


def state(tmp_path, *rows, table="cursorDiskKV"):
    """A state.vscdb with these keys and values."""
    file = tmp_path / "state.vscdb"
    with sqlite3.connect(file) as db:
        for name in ("ItemTable", "cursorDiskKV"):
            db.execute(f"create table {name} (key text unique on conflict replace, value blob)")
        packed = [
            (key, given if isinstance(given, bytes) else json.dumps(given).encode()) for key, given in rows
        ]
        db.executemany(f"insert into {table} values (?, ?)", packed)
    db.close()
    return file.read_bytes()


def bubble(kind, text, **more):
    return {"type": kind, "text": text, "createdAt": "2026-03-05T18:00:00.000Z", **more}


def chat(id="c1", *bubbles, **more):
    """A chat of today's Cursor: its head, and each message under a key of its own."""
    headers = [{"bubbleId": f"b{number}", "type": one["type"]} for number, one in enumerate(bubbles)]
    head = {
        "composerId": id,
        "name": "A leak",
        "createdAt": MS,
        "fullConversationHeadersOnly": headers,
        **more,
    }
    return [
        (f"composerData:{id}", head),
        *((f"bubbleId:{id}:b{number}", one) for number, one in enumerate(bubbles)),
    ]


BOTH = (bubble(1, ASKED[1]), bubble(2, "", thinking={"text": "hm"}), bubble(2, "", toolFormerData={"name": "x"}),
        bubble(2, ANSWERED[1]))  # fmt: skip


def test_a_chat_of_cursor_is_read_in_its_order_with_title_and_days(tmp_path):
    rows = chat("c1", *BOTH)
    found = read(
        state(
            tmp_path, *reversed(rows), ("bubbleId:gone:b0", bubble(1, "of no chat")), ("agentKv:x", b"\xff")
        )
    )

    assert ("Cursor chats", [[ASKED, ANSWERED]]) == (found.format, texts(found))
    assert {THOUGHTS: 1, TOOLS: 1, EMPTY: 2} == found.left_out
    first = found.sessions[0][0]
    assert ("A leak", datetime(2026, 3, 5, 18, tzinfo=UTC)) == (first.chat_title, first.said_at)
    assert first.external_id is None or first.external_id.startswith("cursor:c1:")


def test_chats_of_older_versions_are_read_too(tmp_path):
    inline = [
        {"type": 1, "text": ASKED[1], "bubbleId": "x"},
        {"type": 2, "text": ANSWERED[1], "bubbleId": "y"},
    ]
    tabs = {"tabs": [{"tabId": "t", "chatTitle": "Old", "lastSendTime": MS, "bubbles": [
        {"type": "user", "text": ASKED[1], "id": "1"},
        {"type": "ai", "rawText": ANSWERED[1], "id": "2"}]}]}  # fmt: skip
    key = "workbench.panel.aichat.view.aichat.chatdata"
    composer = read(state(tmp_path, ("composerData:c", {"conversation": inline, "createdAt": MS})))
    (tmp_path / "state.vscdb").unlink()
    panel = read(state(tmp_path, (key, tabs), table="ItemTable"))

    assert [[[ASKED, ANSWERED]]] * 2 == [texts(composer), texts(panel)]
    assert [MS / 1000] * 2 == [one.sessions[0][0].said_at.timestamp() for one in (composer, panel)]


def test_a_broken_chat_of_cursor_takes_nothing_from_the_others(tmp_path):
    broken = [("composerData:bad", b"{"), ("composerData:worse", {"fullConversationHeadersOnly": 3})]
    found = read(state(tmp_path, *broken, *chat("c1", *BOTH)))

    assert ([[ASKED, ANSWERED]], 2) == (texts(found), found.left_out[BROKEN])
    assert any("composerData:bad" in why for why in found.unread)


def test_the_state_of_vs_code_without_a_chat_is_called_by_its_name(tmp_path):
    with pytest.raises(InboxError, match="Cursor or VS Code"):
        read(state(tmp_path, ("theme", b"dark"), table="ItemTable"))


def test_what_cursor_exports_as_markdown_is_read():
    exported = (
        "# A leak\n_Exported on 5/15/2025 at 17:47:04 PDT from Cursor (0.50.4)_\n\n---\n\n"
        f"**User**\n\n{ASKED[1]}\n\n---\n\n**Cursor**\n\n{ANSWERED[1]}\n\n## Next\n\n---\n\n**User**\n\nThanks\n"
    )
    found = read(exported)

    assert [[ASKED, ("assistant", f"{ANSWERED[1]}\n\n## Next"), ("user", "Thanks")]] == texts(found)


LOGO = '<img src="https://r2cdn.perplexity.ai/pplx-full-logo-primary-dark%402x.png" style="height:64px"/>'
END = '<span style="display:none">[^1_3][^1_4]</span>\n\n<div align="center">⁂</div>\n\n[^1_1]: https://a.example\n\n'
THREAD = (
    f"{LOGO}\n\n# How warm is it in Ghent?\n\nTwelve degrees.[^1_1][^1_2]\n\n---\n\n# By month\n\n"
    f"```\n# no question\n```\n{END}[^1_2]:\n    https://b.example\n\n---\n\n# And in Oslo?\n\nFour.[^2_1]\n\n***\n"
)


def test_a_thread_of_perplexity_is_questions_and_answers_without_marks_and_lists_of_sources():
    found = read(THREAD)

    assert "Perplexity thread" == found.format
    assert [
        ("user", "How warm is it in Ghent?"),
        ("assistant", "Twelve degrees.\n\n---\n\n# By month\n\n```\n# no question\n```"),
        ("user", "And in Oslo?"),
        ("assistant", "Four."),
    ] == texts(found)[0]


def test_a_page_that_only_shows_perplexitys_picture_is_no_thread():
    with pytest.raises(InboxError):
        read(f"{LOGO}\n\nHow warm is it?")


MEMORIES = [
    {"conversations_memory": "**Work**\n\nLena is a baker.\n- She lives in Ghent.\n", "account_uuid": "a"}
]


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("all.zip", {"conversations.json": claude(), "memories.json": MEMORIES}),
        ("only.zip", {"memories.json": MEMORIES}),
        ("memories.json", MEMORIES),
    ],
)
async def test_what_claude_keeps_of_a_person_waits_for_their_word_once(store_thread, tmp_path, name, given):
    file = tmp_path / name
    file.write_bytes(zipped(given) if isinstance(given, dict) else json.dumps(given).encode())
    for _ in range(2):
        await take_in(store_thread, file, largest=10**6)
    waiting = await store_thread.run(proposals.waiting)

    assert [("Lena is a baker.", "import", "Claude"), ("She lives in Ghent.", "import", "Claude")] == [
        (one.text, one.trust, one.origin) for one in waiting
    ]
    assert {date.today()} == {one.told_on for one in waiting}


async def test_what_an_import_offered_goes_with_it(store_thread, tmp_path):
    file = tmp_path / "all.zip"
    file.write_bytes(zipped({"conversations.json": claude(), "memories.json": MEMORIES}))
    taken = await take_in(store_thread, file, largest=10**6)
    before = await store_thread.run(proposals.count)
    await store_thread.run_in_slices(import_undo.undo_in_slices, taken.import_id)

    assert (2, []) == (before, await store_thread.run(proposals.every))


async def test_what_was_refused_or_forgotten_is_not_offered_again(store_thread, tmp_path):
    file = tmp_path / "memories.json"
    file.write_text(json.dumps(MEMORIES))
    fact = NewFact(names={"ghent"}, words={"she", "live", "ghent"})
    await store_thread.run(lambda db: forgotten_facts.put(db, [fact], at=datetime.now(UTC)))
    await take_in(store_thread, file, largest=10**6)
    first = await store_thread.run(proposals.waiting)
    await store_thread.run(proposals.refuse, first[0].id)
    await take_in(store_thread, file, largest=10**6)

    assert ["Lena is a baker."] == [one.text for one in first]
    assert [] == await store_thread.run(proposals.waiting)
