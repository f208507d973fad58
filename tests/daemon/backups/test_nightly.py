"""Backups by themselves: one a day, old ones thinned out, and rewritten when something is forgotten."""

import os
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest

from daemon.backups.nightly import Backups, Kept, listed, surplus
from daemon.home import Home
from daemon.store_thread import StoreThread
from store import backup, chats, forgetting, notices
from store.chats import NewMessage
from store.database import open_store, rows
from store.jobs import Job
from store.keys import load_or_create_key

TODAY = date(2026, 11, 30)
JOB = Job(id=1, kind="backup", payload={}, state="running", attempts=1, lease_until=None, error=None)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
async def store_thread(home):
    made = StoreThread(lambda: open_store(home.store, load_or_create_key(home.path, keyring="file")))
    await made.open()
    yield made
    await made.close()


def backups(home, store_thread, *, today=TODAY, after_s=-1.0, by_itself=True):
    return Backups(
        home, store_thread, keyring="file", after_s=after_s, today=lambda: today, by_itself=by_itself
    )


async def say(store_thread, text):
    found = await store_thread.run(chats.record, [NewMessage(role="user", text=text)], at=datetime.now(UTC))
    return found[-1].id


def texts(home, file):
    key = load_or_create_key(home.path, keyring="file")
    scratch = home.path / "scratch.db"
    backup.restore(file, key, scratch, key)
    with closing(open_store(scratch, key)) as db:
        found = [text for (text,) in rows(db, "select text from messages order by id")]
    scratch.unlink()
    return found


async def test_each_day_has_one_backup(home, store_thread):
    await say(store_thread, "We saw the heron.")
    first = backups(home, store_thread)
    wanted = [await first.due()]
    await first.work(JOB)
    wanted.append(await first.due())
    next_day = backups(home, store_thread, today=TODAY + timedelta(days=1))
    wanted.append(await next_day.due())

    assert [{}, None, {}] == [one for one in wanted]
    assert ["2026-11-30.backup"] == [one.file.name for one in listed(home)]
    assert ["We saw the heron."] == texts(home, listed(home)[0].file)


async def test_switched_off_none_is_made_and_what_is_forgotten_leaves_the_old_ones(home, store_thread):
    heron = await say(store_thread, "We saw the heron.")
    await backups(home, store_thread).work(JOB)
    off = backups(home, store_thread, today=TODAY + timedelta(days=1), by_itself=False)
    await off.work(JOB)
    assert await off.due() is None
    await store_thread.run(forgetting.forget, messages=[heron])
    await off.forget()
    await off.work(JOB)

    assert ["2026-11-30.backup"] == [one.file.name for one in listed(home)]
    assert ["[forgotten]"] == texts(home, listed(home)[0].file)


async def test_what_a_killed_backup_or_drill_left_is_deleted_once_nobody_works_on_it(home, store_thread):
    left = [home.backups / ".2026-11-29.backup.part", home.path / ".drill-x" / "store.db"]
    fresh = home.backups / ".2026-11-28.backup.part-journal"
    for file in (*left, fresh):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    for old in (left[0], left[1].parent):
        os.utime(old, (1e9, 1e9))
    await backups(home, store_thread).work(JOB)

    assert [False, False, True] == [file.exists() for file in (*left, fresh)]


async def test_shortly_after_the_start_none_is_made(home, store_thread):
    assert await backups(home, store_thread, after_s=600.0).due() is None


async def test_what_is_forgotten_leaves_the_backups_also_shortly_after_the_start(home, store_thread):
    heron = await say(store_thread, "We saw the heron.")
    await say(store_thread, "It rained.")
    await backups(home, store_thread).work(JOB)
    later = backups(home, store_thread, today=TODAY + timedelta(days=1), after_s=600.0)
    await later.work(JOB)

    assert await later.due() is None
    await store_thread.run(forgetting.forget, messages=[heron])
    await later.forget()
    assert {} == await later.due()
    await later.work(JOB)
    assert ["[forgotten]", "It rained."] == texts(home, listed(home)[0].file)
    assert await later.due() is None


async def test_a_backup_that_fails_is_told_and_not_tried_again_that_day(home, store_thread):
    (home.path / "backups").write_text("in the way")
    job = backups(home, store_thread)
    await job.work(JOB)

    assert ["backup"] == [one.kind for one in await store_thread.run(notices.unseen)]
    assert await job.due() is None


async def test_a_damaged_backup_does_not_keep_the_next_from_being_made(home, store_thread):
    (home.path / "backups").mkdir()
    (home.path / "backups" / "2026-11-29.backup").write_bytes(b"x" * 9000)
    await backups(home, store_thread).work(JOB)

    assert ["2026-11-30.backup", "2026-11-29.backup"] == [one.file.name for one in listed(home)]


def test_of_many_the_last_seven_days_and_the_last_of_four_weeks_are_kept(tmp_path):
    days = [TODAY - timedelta(days=n) for n in range(60)]
    made = [Kept(file=tmp_path / str(day), day=day, bytes=1) for day in days]
    before = Kept(file=tmp_path / "before-schema-18.backup", day=None, bytes=1)
    gone = {one.name for one in surplus([*made, before])}
    kept = sorted({str(day) for day in days} - gone, reverse=True)

    assert [str(TODAY - timedelta(days=n)) for n in range(7)] == kept[:7]
    assert ["2026-11-22", "2026-11-15"] == kept[
        7:
    ]  # two Sundays; the weeks of the last seven days have theirs
    assert before.file.name not in gone
