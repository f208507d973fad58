"""
Lessons: what a night learns from, each with the memories it was made of.

Only lessons whose memories all still hold are taught; the lineage stays as long as anything learned from it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from store.database import Connection, id_list, rows, stamp, writing
from store.errors import NoSuchMemory
from store.memory_queries import COLUMNS, Memory, from_row
from store.text import storable

TAUGHT = ("user", "import")  # whose word a night may learn
HOLDING = """where lessons.id not in (select link.lesson_id from lesson_memories link
    join memories on memories.id = link.memory_id where superseded_by is not null) and retired = 0"""
OWN = ("fact", "before")  # what a memory is studied by
KINDS = (
    *OWN,  # what is so, and what was before it changed
    "as_of",  # what was so at a time
    "two",  # over two memories
    "abstain",  # what was never said
    "general",  # small talk, in the base model's own words
    "reading",  # the student too has the grounding in sight, so that it keeps reading memories as the base does
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLesson:
    """A lesson before it is stored."""

    question: str
    answer: str
    grounding: str | None  # the whole system text that the teacher sees; None: no system turn
    kind: str  # one of KINDS
    split: str  # "train" | "exam"
    memory_ids: tuple[int, ...] = ()  # every memory that question, answer or grounding tell of
    abstains: bool = False  # its answer says that it is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One lesson: a row of `lessons`."""

    id: int
    question: str
    answer: str
    grounding: str | None
    kind: str
    split: str
    memory_ids: tuple[int, ...]
    abstains: bool = False


def add(db: Connection, lessons: Sequence[NewLesson], *, by: str = "") -> list[int]:
    """
    Store lessons, all or none; their ids, in order.

    Args:
        by: sha256 of the model that worded them.

    Raises:
        NoSuchMemory: a memory was forgotten while its lessons were made.
    """
    with writing(db):
        return [_add(db, lesson, stamp(datetime.now(UTC)), by) for lesson in lessons]


def holding(db: Connection, *, by: Iterable[str] | None = None) -> list[Lesson]:
    """
    The lessons to teach: those whose memories all still hold, oldest first.

    Args:
        by: models that may have worded them; None: any.
    """
    if by is None:
        return _lessons(db, HOLDING)
    return _lessons(db, f"{HOLDING} and made_by in (select value from json_each(?))", (_json(by),))


def count_holding(db: Connection) -> int:
    """How many lessons there are to teach."""
    return int(rows(db, f"select count(*) from lessons {HOLDING}")[0][0])


def drop(db: Connection, ids: Iterable[int]) -> None:
    """Delete lessons that are of no use any more, but for those that a generation which is kept has learned."""
    with writing(db):
        db.execute(
            """delete from lessons where id in (select value from json_each(?)) and id not in
            (select lesson_id from generation_lessons join generations on generations.id = generation_id
            where adapter is not null)""",
            (id_list(ids),),
        )


def retire(db: Connection, ids: Iterable[int]) -> None:
    """Drop lessons; those that a kept generation has learned stay for their lineage, and are taught no more."""
    gone = id_list(ids)
    with writing(db):
        drop(db, json.loads(gone))
        db.execute("update lessons set retired = 1 where id in (select value from json_each(?))", (gone,))


def several(db: Connection, ids: Sequence[int]) -> list[Lesson]:
    """The lessons with these ids that there are, oldest first, whether or not they hold."""
    return _lessons(db, "where lessons.id in (select value from json_each(?))", (id_list(ids),))


def unstudied(db: Connection, *, by: Iterable[str] | None = None) -> list[Memory]:
    """
    The memories that hold and have no lesson of their own, oldest first.

    What the assistant alone said, or a stranger's text, is none: it can be recalled, and is never learned.

    Args:
        by: models whose lessons count; None: any.
    """
    worded = "" if by is None else "and made_by in (select value from json_each(?))"
    found = rows(
        db,
        f"""select {COLUMNS} from memories
        where superseded_by is null and trust in {TAUGHT} and id not in
            (select memory_id from lesson_memories join lessons on lessons.id = lesson_id where kind in {OWN} {worded})
        order by id""",
        () if by is None else (_json(by),),
    )
    return [from_row(row) for row in found]


def about(db: Connection, memory_ids: Iterable[int]) -> list[Lesson]:
    """The lessons that were made of any of these memories, oldest first, whether or not they hold."""
    return _lessons(
        db,
        """where lessons.id in (select lesson_id from lesson_memories
            where memory_id in (select value from json_each(?)))""",
        (id_list(memory_ids),),
    )


def wordings(db: Connection, lesson_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Question and answer of those of these lessons that are still there."""
    sql = "select id, question, answer from lessons where id in (select value from json_each(?))"
    return {id: (question, answer) for id, question, answer in rows(db, sql, (id_list(lesson_ids),))}


def _lessons(db: Connection, where: str, values: Sequence[object] = ()) -> list[Lesson]:
    found = rows(
        db,
        f"""select id, question, answer, grounding, kind, split, abstains, group_concat(memory_id)
        from lessons
        left join (select * from lesson_memories order by memory_id) on lesson_id = id
        {where} group by id order by id""",
        values,
    )
    return [
        Lesson(
            id=id,
            question=question,
            answer=answer,
            grounding=grounding,
            kind=kind,
            split=split,
            memory_ids=tuple(map(int, joined.split(","))) if joined else (),
            abstains=bool(abstains),
        )
        for id, question, answer, grounding, kind, split, abstains, joined in found
    ]


def _json(texts: Iterable[str]) -> str:
    return json.dumps(list(texts))


def _add(db: Connection, lesson: NewLesson, made_at: str, by: str) -> int:
    grounding = None if lesson.grounding is None else storable(lesson.grounding)
    db.execute(
        """insert into lessons (question, answer, grounding, kind, split, abstains, made_at, made_by)
        values (?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            storable(lesson.question),
            storable(lesson.answer),
            grounding,
            lesson.kind,
            lesson.split,
            lesson.abstains,
            made_at,
            by,
        ),
    )
    lesson_id = db.last_insert_rowid()
    for memory_id in dict.fromkeys(lesson.memory_ids):
        if db.execute("select 1 from memories where id = ?", (memory_id,)).get is None:
            raise NoSuchMemory(memory_id)
        db.execute("insert into lesson_memories values (?, ?)", (lesson_id, memory_id))
    return lesson_id
