"""
Programs: which memories other programs have added, how many lately, and all of one taken back at once.

A program's name is its own claim, so there is a limit for each and one for all together; both count what was added,
whether it holds still or not.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from store import memories
from store.database import Connection, id_list, moment, rows, stamp, writing
from store.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program that has added memories."""

    name: str  # as it calls itself
    memories: int  # of its own that hold
    last_at: datetime  # UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What became of the memories of a program."""

    program: str
    undone: int  # memories that hold no more
    replaced: int  # in whose place something else holds by now


def note(db: Connection, memory_id: int, program: str, *, at: datetime) -> None:
    """Note that `program` has added this memory."""
    with writing(db):
        db.execute("insert into program_memories values (?, ?, ?)", (memory_id, program, stamp(at)))


def added_since(db: Connection, since: datetime, *, program: str | None = None) -> int:
    """How many memories `program` (None: all programs) added since then."""
    sql = "select count(*) from program_memories where at >= ?1 and (?2 is null or program = ?2)"
    return int(rows(db, sql, (stamp(since), program))[0][0])


def held(db: Connection) -> int:
    """How many memories hold that a program said."""
    sql = "select count(*) from memories where trust = 'assistant' and superseded_by is null"
    return int(rows(db, sql)[0][0])


def listed(db: Connection) -> list[Program]:
    """Every program that has added a memory that is there still, the latest first."""
    sql = """select program, sum(superseded_by is null), max(at) from program_memories
        join memories on memories.id = memory_id group by program order by max(at) desc"""
    return [Program(name=name, memories=n, last_at=moment(at)) for name, n, at in rows(db, sql)]


def take_back(db: Connection, program: str, *, today: date) -> TakenBack:
    """
    Undo every memory that `program` added and that holds; each can be added again.

    Raises:
        NotFound: no program of this name has added any.
    """
    with writing(db):
        found = rows(db, "select memory_id from program_memories where program = ?", (program,))
        if not found:
            raise NotFound(
                f"No program called {program!r} has added any memory. List them: tsubasa memories programs"
            )
        holding = _holding(db, [id for (id,) in found])
        for memory_id in holding:
            memories.undo(db, memory_id, today=today)
        sql = """select count(*) from program_memories join memories on memories.id = memory_id
            where program = ? and superseded_by is not null and superseded_by <> memories.id"""
        ((replaced,),) = rows(db, sql, (program,))
    return TakenBack(program=program, undone=len(holding), replaced=replaced)


def _holding(db: Connection, ids: Collection[int]) -> list[int]:
    sql = """select id from memories where superseded_by is null
        and id in (select value from json_each(?)) order by id"""
    return [id for (id,) in rows(db, sql, (id_list(ids),))]
