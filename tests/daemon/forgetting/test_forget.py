"""Whoever keeps words of memories is told when something is forgotten or an import undone."""

from contextlib import asynccontextmanager

import pytest

from daemon.errors import DaemonError
from daemon.forgetting.forget import Wanted
from daemon.inbox.importer import take_in
from tests.daemon.memory.fakes import open_store_thread
from tests.daemon.night.fakes import LearningEngine, forgetting, learn

GHENT = "The user lives in Ghent."


class Cache:
    """What somebody else might keep of the store."""

    def __init__(self):
        self.texts = [GHENT]

    async def forget(self):
        self.texts = []


async def fails():
    raise DaemonError("a checkpoint could not be deleted")


async def taken(store_thread, folder):
    file = folder / "chats.jsonl"
    file.write_text('{"role": "user", "content": "I live in Ghent."}\n')
    return (await take_in(store_thread, file, largest=10**6)).import_id


@pytest.mark.parametrize("way", ["forget", "undo_import"])
@pytest.mark.parametrize("broken", [(), (fails,), (fails, fails)], ids=["all well", "one fails", "two fail"])
async def test_a_cache_is_told_in_both_ways_also_when_another_part_fails(tmp_path, way, broken):
    cache = Cache()
    async with open_store_thread(tmp_path) as store_thread:
        service = forgetting(store_thread, LearningEngine())
        for listener in (*broken, cache.forget):
            service.on_forget(listener)
        memory, imported = (await learn(store_thread, GHENT)).id, await taken(store_thread, tmp_path)
        work = (
            service.forget(Wanted(memories=(memory,))) if way == "forget" else service.undo_import(imported)
        )
        if broken:
            with pytest.raises(DaemonError, match="a checkpoint"):
                await work
        else:
            await work
        telling = "memories" if way == "forget" else "messages where text like '%Ghent%'"
        left = await store_thread.run(lambda db: db.execute(f"select count(*) from {telling}").get)

    assert ([], 0) == (cache.texts, left)


async def test_listeners_are_told_within_the_pause_that_nothing_is_quoted_in(store_thread):
    happened = []

    @asynccontextmanager
    async def silence():
        happened.append("silent")
        yield
        happened.append("over")

    async def listener():
        happened.append("told")

    service = forgetting(store_thread, LearningEngine())
    service.pause_with(silence)
    service.on_forget(listener)
    await service.forget(Wanted(memories=((await learn(store_thread, GHENT)).id,)))

    assert ["silent", "told", "over"] == happened
