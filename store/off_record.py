"""
Off the record: whether chats are stored now, and which ones never are because a part of them was not.

    pause ──> every chat is private      a later turn of such a chat ──> private too, though logging is on again

A client sends the whole history with each question, so a secret told during a pause would come back, and be stored,
with the first question after it. Against that stand marks (`tombstones.py`) of the user's turns. A pause outlives a
restart.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store import chats, tombstones
from store.database import Connection, moment, rows, stamp, writing
from store.text import storable

TELLING, TELLING_WORDS = 12, 3  # letters and words: with less, a turn by itself is a greeting
LONG = 24  # letters: with so many it tells something in any number of words
Turn = tuple[str, str]  # role, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Logging:
    """Whether chats are kept now."""

    on: bool
    until: datetime | None = None  # UTC; when a pause ends by itself, None: when somebody ends it


def logging(db: Connection, *, at: datetime) -> Logging:
    """Whether chats are kept at `at`, which is now."""
    for (until,) in rows(db, "select until from logging_paused"):
        if until is None or stamp(at) < until:
            return Logging(on=False, until=moment(until) if until else None)
    return Logging(on=True)


def pause(db: Connection, *, until: datetime | None) -> None:
    """Keep no chat from now on, until then or (None) until `resume`; another pause is replaced."""
    with writing(db):
        db.execute("insert or replace into logging_paused values (1, ?)", (stamp(until) if until else None,))


def resume(db: Connection) -> None:
    """Keep chats again, those begun from now on."""
    with writing(db):
        db.execute("delete from logging_paused")


def may_keep(db: Connection, turns: Sequence[Turn], *, private: bool, at: datetime) -> bool:
    """
    Whether a chat may be kept; if not, it is marked, so that it never is.

    A history with one turn of the user is a new chat, also if the same words once began a private one. What is
    stored already, together with its answer, is no secret: marks on that don't count.

    Args:
        turns: role and text of each turn of this chat, the newest last.
        private: the user wants this chat to be private.
        at: now.
    """
    wanted = not private and logging(db, at=at).on
    said = [text for role, text in turns if role == "user"]
    if not said or (wanted and not rows(db, "select 1 from off_record limit 1")):
        return wanted
    chained, alone = _marks(db, said), [_mark_alone(db, text) for text in said]
    if wanted and not _any_off(db, [*chained, *(mark for mark in alone if mark)]):
        return True
    stored = _stored(db, turns)
    marked = _any_off(db, [*chained[stored:], *(mark for mark in alone[stored:-1] if mark)])
    last = [mark for mark in (chained[-1], alone[-1]) if mark]
    if not wanted or (marked and len(said) > 1):
        with writing(db):
            db.executemany("insert or ignore into off_record values (?)", [(mark,) for mark in last])
        return False
    if _any_off(db, last):  # the same words, now said on the record
        with writing(db):
            db.executemany("delete from off_record where mark = ?", [(mark,) for mark in last])
    return True


def _marks(db: Connection, said: Sequence[str]) -> list[str]:
    """One mark for each turn, which stands for it and for all turns before it."""
    marks: list[str] = []
    for text in said:
        before = marks[-1] if marks else ""
        marks.append(tombstones.mark(db, f"off the record {before}", storable(text)))
    return marks


def _mark_alone(db: Connection, text: str) -> str | None:
    """A mark for a turn wherever it stands, as clients shorten histories; None: anybody could have said that."""
    letters, words = len(text.strip()), len(text.split())
    if letters < LONG and (letters < TELLING or words < TELLING_WORDS):
        return None
    return tombstones.mark(db, "off the record alone", storable(text))


def _stored(db: Connection, turns: Sequence[Turn]) -> int:
    """How many of the user's turns are stored, all that was said before the next one with them."""
    known, _ = chats.longest_stored(db, [(role, storable(text)) for role, text in turns])
    before = [at for at, (role, _) in enumerate(turns) if role == "user"]
    return sum(following <= known for following in before[1:])


def _any_off(db: Connection, marks: Sequence[str]) -> bool:
    sql = "select 1 from off_record where mark in (select value from json_each(?)) limit 1"
    return bool(rows(db, sql, (json.dumps(list(marks)),)))
