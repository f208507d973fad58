"""Whoever keeps words of memories is told when something is forgotten or an import undone."""

from contextlib import asynccontextmanager

import pytest

from daemon.errors import DaemonError
from daemon.forgetting.forget import exports_left, tell_the_same
from daemon.home import Home
from daemon.inbox.importer import take_in
from tests.daemon.memory.fakes import open_store_thread
from tests.daemon.night.fakes import LearningEngine, forgetting, learn

GHENT = "The user lives in Ghent."
OTHERS = {
    1: "The user's dog is called Rex.",
    2: "The user takes Rex to the river every Sunday.",
    3: "The user's dog likes the river.",
    4: "The user is afraid of dark water and boats.",
    5: "The user was born in 1987.",
}


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
        work = service.forget([memory]) if way == "forget" else service.undo_import(imported)
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
    await service.forget([(await learn(store_thread, GHENT)).id])

    assert ["silent", "told", "over"] == happened


@pytest.mark.parametrize(
    ("texts", "ids"),
    [
        (["The user has a dog named Rex."], [1, 2]),
        (["The user's sister Ada was born in 1987."], []),
        (["The user met Rex in 1987."], []),
        (["The user is afraid of dark water."], [4]),
        (["The user likes boats and dogs."], [3]),
        (["It is so."], []),
        pytest.param(["The user has Rex.", "Born in 1987."], [1, 2, 5], id="one of several is enough"),
    ],
)
def test_a_memory_with_all_names_and_numbers_or_most_words_tells_the_same(texts, ids):
    assert ids == tell_the_same(texts, OTHERS)


def test_where_no_export_tells_it_no_file_is_read(tmp_path):
    (tmp_path / "inbox" / "done").mkdir(parents=True)

    assert [] == exports_left(Home(tmp_path), ["0" * 64])
