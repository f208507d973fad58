"""
Proposals: what may become a memory once the user says so; until then it is recalled for nothing and taught to nothing.

They come of chats (setting `approve`), of programs, and of what another assistant keeps. What was accepted is gone from
here; what was refused stays, so that the same messages do not propose it again. Both go with the messages they were
drawn from (triggers of the schema), and with what is forgotten in their words.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from store.database import Connection, id_list, moment, rows, stamp, writing
from store.errors import not_found
from store.text import one_line

_COLUMNS = """id, text, day, told_on, trust, kind, origin, at,
    (select json_group_array(message_id) from proposal_messages where proposal_id = proposals.id)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One statement that waits for the user's word."""

    id: int
    text: str
    day: date  # when it came to hold
    told_on: date
    trust: str  # whose word it would be: "user", "assistant", "import" or "untrusted"
    kind: str  # as of a memory
    origin: str  # "": a chat; else the program or the assistant that it comes from
    at: datetime  # UTC
    sources: tuple[int, ...]  # ids of messages


def put(
    db: Connection,
    text: str,
    *,
    day: date,
    told_on: date,
    trust: str,
    at: datetime,
    kind: str = "fact",
    origin: str = "",
    sources: Sequence[int] = (),
    import_id: int | None = None,
) -> int | None:
    """
    Let it wait, and return its number; None where it waits already, is held, or was refused of the same messages.

    Args:
        import_id: that offers it, and takes it along when it is undone.
    """
    line = one_line(text)
    with writing(db):
        known = """select 1 from memories where superseded_by is null and lower(text) = lower(?1)
            union select 1 from proposals where lower(text) = lower(?1) and (not refused
                or (?3 = '[]' and origin = ?2) or id in (select proposal_id from proposal_messages
                    where message_id in (select value from json_each(?3))))"""
        if rows(db, known, (line, origin, id_list(sources))):
            return None
        db.execute(
            """insert into proposals (text, day, told_on, trust, kind, origin, at, import_id)
            values (?, ?, ?, ?, ?, ?, ?, ?)""",
            (line, day.isoformat(), told_on.isoformat(), trust, kind, origin, stamp(at), import_id),
        )
        number = db.last_insert_rowid()
        db.executemany("insert into proposal_messages values (?, ?)", [(number, one) for one in set(sources)])
        return number


def waiting(db: Connection) -> list[Proposal]:
    """What waits, oldest first."""
    return _proposals(db, "not refused")


def count(db: Connection) -> int:
    """How many wait."""
    return int(rows(db, "select count(*) from proposals where not refused")[0][0])


def count_of(db: Connection, trust: str) -> int:
    """How many wait that would be the word of these."""
    return int(rows(db, "select count(*) from proposals where not refused and trust = ?", (trust,))[0][0])


def get(db: Connection, number: int) -> Proposal:
    """One that waits; raises `NotFound`."""
    found = _proposals(db, "not refused and id = ?", number)
    if not found:
        raise not_found("waiting memory", number)
    return found[0]


def refuse(db: Connection, number: int) -> None:
    """It waits no more, and is not proposed again. Raises `NotFound`."""
    with writing(db):
        get(db, number)
        db.execute("update proposals set refused = 1 where id = ?", (number,))


def drop(db: Connection, numbers: Collection[int]) -> None:
    """These are gone: they were accepted, or tell what was forgotten."""
    with writing(db):
        db.execute("delete from proposals where id in (select value from json_each(?))", (id_list(numbers),))


def drop_quoting(db: Connection, quotes: Sequence[str]) -> None:
    """Those that have one of these texts (in small letters) in them are gone; call it inside a transaction."""
    found = [
        id
        for id, text in rows(db, "select id, lower(text) from proposals")
        if any(one in text for one in quotes)
    ]
    drop(db, found)


def every(db: Connection) -> list[Proposal]:
    """What waits and what was refused."""
    return _proposals(db, "true")


def _proposals(db: Connection, wanted: str, *given: int) -> list[Proposal]:
    return [
        Proposal(
            id=id,
            text=text,
            day=date.fromisoformat(day),
            told_on=date.fromisoformat(told_on),
            trust=trust,
            kind=kind,
            origin=origin,
            at=moment(at),
            sources=tuple(json.loads(sources)),
        )
        for id, text, day, told_on, trust, kind, origin, at, sources in rows(
            db, f"select {_COLUMNS} from proposals where {wanted} order by id", given
        )
    ]
