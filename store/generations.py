"""
Generations: the adapters that the nights made, with their exams and their lineage.

    propose ──> candidate ──> adopted: the newest adopted one answers, unless `use` pins another
                    `───────> refused          superseded ──> retired, forget ──> tainted

An adapter is given out only as it was proposed; a tainted one never. Every record stays, but only the adapters that
may answer are stored. What `forget` takes is taken by `taint` and `drop_quotes`, in its transaction: afterwards no
record has a word of what was forgotten, and why a generation was adopted or refused stays. Generation 0 is the base
model and has no row.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from store.database import Connection, id_list, moment, rows, stamp, writing
from store.errors import AdapterDamaged, GenerationUnusable, NoSuchLesson, not_found
from store.text import storable

BASE = 0
KEPT = 3  # adopted generations of a model whose adapters are kept, for a way back
INTERRUPTED = "the night was interrupted before its exam was over"
_COLUMNS = "id, made_at, state, reason, base_sha256, adapter_sha256, exam, lesson_count"
_IN = "in (select value from json_each(?))"
TAINTED = "it learned something that was forgotten since"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated:
    """A held-out question that a generation has learned to answer with what holds no more."""

    lesson_id: int
    question: str
    answer: str  # what was right then
    now: str  # what holds in its place; "": nothing does


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One adapter's record: a row of `generations`."""

    id: int
    made_at: datetime  # UTC
    state: str  # "candidate" | "adopted" | "refused" | "retired" | "tainted"
    reason: str  # why it was adopted or refused; tainted in its exam: that
    base_sha256: str  # of the model file that it belongs to
    adapter_sha256: str
    exam: dict[str, Any]
    lesson_count: int


def propose(
    db: Connection,
    adapter: bytes,
    *,
    base_sha256: str,
    lesson_ids: Sequence[int],
    exam: Mapping[str, Any] | None = None,
) -> Generation:
    """
    Keep a new adapter as a candidate, with the lessons it learned from.

    Raises:
        NoSuchLesson: a lesson was forgotten while it was learned; the adapter was not kept.
    """
    ids = id_list(dict.fromkeys(lesson_ids))
    digest = hashlib.sha256(adapter).hexdigest()
    with writing(db):
        gone = db.execute(
            "select value from json_each(?) where value not in (select id from lessons)", (ids,)
        )
        if lost := [id for (id,) in gone]:
            raise NoSuchLesson(lost)
        db.execute(
            """insert into generations
            (made_at, state, reason, base_sha256, adapter_sha256, adapter, exam, lesson_count)
            values (?, 'candidate', '', ?, ?, ?, ?, json_array_length(?))""",
            (stamp(datetime.now(UTC)), base_sha256, digest, adapter, _json(exam or {}), ids),
        )
        new = db.last_insert_rowid()
        db.execute("insert into generation_lessons select ?, value from json_each(?)", (new, ids))
        db.execute(
            f"""insert into generation_memories
            select distinct ?, memory_id from lesson_memories where lesson_id {_IN}""",
            (new, ids),
        )
    return get(db, new)


def adopt(db: Connection, generation_id: int, exam: Mapping[str, Any], reason: str) -> Generation:
    """A candidate passed its exam: it answers from now on, also when another one was pinned by `use`."""
    with writing(db):
        _decide(db, generation_id, "adopt", "adopted", exam, reason)
        db.execute("delete from pin")
    return get(db, generation_id)


def refuse(db: Connection, generation_id: int, exam: Mapping[str, Any], reason: str) -> Generation:
    """A candidate failed its exam: it never answers, and `prune` deletes its adapter."""
    with writing(db):
        _decide(db, generation_id, "refuse", "refused", exam, reason)
    return get(db, generation_id)


def live(db: Connection, base_sha256: str) -> Generation | None:
    """
    The generation that answers on this model file; None is the base model.

    The pinned one while it is adopted and fits the file, else the newest adopted one that does.
    """
    pinned = rows(db, "select generation_id from pin")
    if pinned == [(BASE,)]:
        return None
    found = rows(
        db,
        f"""select {_COLUMNS} from generations where state = 'adopted' and base_sha256 = ?
        order by id in (select generation_id from pin) desc, id desc limit 1""",
        (base_sha256,),
    )
    return _generation(found[0]) if found else None


def get(db: Connection, generation_id: int) -> Generation:
    """The generation with this number; raises `NotFound`, for 0 too."""
    found = rows(db, f"select {_COLUMNS} from generations where id = ?", (generation_id,))
    if not found:
        raise not_found("generation", generation_id)
    return _generation(found[0])


