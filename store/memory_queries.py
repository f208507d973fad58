"""
Reading the memories: what holds, what held before, what was true or known on a day.

    superseded_by: null = it holds, another row = that one replaced it, itself = it was taken back
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from store import memory_queries, recall_log, vectors
from store.database import Connection, id_list, moment, rows, stamp
from store.errors import NoSuchMemory
from store.recall_log import RecallCount
from store.text import one_line

COLUMNS = "id, text, told_on, valid_from, valid_to, superseded_by, trust, kind"
KINDS = (
    "fact",
    "standing",
    "always",
)  # what is true of the user; what they want done where it applies; ... always
FEW = 50  # memories whose narratives are looked up one by one
_KNOWN = """with made (new, old, op, since) as materialized (
        -- what had been made by then and not been taken back, and what each had replaced
        select events.memory_id, cast(coalesce(replaced_id, before.id) as integer), op,
            (select valid_from from memories where id = events.memory_id)
        from events left join undone on event_id = events.id
        left join memories before on superseded_by = events.memory_id and before.id < events.memory_id
        where op in ('ADD', 'UPDATE', 'RECONCILE') and at < :known_by
        and coalesce((select at from events back where back.id = undo_id), :known_by) >= :known_by)
    select id, text, memories.told_on, valid_from,
        case after.op when 'RECONCILE' then max(after.since, valid_from) end, after.new, trust, kind
    from made join memories on id = made.new left join made after on after.old = id
    where valid_from <= :day
    and (after.new is null or (after.op = 'RECONCILE' and :day < max(after.since, valid_from)))
    order by id"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One statement about the user: a row of `memories`."""

    id: int
    text: str  # one sentence, in the user's own language
    told_on: date
    valid_from: date  # the first day on which it was true
    valid_to: date | None  # the first day on which it was true no more; None: as far as we know it still is
    superseded_by: int | None  # the memory that replaced it; None: it holds; itself: taken back
    trust: str  # "user" | "assistant" | "import" | "untrusted"
    kind: str = "fact"  # one of `KINDS`

    @property
    def state(self) -> str:
        """ "holds", "replaced" by another, or "undone": the operation that made it was taken back."""
        if self.superseded_by is None:
            return "holds"
        return "undone" if self.superseded_by == self.id else "replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The memories, and what is known of each."""

    held: list[Memory]
    past: list[Memory]  # replaced or taken back
    made_at: Mapping[int, datetime]  # per memory
    source_roles: Mapping[int, frozenset[str]]  # who said it; missing: no message is named
    recalls: Mapping[int, RecallCount]
    system_texts: list[str]  # what clients put before chats
    vector_ids: list[int]  # of memories that hold
    vectors: npt.NDArray[np.float32]  # (N, D), N as many as `vector_ids`


def holding(db: Connection) -> list[Memory]:
    """What holds now, oldest first."""
    return _memories(rows(db, f"select {COLUMNS} from memories where superseded_by is null order by id"))


def standing(db: Connection) -> list[Memory]:
    """What the user wants done, by their own word or an import's, of what holds; the newest first."""
    sql = f"""select {COLUMNS} from memories where kind <> 'fact' and superseded_by is null
        and trust in ('user', 'import') order by id desc"""
    return _memories(rows(db, sql))


def count_holding(db: Connection) -> int:
    """How many hold now."""
    return int(rows(db, "select count(*) from memories where superseded_by is null")[0][0])


def past(db: Connection, *, after: int = 0, most: int = -1) -> list[Memory]:
    """What holds no more: replaced or taken back, oldest first; behind a number, and no more than `most` (-1: all)."""
    sql = f"select {COLUMNS} from memories where superseded_by is not null and id > ? order by id limit ?"
    return _memories(rows(db, sql, (after, most)))


def is_read_again(db: Connection, text: str, sources: Sequence[int]) -> bool:
    """Whether one of these messages said `text` before, and it holds no more."""
    sql = """select 1 from memories where superseded_by is not null and lower(text) = lower(?1) and id in (
        select memory_id from memory_sources where message_id in (select value from json_each(?2))
        union select memory_id from event_sources join events on events.id = event_id
            where message_id in (select value from json_each(?2)))"""
    return bool(rows(db, sql, (one_line(text), id_list(sources))))


def replaced_with(db: Connection, some_word: Sequence[str], most: int) -> list[Memory]:
    """Up to `most` memories that were replaced and have any of these words in their text, newest first."""
    sql = f"""select {COLUMNS} from memories where superseded_by is not null and superseded_by <> id
        and exists (select 1 from json_each(?) where instr(lower(text) || ' ' || base_forms(text), value))
        order by id desc limit ?"""
    return _memories(rows(db, sql, (json.dumps(list(some_word)), most)))


def as_of(db: Connection, day: date, *, known_by: datetime | None = None) -> list[Memory]:
    """
    What was true on `day`, oldest first, as far as we know today, or as was known at the moment `known_by`.

    A refined statement (UPDATE) stands in for the one it refined; one that was reconciled is true up to that
    day.
    """
    if known_by is not None:
        return _memories(rows(db, _KNOWN, {"day": day.isoformat(), "known_by": stamp(known_by)}))
    sql = f"""select {COLUMNS} from memories
        where valid_from <= :day and (valid_to is null or :day < valid_to)
        and (superseded_by is null or valid_to is not null) order by id"""
    return _memories(rows(db, sql, {"day": day.isoformat()}))


def get(db: Connection, memory_id: int) -> Memory:
    """The memory with this id; raises `NoSuchMemory`."""
    found = _memories(rows(db, f"select {COLUMNS} from memories where id = ?", (memory_id,)))
    if not found:
        raise NoSuchMemory(memory_id)
    return found[0]


