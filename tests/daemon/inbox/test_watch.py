"""The inbox folder: what is dropped into it is taken in once, whole, and moved where it says."""

import asyncio
import json
import os
from contextlib import asynccontextmanager
from functools import partial

import pytest

from daemon.inbox.errors import InboxError
from daemon.inbox.importer import take_in, take_in_and_move
from daemon.inbox.watch import Inbox, summary
from daemon.store_thread import StoreThread
from store import chats
from store.database import open_store
from tests.daemon.inbox.samples import LARGEST
from tests.daemon.memory.fakes import open_store_thread

LINE = '{"role": "user", "content": "%s"}\n'


@asynccontextmanager
async def watched(folder, store_thread, **options):
    """An inbox that is watched; what it took in arrives in the queue."""
    taken = asyncio.Queue()
    given = {"on_taken": taken.put, "largest": LARGEST, "settle_s": 0.05, "rescan_s": 60, **options}
    inbox = Inbox(folder, store_thread, **given)
    await inbox.start()
    try:
        yield taken
    finally:
        await inbox.stop()


@asynccontextmanager
async def watched_inbox(folder):
    """The inbox in `folder`, watched over a new store: its queue, and the store's thread."""
    async with open_store_thread(folder) as store_thread, watched(folder / "inbox", store_thread) as taken:
        yield taken, store_thread


async def next_of(taken):
    async with asyncio.timeout(20):
        return await taken.get()


async def test_a_dropped_file_is_taken_in_and_moved_with_its_report(tmp_path):
    inbox = tmp_path / "inbox"
    async with watched_inbox(tmp_path) as (taken, store_thread):
        (inbox / "log.jsonl").write_text(LINE % "hi" + LINE % "there")
        report, count = await next_of(taken), await store_thread.run(chats.count)

    assert (True, 2, 1, 2) == (report.ok, report.turns, report.sessions, count)
    assert {"log.jsonl", "log.jsonl.report.json"} == set(os.listdir(inbox / "done"))
    assert ["done"] == os.listdir(inbox)
    assert 2 == json.loads((inbox / "done" / "log.jsonl.report.json").read_text())["turns"]


async def test_an_inbox_that_is_a_file_is_told_once_and_taken_up_when_it_is_a_folder(
    tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr("daemon.inbox.watch.BLIND_RESCAN_S", 0.05)
    inbox = tmp_path / "inbox"
    inbox.write_text("no folder")
    async with watched_inbox(tmp_path) as (taken, _):
        await asyncio.sleep(0.5)
        told = [record.getMessage() for record in caplog.records]
        inbox.unlink()
        inbox.mkdir()
        (inbox / "log.jsonl").write_text(LINE % "hi")
        report = await next_of(taken)

    assert (1, True) == (sum("no folder that can be looked into" in one for one in told), report.ok)


async def test_a_broken_line_is_named_and_takes_nothing_from_the_others(tmp_path):
    async with watched_inbox(tmp_path) as (taken, store_thread):
        (tmp_path / "inbox" / "log.jsonl").write_text(LINE % "hi" + "{broken")
        report, count = await next_of(taken), await store_thread.run(chats.count)

    assert (True, 1) == (report.ok, count)
    assert "line 2: it is no JSON" in summary(report)


async def test_a_broken_file_goes_to_failed_and_nothing_of_it_is_stored(tmp_path):
    async with watched_inbox(tmp_path) as (taken, store_thread):
        (tmp_path / "inbox" / "log.jsonl").write_text("{broken")
        report, count = await next_of(taken), await store_thread.run(chats.count)

    assert (False, 0) == (report.ok, count)
    assert "'log.jsonl': " in summary(report)
    written = json.loads((tmp_path / "inbox" / "failed" / "log.jsonl.report.json").read_text())
    assert written["error"] == report.error


async def test_a_file_dropped_before_the_start_and_one_renamed_into_the_folder_are_taken_in(tmp_path):
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / os.fsdecode(b"\xff.jsonl")).write_text(LINE % "hi")  # a name that is no UTF-8
    async with watched_inbox(tmp_path) as (taken, _):
        old = await next_of(taken)
        (tmp_path / "elsewhere").write_text(LINE % "there")
        os.replace(tmp_path / "elsewhere", tmp_path / "inbox" / "moved")
        moved = await next_of(taken)

    assert (True, 1, "moved", 1) == (old.ok, old.turns, moved.name, moved.turns)
    assert {b"\xff.jsonl", b"\xff.jsonl.report.json"} < set(
        os.listdir(os.fsencode(tmp_path / "inbox" / "done"))
    )


