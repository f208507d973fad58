"""Tending as the job runner and the status page see them."""

import asyncio
import logging
from datetime import UTC, date, datetime

from daemon.idle_work import Tended, Tending, Unread
from store import chats, jobs, memories, vectors
from store.chats import NewMessage
from tests.daemon.memory.fakes import FakeEmbedder, open_store_thread
from tests.daemon.night.fakes import LearningEngine

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = NOON.date()


async def done(store_thread, kind, payload):
    await store_thread.run(jobs.enqueue, kind, payload)
    job = await store_thread.run(jobs.claim, kind, now=datetime.now(UTC), lease_s=60)
    await store_thread.run(jobs.finish, job)
    return job


async def hold(store_thread, text, day=DAY, **rest):
    return await store_thread.run(memories.add, text, told_on=day, sources=(), **rest)


async def tending_with(store_thread, engine):
    embedder = FakeEmbedder()
    held = await embedder.info()
    await store_thread.run(vectors.prepare, held.id, held.dimension)
    return Tending(store_thread, engine, embedder, quiet_s=1.0, by_itself=True)


async def test_what_waits_is_not_due_and_is_studied_once_it_waits_no_longer(tmp_path):
    async with open_store_thread(tmp_path) as store_thread:
        tending = await tending_with(store_thread, LearningEngine())
        home = await hold(store_thread, "The user lives in Ghent.")
        other = await hold(store_thread, "The user lives in Bonn.", date.today(), beside=home)
        waits = await tending.due()
        await tending.work(await done(store_thread, "tend", {}))
        made = tending.last.lessons
        await store_thread.run(memories.undo, other.id, today=date.today())
        settled = await tending.due()
        await tending.work(await done(store_thread, "tend", {}))
        found = waits, made, settled, tending.last.lessons, await tending.due()

    assert (None, 0, {}, 5, None) == found


async def test_what_gave_no_lessons_is_not_due_again_unless_asked_but_what_was_told_meanwhile_is(tmp_path):
    async with open_store_thread(tmp_path) as store_thread:

        class Listening(LearningEngine):
            heard = 0

            async def complete(self, messages, **rest):
                if not self.heard:
                    self.heard = (await hold(store_thread, "The user lives in Ghent.")).id
                return await super().complete(messages, **rest)

        engine = Listening()
        engine.scripts["ask"] = lambda line: []
        tending = await tending_with(store_thread, engine)
        await hold(store_thread, "The user's dog is called Rex.")
        await tending.work(await done(store_thread, "tend", {}))
        meanwhile, given_up = await tending.due(), tending.last.given_up
        await tending.work(await done(store_thread, "tend", {}))
        due, then = await tending.due(), tending.last.given_up
        await tending.work(await done(store_thread, "tend", {"again": True}))
        found = meanwhile, given_up, then, due, tending.last.given_up

    assert ({}, {1}, {2}, None, {1, 2}) == found


async def test_forgetting_clears_what_the_last_round_quotes(tmp_path):
    async with open_store_thread(tmp_path) as store_thread:
        tending = Tending(store_thread, LearningEngine(), FakeEmbedder(), quiet_s=1.0, by_itself=False)
        await tending.forget()
        tending.last = Tended(chats=1, observations=0, ops={}, lessons=0, unsure=0, failures=("'Ghent'",))
        await tending.forget()
        found = tending.last

    assert () == found.failures


def test_the_log_tells_how_much_could_not_be_read_and_nothing_of_chats(tmp_path, caplog):
    async def run():
        async with open_store_thread(tmp_path) as store_thread:
            embedder = FakeEmbedder()
            held = await embedder.info()
            await store_thread.run(vectors.prepare, held.id, held.dimension)
            said = [NewMessage(role="user", text="I live in Ghent")]
            await store_thread.run(chats.record, said, at=NOON)
            engine = LearningEngine()
            engine.scripts["observe"] = lambda text: "I live in Ghent: no JSON"
            tending = Tending(store_thread, engine, embedder, quiet_s=0.0, by_itself=False)
            await tending.work(await done(store_thread, "tend", {}))
            unread = await tending.unread()
            await tending.work(await done(store_thread, "tend", {"again": True}))
            return tending.last.failures, unread, await tending.unread()

    with caplog.at_level(logging.INFO):
        failures, unread, later = asyncio.run(run())

    assert (Unread(parts=1, in_vain=0, doubted=0), Unread(parts=1, in_vain=1, doubted=0)) == (unread, later)
    assert "Ghent" in failures[0]
    assert "1 part of a chat could not be read" in caplog.text
    assert "Ghent" not in caplog.text