def several(db: Connection, memory_ids: Iterable[int]) -> list[Memory]:
    """Those of these memories that hold, oldest first."""
    sql = f"""select {COLUMNS} from memories where id in (select value from json_each(?))
        and superseded_by is null order by id"""
    return _memories(rows(db, sql, (id_list(memory_ids),)))


def history(db: Connection, memory_id: int) -> list[Memory]:
    """
    All that ever held in the place of this memory, oldest first, also what was taken back.

    Raises:
        NoSuchMemory
    """
    found = rows(
        db,
        f"""with recursive line (id) as (
            select ?
            union select superseded_by from memories join line using (id) where superseded_by is not null
            union select memories.id from memories join line on superseded_by = line.id
            union select memory_id from undone join line on replaced_id = line.id
            union select replaced_id from undone join line on memory_id = line.id
                where replaced_id is not null)
        select {COLUMNS} from memories where id in (select id from line) order by id""",
        (memory_id,),
    )
    if not found:
        raise NoSuchMemory(memory_id)
    return _memories(found)


def narrative(db: Connection, memory: Memory, *, trust: Collection[str] | None = None) -> str:
    """
    One line for a model: "2026-10-03: The user lives in Oslo. Before that: The user lives in Ghent."

    The day is the first on which it was true; only what the latest RECONCILE replaced is told beside it.

    Args:
        trust: whose word is told beside it; None: anybody's.
    """
    earlier = rows(
        db,
        """with recursive before (id) as (select id from memories where superseded_by = ?1 and id < ?1
            union select memories.id from memories join before on superseded_by = before.id)
        select text, trust from memories where id in (select id from before) and valid_to is not null
        order by id desc""",
        (memory.id,),
    )
    return _narrative(memory, next((text for text, whose in earlier if _is_told(whose, trust)), None))


def before(db: Connection, memory: Memory, *, trust: Collection[str] | None = None) -> list[Memory]:
    """
    What held in the place of this memory at other times and was reconciled since, oldest first.

    Args:
        trust: whose word is wanted; None: anybody's.
    """
    return [
        one
        for one in history(db, memory.id)
        if one.valid_to is not None and one.state == "replaced" and _is_told(one.trust, trust)
    ]


def narratives(db: Connection, found: Sequence[Memory], *, trust: Collection[str] | None = None) -> list[str]:
    """The narrative of each, in the same order; of many, in one look at what holds no more."""
    if len(found) <= FEW:
        return [narrative(db, memory, trust=trust) for memory in found]
    replaced = {memory.superseded_by: memory for memory in past(db) if memory.state == "replaced"}
    texts = []
    for memory in found:
        earlier = replaced.get(memory.id)
        while earlier is not None and (earlier.valid_to is None or not _is_told(earlier.trust, trust)):
            earlier = replaced.get(earlier.id)
        texts.append(_narrative(memory, earlier.text if earlier else None))
    return texts


def lines(db: Connection, memory_ids: Iterable[int]) -> dict[int, str]:
    """The narrative of those of these memories that are still there, also of what holds no more."""
    sql = f"select {COLUMNS} from memories where id in (select value from json_each(?)) order by id"
    found = _memories(rows(db, sql, (id_list(memory_ids),)))
    return dict(zip([one.id for one in found], narratives(db, found), strict=True))


def sources(db: Connection, memory_id: int) -> list[int]:
    """The ids of the messages that a memory was drawn from; raises `NoSuchMemory`."""
    get(db, memory_id)
    sql = "select message_id from memory_sources where memory_id = ? order by message_id"
    return [id for (id,) in rows(db, sql, (memory_id,))]


def from_row(row: Sequence[Any]) -> Memory:
    """The memory in a row of `COLUMNS`."""
    id, text, told_on, valid_from, valid_to, superseded_by, trust, kind = row
    return Memory(
        id=id,
        text=text,
        told_on=date.fromisoformat(told_on),
        valid_from=date.fromisoformat(valid_from),
        valid_to=date.fromisoformat(valid_to) if valid_to else None,
        superseded_by=superseded_by,
        trust=trust,
        kind=kind,
    )


def survey(db: Connection) -> Survey:
    """Look at all memories; runs in the store's thread."""
    roles: dict[int, set[str]] = {}
    for memory_id, role in rows(
        db, "select memory_id, role from memory_sources join messages on messages.id = message_id"
    ):
        roles.setdefault(memory_id, set()).add(role)
    made = (
        "select memory_id, min(at) from events where op in ('ADD', 'UPDATE', 'RECONCILE') group by memory_id"
    )
    system = "select distinct text from messages where role in ('system', 'developer') and not redacted"
    vector_ids, kept = vectors.stored(db, "memory")
    return Survey(
        held=memory_queries.holding(db),
        past=memory_queries.past(db),
        made_at={memory_id: moment(at) for memory_id, at in rows(db, made) if memory_id is not None},
        source_roles={memory_id: frozenset(found) for memory_id, found in roles.items()},
        recalls=recall_log.recall_counts(db),
        system_texts=[text for (text,) in rows(db, system)],
        vector_ids=vector_ids,
        vectors=kept,
    )


def _narrative(memory: Memory, before: str | None) -> str:
    line = f"{memory.valid_from.isoformat()}: {memory.text}"
    return line if before is None else f"{line} Before that: {before}"


def _is_told(whose: str, trust: Collection[str] | None) -> bool:
    return trust is None or whose in trust


def _memories(found: Iterable[Sequence[Any]]) -> list[Memory]:
    return [from_row(row) for row in found]