def adapter(db: Connection, generation_id: int) -> bytes:
    """
    The adapter, GGUF bytes, as it was proposed.

    Raises:
        AdapterDamaged: its sha256 is another, or it was deleted (tainted, refused or retired).
    """
    generation = get(db, generation_id)
    kept = rows(db, "select adapter from generations where id = ?", (generation_id,))[0][0]
    if kept is None:
        why = TAINTED if generation.state == "tainted" else f"the generation is {generation.state}"
        raise AdapterDamaged(generation_id, f"it was deleted: {why}")
    if hashlib.sha256(kept).hexdigest() != generation.adapter_sha256:
        raise AdapterDamaged(generation_id, "its sha256 is not the one it had when it was made")
    return bytes(kept)


def all(db: Connection) -> list[Generation]:
    """Every generation but the base, oldest first; of their exams without the single marks and misses."""
    brief = _COLUMNS.replace("exam", "json_remove(exam, '$.marks', '$.missed')")
    return [_generation(row) for row in rows(db, f"select {brief} from generations order by id")]


def use(db: Connection, generation_id: int | None) -> None:
    """
    Pin an adopted generation (0: the base model) until the next adoption; None takes the pin out.

    Raises:
        GenerationUnusable: it was not adopted, or is tainted or retired.
    """
    with writing(db):
        db.execute("delete from pin")
        if generation_id is None:
            return
        if generation_id != BASE and (found := get(db, generation_id)).state != "adopted":
            raise GenerationUnusable(generation_id, found.state, "use")
        db.execute("insert into pin values (1, ?)", (generation_id,))


def prune(db: Connection) -> int:
    """
    Delete the adapters that never answer again; how many. Call it when no candidate is being examined.

    A candidate that nobody decided about is refused; adopted ones are retired, but for the newest three of
    each model and the pinned one.
    """
    with writing(db):
        db.execute(
            "update generations set state = 'refused', reason = ? where state = 'candidate'", (INTERRUPTED,)
        )
        db.execute(
            """update generations set state = 'retired' where id in (
                select id from (select id, row_number() over (partition by base_sha256 order by id desc) place
                    from generations where state = 'adopted') where place > ?)
            and id not in (select generation_id from pin)""",
            (KEPT,),
        )
        db.execute(
            """update generations set adapter = null
            where adapter is not null and state in ('refused', 'retired')"""
        )
        return db.changes()


def drop_adapters(db: Connection) -> None:
    """Delete every adapter; what was adopted is retired, what waited for its exam refused."""
    with writing(db):
        db.execute(
            """update generations set adapter = null, state = case state when 'adopted' then 'retired'
                when 'candidate' then 'refused' else state end,
            reason = iif(state = 'candidate', ?, reason) where adapter is not null""",
            (INTERRUPTED,),
        )


def lesson_ids(db: Connection, generation_id: int) -> frozenset[int]:
    """The lessons that it learned from, but for those forgotten since."""
    found = rows(db, "select lesson_id from generation_lessons where generation_id = ?", (generation_id,))
    return frozenset(id for (id,) in found)


def kinds(db: Connection, generation_id: int) -> list[tuple[str, int, int]]:
    """How many of its lessons are of each kind: (kind, to learn from, for the exam)."""
    sql = """select kind, sum(split = 'train'), sum(split = 'exam') from generation_lessons
        join lessons on lessons.id = lesson_id where generation_id = ? group by kind order by min(lessons.id)"""
    return [(kind, train, exam) for kind, train, exam in rows(db, sql, (generation_id,))]


def memory_ids(db: Connection, generation_id: int) -> frozenset[int]:
    """The memories behind what it learned, but for those forgotten since."""
    found = rows(db, "select memory_id from generation_memories where generation_id = ?", (generation_id,))
    return frozenset(id for (id,) in found)


def lapsed(db: Connection, generation_id: int) -> dict[int, int | None]:
    """The memories it learned that hold no more, each with the one in its place; None: it was taken back."""
    found = rows(
        db,
        """with recursive line (old, id) as (
            select memory_id, superseded_by from generation_memories join memories on id = memory_id
                where generation_id = ? and superseded_by is not null
            union select old, superseded_by from line join memories using (id)
                where superseded_by is not null)
        select old, max(line.id) filter (where superseded_by is null) from line join memories using (id)
        group by old""",
        (generation_id,),
    )
    return dict(found)


