"""
Nights: when each was, what it made and what it did, in ids and numbers; and how much was forgotten in between.

    begin ──> running ──end──> adopted | refused | nothing | failed
                 `──── the daemon was killed: interrupted, as the next start or the next night finds

A night whose generation was adopted or refused stays so, whatever fails afterwards. No word of a chat, a memory or a
lesson is in a night's record: texts are joined when it is shown, without what was forgotten by then.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from store.database import Connection, moment, rows, stamp, writing
from store.errors import not_found
from store.text import storable

OUTCOMES = ("adopted", "refused", "nothing", "failed", "interrupted")  # of a night that is over
_COLUMNS = "id, job_id, began_at, ended_at, outcome, was_live, generation_id, backend, numbers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One attempt at a night: a row of `nights`."""

    id: int
    job_id: int | None
    began_at: datetime  # UTC
    ended_at: datetime | None  # UTC; None: it runs, or was interrupted
    outcome: str  # "running" or one of OUTCOMES
    was_live: int  # the generation that answered when it began; 0 = base
    generation_id: int | None  # what it made
    backend: str  # what trained it, for people
    numbers: dict[str, Any]  # ids and numbers, as they were given to `end`


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How much `forget` took, once or over a time."""

    memories: int = 0
    messages: int = 0
    lessons: int = 0
    generations: int = 0  # tainted by it


def begin(db: Connection, *, job_id: int | None, was_live: int) -> Night:
    """Note that a night begins; one that still counts as running was interrupted."""
    with writing(db):
        recover(db)
        db.execute(
            "insert into nights (job_id, began_at, outcome, was_live) values (?, ?, 'running', ?)",
            (job_id, stamp(datetime.now(UTC)), was_live),
        )
        return get(db, db.last_insert_rowid())


def end(
    db: Connection,
    night_id: int,
    outcome: str,
    *,
    generation_id: int | None = None,
    backend: str = "",
    numbers: Mapping[str, Any] | None = None,
) -> Night:
    """
    Note how a night ended; what was decided about its generation stays, whatever fails afterwards.

    Call it inside the transaction that decides, so that a kill leaves both or neither.

    Args:
        numbers: numbers, lists and objects of them, JSON-able; a text anywhere but in a key is a ValueError.
    """
    if outcome not in OUTCOMES:
        raise ValueError(f"a night can't end as {outcome!r}")
    if not _is_numbers(numbers or {}):
        raise ValueError("the record of a night has ids and numbers only")
    with writing(db):
        db.execute(
            """update nights set outcome = ?, ended_at = ?, generation_id = ?, backend = ?, numbers = ?
            where id = ? and (outcome not in ('adopted', 'refused') or ? in ('adopted', 'refused'))""",
            (
                outcome,
                stamp(datetime.now(UTC)),
                generation_id,
                storable(backend),
                json.dumps(dict(numbers or {})),
                night_id,
                outcome,
            ),
        )
        return get(db, night_id)


def recover(db: Connection) -> int:
    """At the start of the only process that runs nights: what was running was interrupted; how many."""
    with writing(db):
        db.execute("update nights set outcome = 'interrupted' where outcome = 'running'")
        return db.changes()


def get(db: Connection, night_id: int) -> Night:
    """The night of this number; raises `NotFound`."""
    found = rows(db, f"select {_COLUMNS} from nights where id = ?", (night_id,))
    if not found:
        raise not_found("night", night_id)
    return _night(found[0])


def newest(db: Connection, most: int) -> list[Night]:
    """The last nights, the newest first."""
    return [
        _night(row) for row in rows(db, f"select {_COLUMNS} from nights order by id desc limit ?", (most,))
    ]


def made(db: Connection, generation_id: int) -> Night | None:
    """The night that made a generation; None when nobody noted it."""
    found = rows(db, f"select {_COLUMNS} from nights where generation_id = ?", (generation_id,))
    return _night(found[0]) if found else None


def adopted_before(db: Connection, night: Night) -> Night | None:
    """The last night before this one whose generation was adopted."""
    found = rows(
        db,
        f"select {_COLUMNS} from nights where outcome = 'adopted' and id < ? order by id desc limit 1",
        (night.id,),
    )
    return _night(found[0]) if found else None


def last_refused(db: Connection, base_sha256: str, was_live: int) -> int | None:
    """The newest generation of this model that a night by itself made while `was_live` answered, and refused."""
    found = rows(
        db,
        """select generations.id from nights join generations on generations.id = generation_id
        where outcome = 'refused' and state = 'refused' and base_sha256 = ? and was_live = ?
            and json_extract(numbers, '$.by_itself') = 1 order by generations.id desc limit 1""",
        (base_sha256, was_live),
    )
    return found[0][0] if found else None


def note_forgotten(db: Connection, **counts: int) -> None:
    """Count one `forget`, inside its transaction; by the names of `Forgotten`."""
    values = asdict(Forgotten(**counts))
    db.execute(
        f"insert into forgettings (at, {', '.join(values)}) values (?, ?, ?, ?, ?)",
        (stamp(datetime.now(UTC)), *values.values()),
    )


def forgotten_between(db: Connection, since: datetime | None, until: datetime) -> Forgotten:
    """What was forgotten from `since` (None: ever) to `until`."""
    found = rows(
        db,
        """select coalesce(sum(memories), 0), coalesce(sum(messages), 0), coalesce(sum(lessons), 0),
            coalesce(sum(generations), 0) from forgettings where at >= ? and at < ?""",
        (stamp(since) if since else "", stamp(until)),
    )
    memories, messages, lessons, generations = found[0]
    return Forgotten(memories=memories, messages=messages, lessons=lessons, generations=generations)


def _is_numbers(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(_is_numbers(one) for one in value.values())
    if isinstance(value, list | tuple):
        return all(_is_numbers(one) for one in value)
    return value is None or isinstance(value, int | float)


def _night(row: Sequence[Any]) -> Night:
    fields = dict(zip(_COLUMNS.split(", "), row, strict=True))
    times = {name: fields[name] and moment(fields[name]) for name in ("began_at", "ended_at")}
    return Night(**fields | times | {"numbers": json.loads(fields["numbers"])})
