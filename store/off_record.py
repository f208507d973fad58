"""
Off the record: whether chats are stored now, and which ones never are because a part of them was not.

    pause ──> every chat is private      a later turn of such a chat ──> private too, though logging is on again

A client sends the whole history with each question, so a secret told during a pause would come back, and be stored,
with the first question after it. Against that stand marks (`tombstones.py`) of the user's turns: of all words of one,
in any case and with any signs between them, also within another turn; of a long one, of its ends. A pause outlives a
restart.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store import known_chats, tombstones
from store.database import Connection, moment, rows, stamp, writing
from store.text import storable, tokens

TELLING, TELLING_WORDS = 12, 3  # letters and words: with less, a turn by itself is a greeting
LONG = 24  # letters: with so many it tells something in any number of words
ENDS = 24  # words: of a longer turn, as many at each end are known again alone
MOST_WORDS = 20_000  # of one turn that are looked through
FIRST = "off the record, first word"  # what its marks are of
PASTED = 2  # private turns within the last turn of a chat: so many are no telling anew
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
    last = [*_chained(db, said)[-1], *_alone(db, said[-1])]
    within = _within(db, said[-1]) - set(last) if wanted else set()
    if wanted and len(within) < PASTED and not _told_before(db, turns, said):
        last += within
        if _any_off(db, last):  # the same words, now said on the record
            with writing(db):
                db.executemany("delete from off_record where mark = ?", [(mark,) for mark in last])
        return True
    with writing(db):
        db.executemany("insert or ignore into off_record values (?)", [(mark,) for mark in last])
    return False


def _told_before(db: Connection, turns: Sequence[Turn], said: Sequence[str]) -> bool:
    """Whether what the user said before the last turn, and is not stored, is private."""
    if len(said) == 1:
        return False
    stored = _stored(db, turns)
    new = [at for at in range(len(said) - 1) if at not in stored]
    chained = _chained(db, said)
    marks = [*(chained[at] for at in [*new, len(said) - 1]), *(_alone(db, said[at]) for at in new)]
    is_marked = _any_off(db, [mark for of_turn in marks for mark in of_turn])
    return is_marked or any(_within(db, said[at]) for at in new)


def _chained(db: Connection, said: Sequence[str]) -> list[list[str]]:
    """Marks for each turn, which stand for it and for all turns before it: by its letters, and by its words."""
    found: list[list[str]] = []
    letters, worded = "", ""
    for text in said:
        letters = tombstones.mark(db, f"off the record {letters}", storable(text))
        worded = tombstones.mark(db, f"off the record, words {worded}", _words(text))
        found.append([letters, worded])
    return found


def _alone(db: Connection, text: str) -> list[str]:
    """Marks for a turn wherever it stands, as clients shorten histories; none: anybody could have said that."""
    letters, words = len(text.strip()), len(text.split())
    if letters < LONG and (letters < TELLING or words < TELLING_WORDS):
        return []
    within = _marks_within(db, _parts(tokens(text)))
    return [tombstones.mark(db, "off the record alone", storable(text)), *within]


def _parts(words: list[str]) -> list[list[str]]:
    """What of a turn is known again within others: all of it, or if it is long its two ends."""
    if not words:
        return []
    return [words] if len(words) <= ENDS else [words[:ENDS], words[-ENDS:]]


def _marks_within(db: Connection, parts: Sequence[Sequence[str]]) -> list[str]:
    """A mark for each run of words: how many and with which first word (4 digits of its own mark), then all of them."""
    firsts = tombstones.marks(db, FIRST, [part[0] for part in parts])
    wholes = tombstones.marks(db, "off the record within", [" ".join(part) for part in parts])
    return [
        f"{len(part)}.{first[:4]}:{whole}" for part, first, whole in zip(parts, firsts, wholes, strict=True)
    ]


def _within(db: Connection, text: str) -> set[str]:
    """The marks of private turns whose words stand in `text`, one behind the other."""
    sql = "select distinct substr(mark, 1, instr(mark, ':') - 1) from off_record where instr(mark, ':')"
    begins: dict[str, list[int]] = {}  # the first word's digits -> how many words
    for begin in (begin for (begin,) in rows(db, sql)):
        n, _, first = begin.partition(".")
        begins.setdefault(first, []).append(int(n))
    words = tokens(text)[:MOST_WORDS] if begins else []
    each = list(dict.fromkeys(words))
    firsts = {word: mark[:4] for word, mark in zip(each, tombstones.marks(db, FIRST, each), strict=True)}
    parts = [words[at : at + n] for at, word in enumerate(words) for n in begins.get(firsts[word], [])]
    marks = _marks_within(db, [part for part in parts if part])
    sql = "select mark from off_record where mark in (select value from json_each(?))"
    return {mark for (mark,) in rows(db, sql, (json.dumps(marks),))}


def _words(text: str) -> str:
    """The words of a turn; the turn itself where it has none."""
    return " ".join(tokens(text)) or storable(text)


def _stored(db: Connection, turns: Sequence[Turn]) -> set[int]:
    """Which of the user's turns are stored, from the first of them on, together with their answers."""
    known = known_chats.find(db, [(role, storable(text)) for role, text in turns])
    if known is None:
        return set()
    users = [at for at, (role, _) in enumerate(turns) if role == "user"]
    pairs = zip(users, users[1:], strict=False)
    return {n for n, (at, next) in enumerate(pairs) if known.start <= at and next <= known.end}


def _any_off(db: Connection, marks: Sequence[str]) -> bool:
    sql = "select 1 from off_record where mark in (select value from json_each(?)) limit 1"
    return bool(rows(db, sql, (json.dumps(list(marks)),)))
