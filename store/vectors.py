"""
Vectors of memories and messages, as they are kept: the float blobs are the truth.

Promises: all vectors that are searched come from one embedder (`embedders.py`); only memories that hold and messages
that were not forgotten are found (`vector_search.py`).
Knows nothing of embedders but their name and dimension.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from store import embedders
from store.database import Connection, id_list, rows, writing
from store.embedders import prepare, reindex
from store.vector_search import KINDS, SEARCHED, check, follow, found_as, nearest, warm

__all__ = [
    "KINDS",
    "Reindex",
    "drop",
    "kept",
    "missing",
    "nearest",
    "prepare",
    "put",
    "reindex",
    "reindexing",
    "switch",
    "warm",
    "without",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reindex:
    """How far a re-index is."""

    old: str  # the embedder whose vectors are kept until the end
    new: str
    done: int
    total: int


def put(db: Connection, kind: str, ids: Sequence[int], vectors: npt.NDArray[np.float32]) -> None:
    """
    Keep one vector per id, replacing older ones; ids that were forgotten or superseded meanwhile are passed
    over.

    Args:
        kind: "memory" or "message".
        vectors: (N, D) float32, N as many as `ids`, D as prepared.

    Raises:
        NoEmbedder: `prepare` was not called.
        WrongVectors: another shape, or a vector that is zero or not finite.
    """
    with writing(db):
        made = embedders.searched(db)
        check(vectors, (len(ids), made.dimension))
        given = {int(id): vector.astype("<f4").tobytes() for id, vector in zip(ids, vectors, strict=True)}
        sql = f"select value from json_each(?) as v where exists ({found_as('v', kind)})"
        wanted = rows(db, sql.replace("v.id", "v.value"), (id_list(given),))
        db.executemany(
            f"insert or replace into {made.table} values (?, ?, ?)",
            [(kind, id, given[id]) for (id,) in wanted],
        )
    follow(db)


def kept(db: Connection, kind: str) -> tuple[list[int], npt.NDArray[np.float32]]:
    """The ids of `kind` that may be found and their vectors, (N, D); (0, 0) before any was made."""
    made = embedders.coming(db) or embedders.serving(db)
    if made is None:
        return [], np.zeros((0, 0), dtype=np.float32)
    sql = f"select id, vector from {made.table} as v where kind = ? and exists ({found_as('v', kind)}) order by id"
    found = rows(db, sql, (kind,))
    if not found:
        return [], np.zeros((0, 0), dtype=np.float32)
    return [id for id, _ in found], np.stack([np.frombuffer(blob, dtype="<f4") for _, blob in found])


def missing(db: Connection, kind: str) -> list[int]:
    """The ids of `kind` that should have a vector and have none, oldest first."""
    table = "coming_vectors" if embedders.coming(db) else "vectors"
    sql = f"select id from {SEARCHED[kind]} and id not in (select id from {table} where kind = ?) order by id"
    return [id for (id,) in rows(db, sql, (kind,))]


def without(db: Connection, kind: str, ids: Iterable[int]) -> set[int]:
    """Those of `ids` that have no vector to be found by (yet)."""
    table = embedders.searched(db).table
    sql = f"""select value from json_each(?) where not exists (
        select 1 from {table} where kind = ? and id = value)"""
    return {id for (id,) in rows(db, sql, (id_list(ids), kind))}


def drop(db: Connection, kind: str, ids: Sequence[int]) -> int:
    """Delete vectors; how many there were. Call it inside the transaction that forgets their texts."""
    dropped = 0
    for table in ("coming_vectors", "vectors"):
        sql = f"delete from {table} where kind = ? and id in (select value from json_each(?))"
        db.execute(sql, (kind, id_list(ids)))
        dropped += db.changes()
    return dropped


def switch(db: Connection) -> bool:
    """
    End a re-index: the new vectors take the place of the old ones, which are deleted in the same transaction.

    False, and nothing is changed: no re-index is under way, or some vectors are missing still.
    """
    with writing(db):
        new = embedders.coming(db)
        if new is None or any(missing(db, kind) for kind in KINDS):
            return False
        db.execute("delete from vectors")
        db.execute("insert into vectors select * from coming_vectors")
        db.execute("insert or replace into embedder values (1, ?, ?)", (new.embedder, new.dimension))
        embedders.give_up(db)
    return True


def reindexing(db: Connection) -> Reindex | None:
    """How far the re-index is that is under way; None when none is."""
    old, new = embedders.serving(db), embedders.coming(db)
    if old is None or new is None:
        return None
    ((done,),) = rows(db, "select count(*) from coming_vectors")
    left = sum(len(missing(db, kind)) for kind in KINDS)
    return Reindex(old=old.embedder, new=new.embedder, done=done, total=done + left)
