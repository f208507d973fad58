"""
The reports of past nights: a record's ids joined with the words that are still held.

Promises: reads only; runs in the store's thread. Knows nothing of what a report says (`report.py`).
"""

from collections.abc import Mapping
from typing import Any

from daemon.night.report import Texts, ids_in, told
from store import generations, jobs, lessons, memories, nights
from store.database import Connection
from store.errors import NoNightYet
from store.generations import Generation
from store.nights import Night
from store.tainting import TAINTED

NOTHING = {
    True: "there was nothing to learn: no memory that holds has lessons",
    False: "there was nothing new to learn: the live generation, or one that was refused, has learned these lessons",
}


def report_on(db: Connection, night_id: int | None) -> dict[str, Any]:
    """
    The report of one night; None: of the latest.

    Raises:
        NoSuchNight, NoNightYet: there is none.
    """
    if night_id is not None:
        return _report(db, nights.get(db, night_id))
    latest = nights.newest(db, 1)
    if not latest:
        raise NoNightYet()
    return _report(db, latest[0])


def _report(db: Connection, night: Night) -> dict[str, Any]:
    memory_ids, lesson_ids = ids_in(night)
    before = nights.adopted_before(db, night)
    made = generations.get(db, night.generation_id) if night.generation_id is not None else None
    exam = made.exam if made is not None else {}
    texts = Texts(
        memories=memories.lines(db, memory_ids),
        lessons=lessons.wordings(db, lesson_ids),
        said={one["lesson_id"]: one["said"] for one in exam.get("missed", ())},
        lapsed=_asked(exam, "stale") - _asked(exam, "facts"),
        reason=_reason(db, night, made),
        gave_way_to=_gave_way_to(db, night, made),
        forgot=nights.forgotten_between(db, before.began_at if before else None, night.began_at),
    )
    return told(night, texts)


def _reason(db: Connection, night: Night, made: Generation | None) -> str:
    if made is not None:  # older versions wrote TAINTED over what the exam had said
        return "" if made.reason == TAINTED else made.reason
    if night.outcome == "nothing":
        return NOTHING[not night.numbers.get("facts")]
    if night.outcome == "interrupted":
        return "it was interrupted before its end; the live generation is untouched"
    job = jobs.latest(db, "night")
    error = job.error if job is not None and job.id == night.job_id else None
    return error or "it failed; the live generation is untouched" if night.outcome == "failed" else ""


def _asked(exam: Mapping[str, Any], part: str) -> set[int]:
    return {row[0] for row in exam.get("marks", {}).get(part, ())}


def _gave_way_to(db: Connection, night: Night, made: Generation | None) -> int | None:
    if night.outcome != "adopted" or made is None or made.state != "tainted":
        return None
    live = generations.live(db, made.base_sha256)
    return live.id if live else generations.BASE
