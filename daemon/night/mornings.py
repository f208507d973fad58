"""
The reports of past nights: a record's ids joined with the words that are still held.

Promises: reads only; runs in the keeper's thread. Knows nothing of what a report says (`report.py`).
"""

from typing import Any

from daemon.night.report import Texts, ids_in, told
from store import generations, jobs, lessons, memories, nights
from store.errors import NoNightYet
from store.nights import Night

NOTHING = {
    True: "there was nothing to learn: no memory that holds has lessons",
    False: "there was nothing new to learn: the live generation, or one that was refused, has learned these lessons",
}


def report_on(db: Any, night_id: int | None) -> dict[str, Any]:
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


def _report(db: Any, night: Night) -> dict[str, Any]:
    memory_ids, lesson_ids = ids_in(night)
    before = nights.adopted_before(db, night)
    texts = Texts(
        memories=memories.lines(db, memory_ids),
        lessons=lessons.wordings(db, lesson_ids),
        reason=_reason(db, night),
        forgot=nights.forgotten_between(db, before.began_at if before else None, night.began_at),
    )
    return told(night, texts)


def _reason(db: Any, night: Night) -> str:
    if night.generation_id is not None:
        return generations.get(db, night.generation_id).reason
    if night.outcome == "nothing":
        return NOTHING[not night.numbers.get("facts")]
    if night.outcome == "interrupted":
        return "it was interrupted before its end; the live generation is untouched"
    job = jobs.latest(db, "night")
    said = job.error if job is not None and job.id == night.job_id else None
    return said or "it failed; the live generation is untouched" if night.outcome == "failed" else ""