async def test_a_file_that_still_grows_is_waited_for(tmp_path):
    async with watched_inbox(tmp_path) as (taken, _):
        with (tmp_path / "inbox" / "log.jsonl").open("w") as file:
            for number in range(12):
                file.write(LINE % f"line {number}")
                file.flush()
                await asyncio.sleep(0.02)
        found = await next_of(taken)

    assert 12 == found.turns


async def test_hidden_files_links_and_folders_are_left_alone(tmp_path):
    inbox = tmp_path / "inbox"
    (inbox / "folder").mkdir(parents=True)
    (inbox / ".part").write_text(LINE % "hi")
    (inbox / "link").symlink_to(inbox / ".part")

    async with watched_inbox(tmp_path) as (taken, _):
        (inbox / "real").write_text(LINE % "hi")
        found = (await next_of(taken)).name, taken.qsize()

    assert ("real", 0) == found
    assert {".part", "link", "folder", "done"} == set(os.listdir(inbox))


async def test_the_same_bytes_twice_add_nothing(tmp_path):
    async with open_store_thread(tmp_path) as store_thread:
        reports = []
        for _ in range(2):
            (tmp_path / "log.jsonl").write_text(LINE % "hi")
            reports.append(await take_in_and_move(store_thread, tmp_path / "log.jsonl", largest=LARGEST))
        first, second, count = *reports, await store_thread.run(chats.count)

    assert (False, 1) == (first.already_imported, first.turns)
    assert (True, 0, 1) == (second.already_imported, second.turns, count)
    names = {"log.jsonl", "log (2).jsonl"}
    assert names | {f"{name}.report.json" for name in names} == set(os.listdir(tmp_path / "done"))
    assert "nothing new" in summary(second)


async def test_a_file_that_is_not_there_or_broken_is_an_error_for_who_asked(tmp_path):
    (tmp_path / "broken.jsonl").write_text('{"role": "user", "content": 3}\n' * 2)

    async with open_store_thread(tmp_path) as store_thread:
        for name in ("nothing", "broken.jsonl"):
            with pytest.raises(InboxError, match=f"'{name}'"):
                await take_in(store_thread, tmp_path / name, largest=LARGEST)


class Clumsy(StoreThread):
    """Fails with a bug at the first call."""

    async def run(self, work, /, *args, **kwargs):
        if not hasattr(self, "failed"):
            self.failed = True
            raise ZeroDivisionError("insides")
        return await super().run(work, *args, **kwargs)


async def test_no_file_ends_the_watching_whatever_it_fails_with(tmp_path, caplog):
    (tmp_path / "inbox").mkdir()
    for name in ("a", "b"):
        (tmp_path / "inbox" / name).write_text(LINE % name)

    store_thread = Clumsy(partial(open_store, tmp_path / "store.db", b"k" * 32))
    await store_thread.open()
    async with watched(tmp_path / "inbox", store_thread) as taken:
        report = await next_of(taken)
    await store_thread.close()

    assert "b" == report.name
    assert ["a", "done"] == sorted(os.listdir(tmp_path / "inbox"))
    assert "ZeroDivisionError" in caplog.text


async def test_who_is_told_of_a_file_and_fails_does_not_end_the_watching(tmp_path, caplog):
    told = asyncio.Queue()

    async def tell(taken):
        await told.put(taken)
        raise ZeroDivisionError("insides")

    async with (
        open_store_thread(tmp_path) as store_thread,
        watched(tmp_path / "inbox", store_thread, on_taken=tell),
    ):
        for name in ("a", "b"):
            (tmp_path / "inbox" / name).write_text(LINE % name)
            await next_of(told)

    assert "a file is stored, but" in caplog.text
