"""
Off the record: whether chats are kept now, and which ones never are because a part of them was not.

    pause ──> every chat is private      a later turn of such a chat ──> private too, though logging is on again

A client sends the whole history with each question, so that a secret told during a pause would come back, and be
kept, with the first question after it. What is held against that are marks (`tombstones.py`) of the user's turns.

Promises: a pause outlives a restart; no word said off the record is kept. Knows nothing of models or requests.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import apsw

from store import tombstones
from store.database import moment, rows, stamp, storable, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Logging:
    """Whether chats are kept now."""

    on: bool
    until: datetime | None = None  # UTC; when a pause ends by itself, None: when somebody ends it


def logging(db: apsw.Connection, *, at: datetime) -> Logging:
    """Whether chats are kept at `at`, which is now."""
    for (until,) in rows(db, "select until from logging_paused"):
        if until is None or stamp(at) < until:
            return Logging(on=False, until=moment(until) if until else None)
    return Logging(on=True)


def pause(db: apsw.Connection, *, until: datetime | None) -> None:
    """Keep no chat from now on, until then or (None) until `resume`; another pause is replaced."""
    with writing(db):
        db.execute("insert or replace into logging_paused values (1, ?)", (stamp(until) if until else None,))


def resume(db: apsw.Connection) -> None:
    """Keep chats again, those begun from now on."""
    with writing(db):
        db.execute("delete from logging_paused")


def may_keep(db: apsw.Connection, said: Sequence[str], *, private: bool, at: datetime) -> bool:
    """
    Whether a chat may be kept; if not, it is marked, so that it never is.

    A history with one turn of the user is a new chat, also if the same words once began a private one.

    Args:
        said: what the user says in this chat, the newest turn last.
        private: the user wants this chat to be private.
        at: now.
    """
    wanted = not private and logging(db, at=at).on
    if not said or (wanted and not rows(db, "select 1 from off_record limit 1")):
        return wanted
    marks = _marks(db, said)
    marked = _any_off(db, marks)
    if not wanted or (marked and len(marks) > 1):
        with writing(db):
            db.execute("insert or ignore into off_record values (?)", (marks[-1],))
        return False
    if marked:
        with writing(db):
            db.execute("delete from off_record where mark = ?", (marks[-1],))
    return True


def _marks(db: apsw.Connection, said: Sequence[str]) -> list[str]:
    """One mark for each turn, which stands for it and for all turns before it."""
    marks: list[str] = []
    for text in said:
        before = marks[-1] if marks else ""
        marks.append(tombstones.mark(db, f"off the record {before}", storable(text)))
    return marks


def _any_off(db: apsw.Connection, marks: Sequence[str]) -> bool:
    sql = "select 1 from off_record where mark in (select value from json_each(?)) limit 1"
    return bool(rows(db, sql, (json.dumps(list(marks)),)))
