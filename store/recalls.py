"""
Recalls: how often each memory was laid beside a question, and when it last was.

Promises: one small write per question, in the transaction of the caller. Knows nothing of why it was recalled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.database import Connection, id_list, moment, rows, stamp, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalls:
    """How often one memory was recalled."""

    n: int
    last_at: datetime  # UTC


def count(db: Connection, memory_ids: Sequence[int], *, at: datetime) -> None:
    """Note that these memories were recalled once more; those forgotten meanwhile are passed over."""
    with writing(db):
        db.execute(
            """insert into recalls select id, 1, ?1 from memories where id in (select value from json_each(?2))
            on conflict (memory_id) do update set n = n + 1, last_at = max(last_at, ?1)""",
            (stamp(at), id_list(memory_ids)),
        )


def counted(db: Connection, memory_ids: Sequence[int] | None = None) -> dict[int, Recalls]:
    """Per memory of these (None: of all) that was ever recalled, how often."""
    which = "" if memory_ids is None else "where memory_id in (select value from json_each(?))"
    ids = () if memory_ids is None else (id_list(memory_ids),)
    found = rows(db, f"select memory_id, n, last_at from recalls {which}", ids)
    return {memory_id: Recalls(n=n, last_at=moment(last_at)) for memory_id, n, last_at in found}
