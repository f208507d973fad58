"""`tsubasa memories`, `why` and `export`, as a user types them."""

import json
import stat
from datetime import UTC, date, datetime

import pytest

from daemon.errors import DaemonError, FileUnwritable, NotRunning, Refused
from daemon.memory.indexing import index_missing
from daemon.memory.observe import DOUBTED, PARTLY, TWICE
from store import chats, memories
from store.chats import NewMessage
from tests.daemon.api.world import DAY, World, moved_house, nothing
from tests.daemon.cli.commands import run, typed, unwrapped


async def test_memories_are_listed_found_and_shown_as_of_a_day(tmp_path):
    words = ([], ["list"], ["search", "Oslo"], ["as-of", "2026-05-01"])
    bare, listed, found, day = await typed(tmp_path, moved_house, *(["memories", *one] for one in words))

    assert bare == listed
    assert "2    2026-10-03   The user lives in Oslo. Before that: The user lives in Ghent." in listed
    assert "1 memory" in listed and "1 ADD, 1 RECONCILE" in listed
    assert "The user lives in Oslo." in found
    assert "1 memory held on 2026-05-01" in day and "Ghent" in day and "Oslo" not in day


async def test_one_memory_and_its_history_are_shown_and_it_is_edited_and_undone(tmp_path):
    words = (["show", "1"], ["history", "1"], ["edit", "2", "The user lives in Oslo, alone."])
    words = (*words, ["undo", "3"], ["history", "2"])
    shown, history, edited, undone, later = await typed(
        tmp_path, moved_house, *(["memories", *one] for one in words)
    )

    assert "memory 1, which was replaced by 2" in shown
    assert "true since 2026-03-05 until 2026-10-03" in shown
    assert "RECONCILE   2        The user lives in Oslo." in history
    assert history.endswith("Memory 2 holds.\n")
    assert "Memory 3 holds in the place of 2: 2026-10-03: The user lives in Oslo, alone." in edited
    assert "operation 3, UPDATE: The user lives in Oslo, alone." in undone
    assert "held again:     2  The user lives in Oslo." in undone
    assert "(by hand) (undone)" in unwrapped(later)


async def test_how_things_shall_be_done_is_marked_and_its_kind_is_set(tmp_path):
    words = (
        ["add", "The user wants short answers.", "--kind", "always"],
        ["edit", "2", "--kind", "standing"],
    )
    words = (*words, ["list"], ["show", "4"])
    added, edited, listed, shown = await typed(tmp_path, moved_house, *(["memories", *one] for one in words))

    assert "Memory 3 holds" in added and "Memory 4 holds in the place of 2" in edited
    assert "always The user wants short answers." in listed
    assert "standing The user lives in Oslo." in listed
    assert "kind: standing: how you want things done" in shown


async def test_an_edit_needs_words_or_a_kind(tmp_path):
    nothing_said, no_kind = await typed(
        tmp_path, moved_house, ["memories", "edit", "2"], ["memories", "edit", "2", "--kind", "law"]
    )

    assert "--kind" in nothing_said and "'law'" in unwrapped(no_kind)


async def test_a_search_answers_best_first_and_not_with_all_memories(tmp_path):
    async def many(world):
        texts = [f"The user saw {thing} live." for thing in ("a band", "an opera", "a play", "foxes", "owls")]
        texts += [f"The user likes {thing}." for thing in ("tea", "rain", "jazz", "chess", "maps")]
        for number, text in enumerate([*texts, "The user lives in Ghent at home."], start=1):
            await world.remember(text, day=date(2026, 3, number))
        await index_missing(world.store_thread, world.services.embedder)

    search = ["memories", "search", "Is my home in Ghent, where I live?", "--json"]
    (found,) = await typed(tmp_path, many, search)
    texts = [one["text"] for one in json.loads(found)["memories"]]

    assert "The user lives in Ghent at home." == texts[0]
    assert 1 < len(texts) < 10


async def test_chats_that_wait_to_be_read_are_counted(tmp_path):
    (before,) = await typed(tmp_path, World.chat, ["memories"])
    (after,) = await typed(tmp_path / "none", nothing, ["memories"])

    assert "1 chat waits to be read" in before
    assert "to be read" not in after


@pytest.mark.parametrize(
    "words", [["yesterday"], [""], ["20260305"], ["2026-W10-4"], ["2026-03-05", "--known-on", "soon"]]
)
def test_a_day_that_is_none_is_refused(tmp_path, words):
    with pytest.raises(DaemonError):
        run(tmp_path, "memories", "as-of", *words)


async def test_a_long_memory_is_wrapped_to_the_window(tmp_path):
    text = "The user " + "very " * 40 + "much likes [red] boats."
    _, shown = await typed(tmp_path, nothing, ["memories", "add", text], ["memories", "list"])

    assert max(map(len, shown.splitlines())) <= 80
    assert "[red]" in shown