def refined(db: Connection, memory_ids: Collection[int]) -> set[int]:
    """Those of these memories that another one tells more exactly: nothing of them was wrong."""
    sql = f"select id from memories where superseded_by <> id and valid_to is null and id {_IN}"
    return {id for (id,) in rows(db, sql, (id_list(memory_ids),))}


def outdated(db: Connection, generation_id: int, most: int) -> list[Outdated]:
    """Held-out questions of its lessons about memories that were replaced or taken back since, newest first."""
    found = rows(
        db,
        """select lessons.id, question, answer, memory_id from generation_lessons
        join lessons on lessons.id = lesson_id join lesson_memories using (lesson_id)
        join memories on memories.id = memory_id
        where generation_id = ? and split = 'exam' and lessons.kind = 'fact' and superseded_by is not null
        group by lessons.id order by lessons.id desc limit ?""",
        (generation_id, most),
    )
    now = lapsed(db, generation_id)
    texts = dict(
        rows(db, f"select id, text from memories where id {_IN}", (id_list(filter(None, now.values())),))
    )
    return [
        Outdated(lesson_id=id, question=question, answer=answer, now=texts.get(now[memory_id], ""))
        for id, question, answer, memory_id in found
    ]


def learned_by(db: Connection, *, memory_ids: Sequence[int], lesson_ids: Sequence[int]) -> tuple[int, ...]:
    """Every generation that learned of these memories or lessons, tainted ones too. Ask before they are deleted."""
    found = rows(
        db,
        f"""select generation_id from generation_memories where memory_id {_IN}
        union select generation_id from generation_lessons where lesson_id {_IN} order by 1""",
        (id_list(memory_ids), id_list(lesson_ids)),
    )
    return tuple(id for (id,) in found)


def untainted(db: Connection, ids: Sequence[int]) -> tuple[int, ...]:
    """Those of these generations that no forgetting has tainted."""
    sql = f"select id from generations where state <> 'tainted' and id {_IN} order by id"
    return tuple(id for (id,) in rows(db, sql, (id_list(ids),)))


def taint(db: Connection, *, memory_ids: Sequence[int], lesson_ids: Sequence[int]) -> tuple[int, ...]:
    """
    Taint every generation that learned of these memories or lessons: no adapter of it stays. Ids newly tainted.

    What was decided about it, and why, stays: that is numbers in our own words, without a capital letter; a reason
    with one may name somebody, and goes.
    """
    learned = learned_by(db, memory_ids=memory_ids, lesson_ids=lesson_ids)
    found = rows(
        db,
        f"select id, exam from generations where state <> 'tainted' and id {_IN} order by id",
        (id_list(learned),),
    )
    for id, exam in found:
        db.execute(
            """update generations set
            reason = iif(state = 'candidate' or reason <> lower(reason), ?, reason), state = 'tainted',
            adapter = null, exam = ? where id = ?""",
            (TAINTED, json.dumps(_scores(json.loads(exam))), id),
        )
    return tuple(id for id, _ in found)


def drop_quotes(db: Connection) -> None:
    """Drop the questions and answers that exams quote, of every generation: it may have said what others learned."""
    db.execute(
        "update generations set exam = json_remove(exam, '$.missed') where json_type(exam, '$.missed') not null"
    )


def _decide(
    db: Connection, generation_id: int, verb: str, state: str, exam: Mapping[str, Any], reason: str
) -> None:
    found = get(db, generation_id)
    if found.state != "candidate":
        raise GenerationUnusable(generation_id, found.state, verb)
    db.execute(
        "update generations set state = ?, exam = ?, reason = ? where id = ?",
        (state, _json(exam), storable(reason), generation_id),
    )
    if rows(db, "select 1 from forgettings where at >= ? limit 1", (stamp(found.made_at),)):
        drop_quotes(db)  # forgotten while it sat its exam


def _json(exam: Mapping[str, Any]) -> str:
    return json.dumps(dict(exam))


def _generation(row: Sequence[Any]) -> Generation:
    fields = dict(zip(_COLUMNS.split(", "), row, strict=True))
    return Generation(**fields | {"made_at": moment(fields["made_at"]), "exam": json.loads(fields["exam"])})


def _scores(exam: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of an exam alone: no question, no answer, no lesson."""
    kept = {name: _scores(value) if isinstance(value, dict) else value for name, value in exam.items()}
    return {
        name: value for name, value in kept.items() if value is None or isinstance(value, int | float | dict)
    }
