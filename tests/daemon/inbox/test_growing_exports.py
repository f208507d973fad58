"""A newer export of the same chats adds only what is new; what a report says of a file."""

import json

import pytest

from daemon.inbox.importer import read_file, take_in, take_in_and_move
from daemon.inbox.watch import summary
from store import chats
from tests.daemon.inbox.local_samples import MARKDOWN, jan, jan_line, librechat, librechat_message, lm_studio
from tests.daemon.inbox.samples import (
    LARGEST,
    as_bytes,
    changed,
    chatgpt,
    chatgpt_node,
    claude,
    claude_message,
    open_webui,
    open_webui_message,
    zipped,
)
from tests.daemon.memory.fakes import open_store_thread


def said_in_chatgpt(id, after, text):
    """The export of ChatGPT in which this was said after another message, and is what was said last."""
    node = chatgpt_node(id, after, "user", text, after=99)
    return changed(changed(chatgpt(), 0, "mapping", id, to=node), 0, "current_node", to=id)


def grown_open_webui():
    reply = open_webui_message("a2", "q2", "assistant", "Too.")
    chat = changed(open_webui(), 0, "chat", "history", "messages", "a2", to=reply)
    return changed(chat, 0, "chat", "history", "currentId", to="a2")


GROWN_CHATGPT = said_in_chatgpt("q3", "a2", "Are you sure?")
EDITED_CHATGPT = said_in_chatgpt("q9", "a1", "And storks?")  # the second question in other words
WELCOME = claude_message(4, "assistant", "You are welcome.")
GROWN_CLAUDE = changed(claude(), 0, "chat_messages", to=[*claude()[0]["chat_messages"], WELCOME])
GROWN_LM_STUDIO = lm_studio({"versions": [{"type": "singleStep", "role": "user", "content": "Thanks."}]})
REPLY = librechat_message(6, False, "Welcome.", "m5")
GROWN_LIBRECHAT = changed(librechat(), "messages", to=[*librechat()["messages"], REPLY])


@pytest.mark.parametrize(
    ("before", "after", "known"),
    [
        (chatgpt(), GROWN_CHATGPT, 4),
        (chatgpt(), EDITED_CHATGPT, 2),
        (chatgpt(), zipped({"conversations-000.json": GROWN_CHATGPT}), 4),
        (claude(), GROWN_CLAUDE, 3),
        (open_webui(), grown_open_webui(), 3),
        (lm_studio(), GROWN_LM_STUDIO, 2),
        (jan(), jan() + jan_line(9, "user", "Thanks."), 2),
        (librechat(), GROWN_LIBRECHAT, 3),
        (MARKDOWN, MARKDOWN + "\n## Assistant\nWelcome.\n", 3),
    ],
)
async def test_a_newer_export_adds_one_message_to_the_same_chat(tmp_path, before, after, known):
    async with open_store_thread(tmp_path) as store_thread:
        reports = []
        for number, given in enumerate((before, after, before)):
            file = tmp_path / str(number)
            file.write_bytes(as_bytes(given))
            reports.append(await take_in(store_thread, file, largest=LARGEST))
        ids = await store_thread.run(lambda db: list(db.execute("select distinct chat_id from messages")))
        count = await store_thread.run(chats.count)
    first, second, third = reports

    assert (1, known) == (second.turns, second.skipped)
    assert (True, 0) == (third.already_imported, third.turns)
    assert ([(1,)], first.turns + 1) == (ids, count)


async def test_a_report_tells_the_days_what_was_left_out_and_how_to_take_it_back(tmp_path):
    async with open_store_thread(tmp_path) as store_thread:
        (tmp_path / "export.zip").write_bytes(zipped({"conversations.json": chatgpt()}))
        taken = await take_in_and_move(store_thread, tmp_path / "export.zip", largest=LARGEST)
    written = json.loads((tmp_path / "done" / "export.zip.report.json").read_text())

    assert (1, ["2026-03-05", "2026-03-05"]) == (written["import_id"], written["days"])
    assert 2 == written["left_out"]["tool calls and results"]
    assert "2 messages on other branches, 2 tool calls and results, 1 hidden message" in summary(taken)


def test_a_file_is_looked_into_without_being_stored_or_moved(tmp_path):
    (tmp_path / "export.json").write_text(json.dumps(claude()))
    export = read_file(tmp_path / "export.json", LARGEST)

    assert ("Claude export", 1, 3) == (export.format, len(export.sessions), export.turns)
    assert ["export.json"] == [file.name for file in tmp_path.iterdir()]
