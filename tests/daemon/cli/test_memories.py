"""The commands on memories, as a user types them, at a window of 80 columns."""

import asyncio
import json
import stat
from datetime import date

import pytest
from typer.testing import CliRunner

from daemon import home as homes
from daemon.cli.main import cli
from daemon.errors import DayUnreadable, FileTaken, FileUnwritable, NotRunning, Refused
from daemon.home import Home, Running
from daemon.memory.indexing import index_missing
from store import memories
from tests.daemon.api.test_own import moved_house, nothing
from tests.daemon.api.world import KEY, serving


def typed(folder, prepare, *commands):
    """What each command prints, on a daemon whose store `prepare(world)` has filled."""

    async def run():
        folder.mkdir(exist_ok=True)
        async with serving(folder) as world:
            await prepare(world)
            home = Home(folder)
            homes.announce(home, Running(pid=1, port=1, url=world.url))
            home.api_key.write_text(KEY)
            return [await asyncio.to_thread(one, folder, command) for command in commands]

    return asyncio.run(run())


def one(folder, command):
    """What one command prints; raises what it fails with."""
    runner = CliRunner(env={"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"})
    done = runner.invoke(cli, [*command, "--home", str(folder)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_memories_are_listed_with_and_without_the_word_list(tmp_path):
    bare, listed, found = typed(
        tmp_path, moved_house, ["memories"], ["memories", "list"], ["memories", "search", "Oslo"]
    )

    assert bare == listed
    assert "2    2026-10-03   The user lives in Oslo. Before that: The user lives in Ghent." in listed
    assert "1 memory; all operations so far: 1 ADD, 1 RECONCILE" in listed
    assert "The user lives in Oslo." in found


def test_a_search_answers_best_first_and_not_with_all_that_is_held(tmp_path):
    async def many(world):
        texts = [f"The user saw {thing} live." for thing in ("a band", "an opera", "a play", "foxes", "owls")]
        texts += [f"The user likes {thing}." for thing in ("tea", "rain", "jazz", "chess", "maps")]
        for number, text in enumerate([*texts, "The user lives in Ghent at home."], start=1):
            await world.store_thread.run(memories.add, text, told_on=date(2026, 3, number), sources=())
        await index_missing(world.store_thread, world.services.embedder)

    (found,) = typed(tmp_path, many, ["memories", "search", "Is my home in Ghent, where I live?", "--json"])
    texts = [one["text"] for one in json.loads(found)["memories"]]

    assert "The user lives in Ghent at home." == texts[0]
    assert 1 < len(texts) < 10


def test_chats_that_wait_to_be_read_are_said(tmp_path):
    async def told(world):
        await world.chat("My dog is called Rex.")

    before, after = typed(tmp_path, told, ["memories"]), typed(tmp_path / "none", nothing, ["memories"])

    assert "0 memories\n1 chat waits to be read (`tsubasa memories tend` reads them now)" in before[0]
    assert "to be read" not in after[0]


@pytest.mark.parametrize(
    "words", [["yesterday"], [""], ["20260305"], ["2026-W10-4"], ["2026-03-05", "--known-on", "soon"]]
)
def test_a_day_that_is_none_is_refused_in_one_line(tmp_path, words):
    with pytest.raises(DayUnreadable, match="is no day. Write it as YYYY-MM-DD"):
        typed(tmp_path, nothing, ["memories", "as-of", *words])


def test_a_long_memory_is_wrapped_to_the_window(tmp_path):
    text = "The user " + "very " * 40 + "much likes [red] boats."

    added, shown = typed(tmp_path, nothing, ["memories", "add", text], ["memories", "list"])

    assert max(map(len, shown.splitlines())) <= 80
    assert "[red]" in shown
    assert added.startswith("Memory 1 holds: ")


def test_one_memory_its_history_and_a_day_are_shown(tmp_path):
    shown, history, day = typed(
        tmp_path,
        moved_house,
        ["memories", "show", "1"],
        ["memories", "history", "1"],
        ["memories", "as-of", "2026-05-01"],
    )

    assert "memory 1, which was replaced by 2" in shown
    assert "true since 2026-03-05 until 2026-10-03, told on 2026-03-05, by: user" in shown
    assert "RECONCILE   2        The user lives in Oslo." in history
    assert history.endswith("Memory 2 holds.\n")
    assert "1 memory held on 2026-05-01" in day


def test_edit_and_undo_say_what_holds_now(tmp_path):
    edited, undone, history = typed(
        tmp_path,
        moved_house,
        ["memories", "edit", "2", "The user lives in Oslo, alone."],
        ["memories", "undo", "3"],
        ["memories", "history", "2"],
    )

    assert "Memory 3 holds in the place of 2: 2026-10-03: The user lives in Oslo, alone." in edited
    assert "Undone: operation 3, UPDATE: The user lives in Oslo, alone." in undone
    assert "held again:     2  The user lives in Oslo." in undone
    assert "(by hand) (undone)" in " ".join(history.split())


def test_an_undone_ignore_says_that_nothing_changes(tmp_path):
    async def hi(world):
        await world.store_thread.run(memories.ignore, None, "hi", told_on=date(2026, 3, 5), sources=[])

    (undone,) = typed(tmp_path, hi, ["memories", "undo", "--event", "1"])

    assert "What is held is as before" in undone


def test_an_undone_repeat_says_that_it_no_longer_counts(tmp_path):
    async def twice(world):
        dog = await world.store_thread.run(
            memories.add, "The user has a dog.", told_on=date(2026, 3, 5), sources=[]
        )
        await world.store_thread.run(
            memories.ignore, dog, "The dog again.", told_on=date(2026, 3, 6), sources=[]
        )

    (undone,) = typed(tmp_path, twice, ["memories", "undo", "1"])

    assert "Memory 1 is as before; this no longer counts as said again." in undone
    assert "memories add" not in undone


def test_the_audit_is_a_table_or_json(tmp_path):
    async def twice(world):
        for text in ("The user has a dog.", "the user has a dog"):
            await world.store_thread.run(memories.add, text, told_on=date(2026, 3, 5), sources=[])

    shown, given = typed(tmp_path, twice, ["memories", "audit"], ["memories", "audit", "--json"])

    assert "the same words as memory 1" in shown
    assert "1 of 2 memories look like junk, 50%." in shown
    assert 1 == json.loads(given)["junk"]


@pytest.mark.parametrize("command", ["list", "search x", "as-of 2026-05-01", "show 1", "history 1"])
def test_json_is_given_for_scripts(tmp_path, command):
    (given,) = typed(tmp_path, moved_house, ["memories", *command.split(), "--json"])

    assert isinstance(json.loads(given), dict)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["memories", "show", "9"], "There is no memory 9"),
        (["memories", "history", "9"], "There is no memory 9"),
        (["memories", "undo", "1"], "Undo that first: tsubasa memories undo 2"),
    ],
)
def test_a_mistake_is_told_in_one_line(tmp_path, command, why):
    with pytest.raises(Refused) as caught:
        typed(tmp_path, moved_house, command)

    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("command", ["memories", "memories audit", "memories undo 1", "export x.jsonl"])