@pytest.mark.parametrize(
    ("repeated", "event", "told"), [(False, "1", "as before"), (True, "2", "Memory 1 is as before")]
)
async def test_an_undone_ignore_changes_nothing(tmp_path, repeated, event, told):
    async def ignored(world):
        dog = None
        if repeated:
            dog = await world.store_thread.run(memories.add, "The user has a dog.", told_on=DAY, sources=[])
        await world.store_thread.run(memories.ignore, dog, "The dog again.", told_on=DAY, sources=[])

    (undone,) = await typed(tmp_path, ignored, ["memories", "undo", "--event", event])

    assert told in undone
    assert repeated is ("memories add" not in undone)


async def test_the_audit_is_a_table_or_json(tmp_path):
    async def twice(world):
        for text in ("The user has a dog.", "the user has a dog"):
            await world.remember(text)

    shown, given = await typed(tmp_path, twice, ["memories", "audit"], ["memories", "audit", "--json"])

    assert "1 of 2 memories looks like junk, 50%." in shown
    assert 1 == json.loads(given)["junk"]


async def test_json_is_given_for_scripts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commands = [f"memories {one}" for one in ("list", "search x", "as-of 2026-05-01", "show 1", "history 1")]
    commands += ["export all.jsonl", "import --list", "status"]
    given = await typed(tmp_path / "home", moved_house, *([*one.split(), "--json"] for one in commands))

    assert all(isinstance(json.loads(one), dict) for one in given)


async def test_a_mistake_is_one_line(tmp_path):
    commands = (["show", "9"], ["history", "9"], ["undo", "1"])
    told = await typed(tmp_path, moved_house, *(["memories", *one] for one in commands), catch=Refused)

    for text, why in zip(told, ("no memory 9", "no memory 9", "tsubasa memories undo 2"), strict=True):
        assert why in text and "\n" not in text


@pytest.mark.parametrize(
    "command", ["memories", "memories audit", "memories undo 1", "export x.jsonl", "pause"]
)
def test_without_a_daemon_a_command_says_how_to_start_one(tmp_path, command):
    with pytest.raises(NotRunning, match="tsubasa up"):
        run(tmp_path, *command.split())


async def test_an_export_is_private_whole_and_never_replaces_a_file_unasked(tmp_path):
    file, other = tmp_path / "mine.jsonl", tmp_path / "again.jsonl"
    export, home = ["export", file], tmp_path / "home"

    written, _ = await typed(home, moved_house, export, [*export, "--force"])
    with pytest.raises(DaemonError, match="--force"):
        run(home, *export)
    imported, _ = await typed(tmp_path / "new", nothing, ["import", file], ["export", other])

    assert "8 lines" in written
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert "2 new turns, 0 known, 2 memories" in imported
    assert file.read_bytes() == other.read_bytes()
    assert {"mine.jsonl", "again.jsonl", "home", "new"} == {path.name for path in tmp_path.iterdir()}


async def test_an_export_that_fails_leaves_no_file(tmp_path):
    with pytest.raises(FileUnwritable):
        await typed(tmp_path, nothing, ["export", tmp_path / "nowhere" / "x.jsonl"])
    with pytest.raises(NotRunning):  # the daemon is gone
        run(tmp_path, "export", tmp_path / "x.jsonl")

    assert [] == list(tmp_path.glob("*x.jsonl*"))


async def test_memories_are_not_mixed_with_others_and_the_import_says_so(tmp_path):
    file = tmp_path / "mine.jsonl"
    await typed(tmp_path / "one", moved_house, ["export", file])
    (imported,) = await typed(
        tmp_path / "two", lambda world: world.remember("The user has a dog."), ["import", file]
    )

    assert "2 new turns" in imported
    assert "this store has memories of its own" in imported


async def one_part_unread(world):
    """A chat that was not read, one that was tried again in vain, one of which something was left out."""
    for mark, text in ((PARTLY, "I'm allergic to peanuts."), (TWICE, "I sing."), (DOUBTED, "I dance.")):
        (message,) = await world.store_thread.run(
            chats.record, [NewMessage(role="user", text=text)], at=datetime.now(UTC)
        )
        await world.store_thread.run(chats.mark_observed, [message.id], mark)


async def test_what_could_not_be_read_is_counted_and_tried_again_by_tending(tmp_path):
    async def prepare(world):
        await one_part_unread(world)
        await world.services.runner.start()

    tend = ["memories", "tend", "--json"]
    status, *rounds = await typed(tmp_path, prepare, ["status"], tend, tend, ["memories", "tend"])
    first, second = map(json.loads, rounds[:2])

    assert "2 parts of chats" in status and "1 also when tried again" in status
    assert (1, 0) == (first["last"]["again"], second["last"]["again"])
    nothing_under_way = {"waiting": 0, "done": 0, "left_s": None}
    assert {"parts": 2, "in_vain": 2, "doubted": 1} | nothing_under_way == first["unread"] == second["unread"]
    assert "done" == first["job"]["state"]
    assert {"chats", "observations", "ops", "lessons"} <= first["last"].keys()
    assert "chats read, " in rounds[2] and "made for the next night" in rounds[2]
