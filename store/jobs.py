"""
Jobs: what is to be done in idle time, with leases, so that a crash loses none.

    waiting ──claim──> running ──finish──> done
       ^                  │`─────fail────> failed
       `── retry, crash ──'                            a lease that ran out may be claimed by another

A job is run by one at a time; who lost its lease can't report for the one who has it now.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from store.database import Connection, moment, rows, stamp, writing
from store.errors import LeaseLost
from store.text import storable

_COLUMNS = "id, kind, payload, state, attempts, lease_until, error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job: a row of `jobs`."""

    id: int
    kind: str  # "observe" | "night" | ...
    payload: dict[str, Any]
    state: str  # "waiting" | "running" | "done" | "failed"
    attempts: int  # claims so far, this one included
    lease_until: datetime | None  # UTC
    error: str | None  # of the last attempt that failed


def enqueue(db: Connection, kind: str, payload: Mapping[str, Any], *, unique: str | None = None) -> Job:
    """
    Add a job; while one of this `kind` with the same `unique` name is waiting or running, that one instead.
    """
    with writing(db):
        for row in rows(
            db,
            f"""select {_COLUMNS} from jobs
            where kind = ? and unique_name = ? and state in ('waiting', 'running')""",
            (kind, unique),
        ):
            return _job(row)
        db.execute(
            "insert into jobs (kind, payload, unique_name, state) values (?, ?, ?, 'waiting')",
            (kind, json.dumps(dict(payload)), unique),
        )
        return _get(db, db.last_insert_rowid())


def order(db: Connection, kind: str, payload: Mapping[str, Any], *, unique: str) -> Job:
    """
    As `enqueue`, for somebody who asks: one that waits for its time is due at once, and takes on `payload`.

    One that runs already takes it on for its next attempt.
    """
    with writing(db):
        found = enqueue(db, kind, payload, unique=unique)
        text = json.dumps({**found.payload, **payload})
        db.execute("update jobs set payload = ?, run_at = null where id = ?", (text, found.id))
        return _get(db, found.id)


def claim(
    db: Connection, kind: str, *, now: datetime, lease_s: float, longest_wait_s: float = 1e9
) -> Job | None:
    """
    The oldest job of this kind that is due, or whose lease ran out; ours for `lease_s` seconds. None: nothing
    to do.

    Args:
        longest_wait_s: no job was told to wait for longer; one that seems to was told so by a wrong clock.
    """
    with writing(db):
        for (job_id,) in rows(
            db,
            """select id from jobs where kind = :kind and (state = 'waiting' and (coalesce(run_at, '') <= :now
            or run_at > :longest) or state = 'running' and lease_until <= :now) order by id limit 1""",
            {"kind": kind, "now": stamp(now), "longest": _until(now, longest_wait_s)},
        ):
            db.execute(
                "update jobs set state = 'running', attempts = attempts + 1, lease_until = ? where id = ?",
                (_until(now, lease_s), job_id),
            )
            return _get(db, job_id)
    return None


def renew(db: Connection, job: Job, *, now: datetime, lease_s: float) -> Job:
    """Keep a job for `lease_s` seconds from now; raises `LeaseLost`."""
    return _change(db, job, "lease_until = ?", (_until(now, lease_s),))


def finish(db: Connection, job: Job) -> Job:
    """The job is done; raises `LeaseLost`."""
    return _change(db, job, "state = 'done', lease_until = null", ())


def fail(db: Connection, job: Job, error: str, *, retry_at: datetime | None) -> Job:
    """The attempt failed: wait until `retry_at`, or (None) give up; raises `LeaseLost`."""
    state, run_at = ("failed", None) if retry_at is None else ("waiting", stamp(retry_at))
    return _change(
        db, job, "state = ?, run_at = ?, error = ?, lease_until = null", (state, run_at, storable(error))
    )


def put_back(db: Connection, job: Job, *, run_at: datetime) -> Job:
    """It was not its time: the job waits until `run_at`, and this attempt does not count; raises `LeaseLost`."""
    return _change(
        db,
        job,
        "state = 'waiting', attempts = attempts - 1, run_at = ?, lease_until = null",
        (stamp(run_at),),
    )


def note(db: Connection, job: Job, payload: Mapping[str, Any]) -> Job:
    """Keep more with a job that runs, for its next attempt; raises `LeaseLost`."""
    with writing(db):
        text = json.dumps({**_get(db, job.id).payload, **payload})
        return _change(db, job, "payload = ?", (text,))


def recover(db: Connection) -> int:
    """At the start of the only process that runs jobs: what was running waits again; how many."""
    with writing(db):
        db.execute("update jobs set state = 'waiting', lease_until = null where state = 'running'")
        return db.changes()


def latest(db: Connection, kind: str, *, having: str = "") -> Job | None:
    """The job of this kind that was added last; `having`: of those whose payload has this key."""
    sql = f"""select {_COLUMNS} from jobs where kind = :kind
        and (:key = '' or exists (select 1 from json_each(payload) where key = :key)) order by id desc limit 1"""
    found = rows(db, sql, {"kind": kind, "key": having})
    return _job(found[0]) if found else None


def is_any_open(db: Connection) -> bool:
    """Whether any job waits or runs."""
    return bool(rows(db, "select 1 from jobs where state in ('waiting', 'running') limit 1"))


def failed_alike(db: Connection, kind: str) -> list[Job]:
    """The newest jobs of this kind that are over and were given up for the same fault, numbers aside; newest first."""
    sql = f"""select {_COLUMNS} from jobs where kind = ? and state in ('done', 'failed') order by id desc limit 10"""
    found = map(_job, rows(db, sql, (kind,)))
    alike: list[Job] = []
    for job in found:
        if job.state != "failed" or (alike and _fault(job) != _fault(alike[0])):
            break
        alike.append(job)
    return alike


def is_over(db: Connection, kind: str, key: str, value: str) -> bool:
    """Whether a job of this kind whose payload has `value` under `key` was done or given up."""
    sql = """select 1 from jobs where kind = ? and state in ('done', 'failed')
        and json_extract(payload, '$.' || ?) = ? limit 1"""
    return bool(rows(db, sql, (kind, key, value)))


def _change(db: Connection, job: Job, assignments: str, values: Sequence[str | None]) -> Job:
    """
    Change a job that is still ours: running, and claimed by nobody since (each claim counts as an attempt).
    """
    with writing(db):
        db.execute(
            f"update jobs set {assignments} where id = ? and state = 'running' and attempts = ?",
            (*values, job.id, job.attempts),
        )
        if db.changes() == 0:
            raise LeaseLost(job.id)
        return _get(db, job.id)


def _get(db: Connection, job_id: int) -> Job:
    return _job(rows(db, f"select {_COLUMNS} from jobs where id = ?", (job_id,))[0])


def _until(now: datetime, lease_s: float) -> str:
    return stamp(now + timedelta(seconds=lease_s))


def _fault(job: Job) -> str:
    return re.sub(r"\d[\d.,]*", "#", job.error or "")


def _job(row: Sequence[Any]) -> Job:
    fields = dict(zip(_COLUMNS.split(", "), row, strict=True))
    lease = fields["lease_until"]
    return Job(**fields | {"payload": json.loads(fields["payload"]), "lease_until": lease and moment(lease)})
