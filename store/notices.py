"""
Notices: what happened to this store and must be told until a person has seen it; numbers, worded where shown.

    missing    acknowledged commits were not there when the store was opened   {"commits"}
    adapter    a generation can't answer, and another stands in                {"generation", "instead"}
    backup     the backup of a day could not be made                           {"why"}
    user       a client named another user than the person of this home        {"name"}
    flood      a program wanted to store more memories than it may             {"client", "limit"}

One row, `looked`, is told to nobody: up to which event the list of changes was looked through {"event"}.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from store.database import Connection, moment, rows, stamp, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to be told: a row of `notices`."""

    id: int
    kind: str
    at: datetime  # UTC
    about: dict[str, Any]


def put(db: Connection, kind: str, about: Mapping[str, Any]) -> None:
    """Have it told; the same that nobody has seen yet is one notice."""
    told = json.dumps(dict(about), sort_keys=True)
    with writing(db):
        known = "select 1 from notices where kind = ? and about = ? and not seen"
        if not rows(db, known, (kind, told)):
            at = stamp(datetime.now(UTC))
            db.execute("insert into notices (kind, at, about) values (?, ?, ?)", (kind, at, told))


def unseen(db: Connection) -> list[Notice]:
    """What nobody has seen yet, the oldest first."""
    found = rows(db, "select id, kind, at, about from notices where not seen order by id")
    return [Notice(id=id, kind=kind, at=moment(at), about=json.loads(about)) for id, kind, at, about in found]


def see(db: Connection) -> int:
    """Somebody has seen them all; how many they were."""
    with writing(db):
        db.execute("update notices set seen = 1 where not seen")
        return db.changes()


def look(db: Connection, event_id: int) -> None:
    """Somebody has looked through the changes up to this event."""
    if event_id <= looked(db):
        return
    about = json.dumps({"event": event_id})
    with writing(db):
        db.execute("delete from notices where kind = 'looked'")
        at = stamp(datetime.now(UTC))
        db.execute("insert into notices (kind, at, about, seen) values ('looked', ?, ?, 1)", (at, about))


def looked(db: Connection) -> int:
    """The last event that the list of changes was looked through up to; 0: it never was."""
    found = rows(db, "select about from notices where kind = 'looked'")
    return int(json.loads(found[0][0])["event"]) if found else 0
