"""Nights and tending as the job runner and the status page see them."""

import asyncio
import logging
from datetime import UTC, date, datetime

import pytest

from daemon.memory.pipeline import Tended
from daemon.night.errors import NightFailed
from daemon.night.night import NightReport
from daemon.work import Nights, Tending
from store import chats, jobs, memories, vectors
from store.chats import NewMessage
from tests.daemon.memory.fakes import FakeEmbedder, open_keeper
from tests.daemon.night.fakes import LearningEngine

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
REPORT = NightReport(
    adopted=True,
    reason="it knows more",
    generation=1,
    lessons=5,
    exam={"candidate": 0.5, "missed": [{"question": "Where?", "wanted": "Ghent.", "said": "Oslo."}]},
    train_s=1.0,
    total_s=2.0,
    swap_ms=0.1,
)


def nights_of(keep, folder):
    now = datetime.now().strftime("%H:%M")
    return Nights(keep, LearningEngine(), model_path=folder / "model.gguf", at=now, by_itself=True)


async def done(keep, kind, payload):
    await keep.run(jobs.enqueue, kind, payload)
    job = await keep.run(jobs.claim, kind, now=datetime.now(UTC), lease_s=60)
    await keep.run(jobs.finish, job)
    return job


def test_a_night_asked_for_by_hand_does_not_repeat_the_one_of_today(tmp_path):
    async def run():
        async with open_keeper(tmp_path) as keep:
            nights = nights_of(keep, tmp_path)
            due = await nights.due()
            await done(keep, "night", due)
            await done(keep, "night", {"recipe": {}, "seed": 0})
            return due, await nights.due()

    due, again = asyncio.run(run())

    assert {"night"} == due.keys()
    assert again is None


def test_a_report_names_its_job(tmp_path):
    async def run():
        async with open_keeper(tmp_path) as keep:
            nights = nights_of(keep, tmp_path)
            job = await done(keep, "night", {})
            await nights.work(job)
            return job, nights.as_json()["last"]

    job, last = asyncio.run(run())

    assert (job.id, False) == (last["job"], last["adopted"])
    assert last["reason"].startswith("nothing to learn")


def test_a_night_that_fails_shows_no_older_report(tmp_path):
    async def run():
        async with open_keeper(tmp_path) as keep:
            nights = nights_of(keep, tmp_path)
            nights.last = REPORT
            await keep.run(memories.add, "The user lives in Ghent.", told_on=date(2026, 3, 5), sources=())
            with pytest.raises(NightFailed):
                await nights.work(await done(keep, "night", {}))
            return nights.as_json()

    assert {"progress": None, "last": None} == asyncio.run(run())


def test_forgetting_clears_what_reports_quote(tmp_path):
    async def run():
        async with open_keeper(tmp_path) as keep:
            nights = nights_of(keep, tmp_path)
            tending = Tending(keep, LearningEngine(), FakeEmbedder(), quiet_s=1.0, by_itself=False)
            nights.forget()
            tending.forget()
            nights.last = REPORT
            tending.last = Tended(chats=1, observations=0, ops={}, lessons=0, unsure=0, failures=("'Ghent'",))
            nights.forget()
            tending.forget()
            return nights.last, tending.last

    night, tended = asyncio.run(run())

    assert ({"candidate": 0.5, "missed": []}, ()) == (night.exam, tended.failures)


def test_the_log_tells_nothing_of_chats(tmp_path, caplog):
    async def run():
        async with open_keeper(tmp_path) as keep:
            embedder = FakeEmbedder()
            held = await embedder.info()
            await keep.run(vectors.prepare, held.id, held.dimension)
            said = [NewMessage(role="user", text="I live in Ghent")]
            await keep.run(chats.record, said, at=NOON)
            engine = LearningEngine()
            engine.scripts["observe"] = lambda text: "I live in Ghent: no JSON"
            tending = Tending(keep, engine, embedder, quiet_s=0.0, by_itself=False)
            await tending.work(await done(keep, "tend", {}))
            return tending.last.failures

    with caplog.at_level(logging.INFO):
        failures = asyncio.run(run())

    assert "Ghent" in failures[0]
    assert "1 parts were given up" in caplog.text
    assert "Ghent" not in caplog.text
