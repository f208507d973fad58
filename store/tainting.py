"""
What `forget` and `undo_import` take from generations: the adapters that learned it, and what exams quote.

Promises: to be called inside the transaction that forgets; afterwards no record of a generation has a word of what
was forgotten, whether it learned it or not; why it was once adopted or refused stays.
Knows nothing of how generations are made and chosen.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from store.database import Connection, id_list, rows

TAINTED = "it learned something that was forgotten since"
_IN = "in (select value from json_each(?))"


def learned_by(db: Connection, *, memory_ids: Sequence[int], lesson_ids: Sequence[int]) -> tuple[int, ...]:
    """Every generation that learned of these memories or lessons, tainted ones too. Ask before they are deleted."""
    found = rows(
        db,
        f"""select generation_id from generation_memories where memory_id {_IN}
        union select generation_id from generation_lessons where lesson_id {_IN} order by 1""",
        (id_list(memory_ids), id_list(lesson_ids)),
    )
    return tuple(id for (id,) in found)


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


def _scores(exam: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of an exam alone: no question, no answer, no lesson."""
    kept = {name: _scores(value) if isinstance(value, dict) else value for name, value in exam.items()}
    return {
        name: value for name, value in kept.items() if value is None or isinstance(value, int | float | dict)
    }