def test_without_a_daemon_a_command_says_how_to_start_one(tmp_path, command):
    with pytest.raises(NotRunning, match="tsubasa up"):
        one(tmp_path, command.split())


def test_an_export_is_private_whole_and_never_replaces_a_file_unasked(tmp_path):
    file, other = tmp_path / "mine.jsonl", tmp_path / "again.jsonl"
    export, home = ["export", str(file)], tmp_path / "home"

    written, _ = typed(home, moved_house, export, [*export, "--force"])
    with pytest.raises(FileTaken, match="--force"):
        one(home, export)
    imported, _ = typed(tmp_path / "new", nothing, ["import", str(file)], ["export", str(other)])

    assert "7 lines" not in written and "8 lines" in written
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert "2 new turns, 0 known, 2 memories" in imported
    assert file.read_bytes() == other.read_bytes()
    assert {"mine.jsonl", "again.jsonl", "home", "new"} == {path.name for path in tmp_path.iterdir()}


def test_an_export_that_fails_leaves_no_file(tmp_path):
    with pytest.raises(FileUnwritable, match="No such file or directory"):
        typed(tmp_path, nothing, ["export", str(tmp_path / "nowhere" / "x.jsonl")])
    with pytest.raises(NotRunning):  # the daemon is gone
        one(tmp_path, ["export", str(tmp_path / "x.jsonl")])

    assert [] == list(tmp_path.glob("*x.jsonl*"))


def test_memories_are_not_mixed_with_others_and_the_import_says_so(tmp_path):
    file = tmp_path / "mine.jsonl"
    typed(tmp_path / "one", moved_house, ["export", str(file)])

    (said,) = typed(tmp_path / "two", nothing_but_a_dog, ["import", str(file)])

    assert "2 new turns" in said
    assert (
        "tsubasa: The memories in 'mine.jsonl' were not taken in: this store has memories of its own" in said
    )


async def nothing_but_a_dog(world):
    await world.store_thread.run(memories.add, "The user has a dog.", told_on=date(2026, 3, 5), sources=[])
