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
    chatgpt,
    chatgpt_node,
    claude,
    claude_message,
    open_webui,
    open_webui_message,
    zipped,
)
from tests.daemon.memory.fakes import open_store_thread


def grown_chatgpt():
    export = chatgpt()
    export[0]["mapping"]["q3"] = chatgpt_node("q3", "a2", "user", "Are you sure?", after=99)
    return [{**export[0], "current_node": "q3"}]


def edited_chatgpt():
    """The second question was asked in other words, and answered."""
    export = chatgpt()
    export[0]["mapping"]["q9"] = chatgpt_node("q9", "a1", "user", "And storks?", after=99)
    return [{**export[0], "current_node": "q9"}]


def grown_claude():
    export = claude()
    export[0]["chat_messages"].append(claude_message(4, "assistant", "You are welcome."))
    return export


def grown_open_webui():
    export = open_webui()
    history = export[0]["chat"]["history"]
    history["messages"]["a2"] = open_webui_message("a2", "q2", "assistant", "Too.")
    history["currentId"] = "a2"
    return export


def grown_lm_studio():
    return lm_studio({"versions": [{"type": "singleStep", "role": "user", "content": "Thanks."}]})


def grown_librechat():
    export = librechat()
    export["messages"].append(librechat_message(6, False, "Welcome.", "m5"))
    return export


@pytest.mark.parametrize(
    ("before", "after", "known"),
    [
        (chatgpt(), grown_chatgpt(), 4),
        (chatgpt(), edited_chatgpt(), 2),
        (chatgpt(), zipped({"conversations-000.json": grown_chatgpt()}), 4),
        (claude(), grown_claude(), 3),
        (open_webui(), grown_open_webui(), 3),
        (lm_studio(), grown_lm_studio(), 2),
        (jan(), jan() + jan_line(9, "user", "Thanks."), 2),
        (librechat(), grown_librechat(), 3),
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
    assert "; left out: 2 messages on other branches, 2 tool calls and results, 1 hidden message" in summary(
        taken
    )


def test_a_file_is_looked_into_without_being_stored_or_moved(tmp_path):
    (tmp_path / "export.json").write_text(json.dumps(claude()))
    export = read_file(tmp_path / "export.json", LARGEST)

    assert ("Claude export", 1, 3) == (export.format, len(export.sessions), export.turns)
    assert ["export.json"] == [file.name for file in tmp_path.iterdir()]
