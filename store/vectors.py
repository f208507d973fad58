"""
Vectors: retrieval by meaning, with the distance functions of sqlite-vec over ordinary tables.

    question ── Hamming distance on two bits a number, in a covering index ──> 1,024 candidates
                      `── cosine distance to their whole vectors ──> the nearest that may be found

`vectors` has a row for each memory and message: kind, id, the float32 vector, and its bits (`database.vector_bits`);
`embedder` says who made them. A re-index by another embedder fills `coming_vectors`, a shadow of that table, which
takes its place in one transaction when no vector is missing. Meanwhile questions are embedded by the new embedder, so
only its vectors are searched. After a crash it goes on; preparing the old embedder again gives it up.

Vectors of two embedders are never mixed. What was superseded keeps its vector, for it may hold again: a search leaves
it out, with all else that may not be found. Source: docs/log.md, "sqlite-vec over an ordinary table".
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from store import full_text
from store.database import Connection, id_list, reading, rows, writing
from store.errors import NoEmbedder, WrongVectors, embedder_clash

FINDABLE = {  # rows of these tables may be found, where the condition is true
    "memory": "memories where superseded_by is null",
    "message": f"messages where not redacted and trim(text) <> '' and role in {full_text.SEARCHED_ROLES}",
}
KINDS = tuple(FINDABLE)
CANDIDATES = 1024  # of which the exact distance is taken, or 16 for each one wanted
_IN = "in (select value from json_each(?))"
_NEAREST = """with candidates as materialized (
        select rowid as place from {table} indexed by {table}_by_bits where kind = :kind
        order by vec_distance_hamming(vec_bit(bits), vec_bit(vector_bits(:vector))) limit :candidates)
    select id, vec_distance_cosine(vector, :vector) as distance
    from candidates join {table} v on v.rowid = place where exists ({findable})
    order by distance, id limit :k"""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSet:
    """The vectors of one embedder."""

    table: str  # "vectors", or "coming_vectors" during a re-index
    embedder: str
    dimension: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reindex:
    """How far a re-index is."""

    old: str  # the embedder whose vectors are kept until the end
    new: str
    done: int
    total: int


def nearest(db: Connection, kind: str, vector: npt.NDArray[np.float32], k: int) -> list[tuple[int, float]]:
    """
    Up to `k` ids of `kind` ("memory" or "message") with their cosine distance (0 to 2), nearest first.

    Raises:
        NoEmbedder: `prepare` was not called.
        WrongVectors: not one vector of the prepared dimension, or one that is zero or not finite.
    """
    with reading(db):
        made = searched(db)
        _check(vector, (made.dimension,))
        sql = _NEAREST.format(table=made.table, findable=_may_be_found(kind))
        given = {"kind": kind, "vector": vector.astype("<f4").tobytes(), "k": max(0, k)}
        found = rows(db, sql, given | {"candidates": max(CANDIDATES, 16 * k)})
        if len(found) < k:  # too many candidates may not be found, or there are few: look at all
            found = rows(db, sql, given | {"candidates": -1})
    return [(id, min(max(distance, 0.0), 2.0)) for id, distance in found]


def distances(
    db: Connection, kind: str, ids: Iterable[int], vector: npt.NDArray[np.float32]
) -> dict[int, float]:
    """The cosine distance (0 to 2) of those of `ids` that have a vector. Raises as `nearest`."""
    with reading(db):
        made = searched(db)
        _check(vector, (made.dimension,))
        sql = f"select id, vec_distance_cosine(vector, ?) from {made.table} where kind = ? and id {_IN}"
        found = rows(db, sql, (vector.astype("<f4").tobytes(), kind, id_list(ids)))
    return {id: min(max(distance, 0.0), 2.0) for id, distance in found}


def put(db: Connection, kind: str, ids: Sequence[int], vectors: npt.NDArray[np.float32]) -> None:
    """
    Store one vector per id, replacing older ones; ids that were forgotten or superseded meanwhile are passed
    over.

    Args:
        kind: "memory" or "message".
        vectors: (N, D) float32, N as many as `ids`, D as prepared.

    Raises:
        NoEmbedder: `prepare` was not called.
        WrongVectors: another shape, or a vector that is zero or not finite.
    """
    with writing(db):
        made = searched(db)
        _check(vectors, (len(ids), made.dimension))
        given = {int(id): vector.astype("<f4").tobytes() for id, vector in zip(ids, vectors, strict=True)}
        sql = f"select id from (select value as id from json_each(?)) v where exists ({_may_be_found(kind)})"
        db.executemany(
            f"insert or replace into {made.table} (kind, id, vector, bits) values (?1, ?2, ?3, vector_bits(?3))",
            [(kind, id, given[id]) for (id,) in rows(db, sql, (id_list(given),))],
        )


def stored(db: Connection, kind: str) -> tuple[list[int], npt.NDArray[np.float32]]:
    """The ids of `kind` that may be found and their vectors, (N, D); (0, 0) before any was made."""
    made = coming(db) or serving(db)
    if made is None:
        return [], np.zeros((0, 0), dtype=np.float32)
    sql = f"select id, vector from {made.table} as v where kind = ? and exists ({_may_be_found(kind)}) order by id"
    found = rows(db, sql, (kind,))
    if not found:
        return [], np.zeros((0, 0), dtype=np.float32)
    return [id for id, _ in found], np.stack([np.frombuffer(blob, dtype="<f4") for _, blob in found])


def missing(db: Connection, kind: str) -> list[int]:
    """The ids of `kind` that should have a vector and have none, oldest first."""
    table = "coming_vectors" if coming(db) else "vectors"
    sql = f"select id from {FINDABLE[kind]} and id not in (select id from {table} where kind = ?) order by id"
    return [id for (id,) in rows(db, sql, (kind,))]


def without(db: Connection, kind: str, ids: Iterable[int]) -> set[int]:
    """Those of `ids` that have no vector to be found by (yet)."""
    sql = f"""select value from json_each(?) where not exists (
        select 1 from {searched(db).table} where kind = ? and id = value)"""
    return {id for (id,) in rows(db, sql, (id_list(ids), kind))}


def drop(db: Connection, kind: str, ids: Sequence[int]) -> int:
    """Delete vectors; how many there were. Call it inside the transaction that forgets their texts."""
    dropped = 0
    for table in ("coming_vectors", "vectors"):
        db.execute(f"delete from {table} where kind = ? and id {_IN}", (kind, id_list(ids)))
        dropped += db.changes()
    return dropped


def prepare(db: Connection, embedder: str, dimension: int) -> None:
    """
    Say who makes the vectors from now on; does nothing the second time.

    A re-index to this embedder goes on. One to another is given up when this embedder's own vectors are stored.

    Raises:
        StoreError: vectors of another embedder or dimension are stored; `reindex` makes them again.
    """
    with writing(db):
        wanted, old, new = (embedder, dimension), serving(db), coming(db)
        if new is not None and (new.embedder, new.dimension) == wanted:
            return
        if old is not None and (old.embedder, old.dimension) == wanted:
            if new is not None:
                log.warning("The re-index to %r was given up: %r serves again.", new.embedder, embedder)
                _give_up_reindex(db)
            return
        if old is not None and _any(db, old):
            raise embedder_clash(old.embedder, old.dimension, embedder, dimension)
        _give_up_reindex(db)
        db.execute("insert or replace into embedder values (1, ?, ?)", wanted)


def expect(db: Connection, embedder: str) -> bool:
    """
    `prepare` before the embedder runs, by what the store knows of it; False when it has never seen it.

    Raises:
        StoreError: vectors of another embedder are stored.
    """
    old = serving(db)
    for made in (coming(db), old):
        if made is not None and made.embedder == embedder:
            prepare(db, embedder, made.dimension)
            return True
    if old is not None and _any(db, old):
        raise embedder_clash(old.embedder, old.dimension, embedder)
    return False


def reindex(db: Connection, embedder: str, dimension: int) -> None:
    """
    Begin to make every vector again with this embedder, or go on; `missing` then names all that is to be embedded.

    The stored vectors stay until `switch`. A re-index to yet another embedder is given up.
    """
    with writing(db):
        old, new = serving(db), coming(db)
        if old is None or not _any(db, old):
            prepare(db, embedder, dimension)
        elif new is None or (new.embedder, new.dimension) != (embedder, dimension):
            _give_up_reindex(db)
            db.execute("insert into coming_embedder values (1, ?, ?)", (embedder, dimension))


def switch(db: Connection) -> bool:
    """
    End a re-index: the new vectors take the place of the old ones, which are deleted in the same transaction.

    False, and nothing is changed: no re-index is under way, or some vectors are missing still.
    """
    with writing(db):
        new = coming(db)
        if new is None or any(missing(db, kind) for kind in KINDS):
            return False
        db.execute("delete from vectors")
        db.execute("insert into vectors select * from coming_vectors")
        db.execute("insert or replace into embedder values (1, ?, ?)", (new.embedder, new.dimension))
        _give_up_reindex(db)
    return True


def reindexing(db: Connection) -> Reindex | None:
    """How far the re-index is that is under way; None when none is."""
    old, new = serving(db), coming(db)
    if old is None or new is None:
        return None
    ((done,),) = rows(db, "select count(*) from coming_vectors")
    left = sum(len(missing(db, kind)) for kind in KINDS)
    return Reindex(old=old.embedder, new=new.embedder, done=done, total=done + left)


def searched(db: Connection) -> VectorSet:
    """The vectors that questions are compared with now; raises `NoEmbedder`."""
    made = coming(db) or serving(db)
    if made is None:
        raise NoEmbedder
    return made


def serving(db: Connection) -> VectorSet | None:
    """The vectors that are whole; None before the first `prepare`."""
    return _vector_set(db, "vectors", "embedder")


def coming(db: Connection) -> VectorSet | None:
    """The vectors of the re-index under way; None when there is none."""
    return _vector_set(db, "coming_vectors", "coming_embedder")


def _give_up_reindex(db: Connection) -> None:
    db.execute("delete from coming_vectors")
    db.execute("delete from coming_embedder")


def _vector_set(db: Connection, table: str, embedder_table: str) -> VectorSet | None:
    for name, dimension in rows(db, f"select name, dimension from {embedder_table}"):
        return VectorSet(table=table, embedder=name, dimension=dimension)
    return None


def _any(db: Connection, made: VectorSet) -> bool:
    return bool(db.execute(f"select exists (select 1 from {made.table})").get)


def _may_be_found(kind: str) -> str:
    """SQL that selects the memory or message with the id of the vector `v`, if it may be found."""
    return f"select 1 from {FINDABLE[kind]} and {FINDABLE[kind].split()[0]}.id = v.id"


def _check(vectors: npt.NDArray[np.float32], shape: tuple[int, ...]) -> None:
    if vectors.shape != shape:
        raise WrongVectors(f"their shape is {vectors.shape}, not {shape}")
    if not np.isfinite(vectors).all():
        raise WrongVectors("a number in them is not finite")
    if not vectors.any(axis=-1).all():
        raise WrongVectors("one is zero and points nowhere")
