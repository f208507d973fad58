"""
Vectors of memories and messages; the float blobs are the truth, the vec0 tables an index of them.

Promises: all vectors held come from one embedder; only memories that hold and messages that were not
forgotten are found.
Knows nothing of embedders but their name and dimension.
"""

from collections.abc import Sequence

import apsw
import numpy as np
import numpy.typing as npt

from store import words
from store.database import guarded, id_list, rows, writing
from store.errors import EmbedderClash, NoEmbedder, WrongVectors

INDEXES = {"memory": "memory_vectors", "message": "message_vectors"}
MOST_NEIGHBOURS = 4096  # sqlite-vec's own limit
_SEARCHED = {  # the ids that may be found
    "memory": "select id from memories where superseded_by is null",
    "message": f"""select id from messages
        where not redacted and trim(text) <> '' and role in {words.SEARCHED_ROLES}""",
}


def prepare(db: apsw.Connection, embedder: str, dimension: int) -> None:
    """
    Say who makes the vectors from now on, and make the index when it is missing; does nothing the second
    time.

    Raises:
        EmbedderClash: vectors of another embedder or dimension are held; `reindex` drops them.
    """
    with writing(db):
        held = _embedder(db)
        if held == (embedder, dimension):
            _make_indexes(db, dimension)
            return
        if held is not None and db.execute("select exists (select 1 from vectors)").get:
            raise EmbedderClash(*held, embedder, dimension)
        _start_anew(db, embedder, dimension)


def reindex(db: apsw.Connection, embedder: str, dimension: int) -> None:
    """
    Drop every vector and start anew with this embedder; `missing` then names all that is to be embedded.
    """
    with writing(db):
        _start_anew(db, embedder, dimension)


def put(db: apsw.Connection, kind: str, ids: Sequence[int], vectors: npt.NDArray[np.float32]) -> None:
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
    index = INDEXES[kind]
    with writing(db):
        _check(vectors, (len(ids), _dimension(db)))
        given = {int(id): vector.astype("<f4").tobytes() for id, vector in zip(ids, vectors, strict=True)}
        wanted = rows(
            db, f"select value from json_each(?) where value in ({_SEARCHED[kind]})", (id_list(given),)
        )
        found = {id: given[id] for (id,) in wanted}
        db.executemany(
            "insert or replace into vectors values (?, ?, ?)",
            [(kind, id, blob) for id, blob in found.items()],
        )
        db.executemany(f"delete from {index} where id = ?", [(id,) for id in found])
        db.executemany(f"insert into {index} (id, vector) values (?, ?)", found.items())


def nearest(
    db: apsw.Connection, kind: str, vector: npt.NDArray[np.float32], k: int
) -> list[tuple[int, float]]:
    """Up to `k` (4,096 at most) ids of `kind` with their cosine distance (0 to 2), nearest first."""
    with guarded(db):
        _check(vector, (_dimension(db),))
        if k < 1:
            return []
        sql = f"select id, distance from {INDEXES[kind]} where vector match ? and k = ?"
        found = db.execute(sql, (vector.astype("<f4").tobytes(), min(k, MOST_NEIGHBOURS)))
        return sorted(((id, far) for id, far in found), key=lambda one: (one[1], one[0]))


def kept(db: apsw.Connection, kind: str) -> tuple[list[int], npt.NDArray[np.float32]]:
    """The ids of `kind` that may be found and their vectors, (N, D); (0, 0) before any was made."""
    sql = f"select id, vector from vectors where kind = ? and id in ({_SEARCHED[kind]}) order by id"
    found = rows(db, sql, (kind,))
    if not found:
        return [], np.zeros((0, 0), dtype=np.float32)
    return [id for id, _ in found], np.stack([np.frombuffer(blob, dtype="<f4") for _, blob in found])


def missing(db: apsw.Connection, kind: str) -> list[int]:
    """The ids of `kind` that should have a vector and have none, oldest first."""
    sql = f"{_SEARCHED[kind]} and id not in (select id from vectors where kind = ?) order by id"
    return [id for (id,) in rows(db, sql, (kind,))]


def hide(db: apsw.Connection, kind: str, ids: Sequence[int]) -> None:
    """
    Take ids out of the index and keep their vectors; call it inside the transaction that supersedes them.
    """
    if _has(db, INDEXES[kind]):
        db.executemany(f"delete from {INDEXES[kind]} where id = ?", [(id,) for id in ids])


def show(db: apsw.Connection, kind: str, ids: Sequence[int]) -> None:
    """
    Put ids whose vectors were kept into the index again; call it inside the transaction that restores them.
    """
    if _has(db, INDEXES[kind]):
        hide(db, kind, ids)
        db.execute(
            f"""insert into {INDEXES[kind]} (id, vector)
            select id, vector from vectors where kind = ? and id in (select value from json_each(?))""",
            (kind, id_list(ids)),
        )


def drop(db: apsw.Connection, kind: str, ids: Sequence[int]) -> int:
    """Delete vectors; how many there were. Call it inside the transaction that forgets their texts."""
    hide(db, kind, ids)
    db.execute(
        "delete from vectors where kind = ? and id in (select value from json_each(?))", (kind, id_list(ids))
    )
    return db.changes()


def _start_anew(db: apsw.Connection, embedder: str, dimension: int) -> None:
    db.execute("delete from vectors")
    for index in INDEXES.values():
        db.execute(f"drop table if exists {index}")
    db.execute("insert or replace into embedder values (1, ?, ?)", (embedder, dimension))
    _make_indexes(db, dimension)


def _make_indexes(db: apsw.Connection, dimension: int) -> None:
    for kind, index in INDEXES.items():
        if _has(db, index):
            continue
        db.execute(
            f"create virtual table {index} using vec0 "
            f"(id integer primary key, vector float[{int(dimension)}] distance_metric=cosine)"
        )
        held = f"select id, vector from vectors where kind = ? and id in ({_SEARCHED[kind]})"
        db.execute(f"insert into {index} (id, vector) {held}", (kind,))


def _embedder(db: apsw.Connection) -> tuple[str, int] | None:
    for name, dimension in rows(db, "select name, dimension from embedder"):
        return name, dimension
    return None


def _dimension(db: apsw.Connection) -> int:
    embedder = _embedder(db)
    if embedder is None:
        raise NoEmbedder
    return embedder[1]


def _check(vectors: npt.NDArray[np.float32], shape: tuple[int, ...]) -> None:
    if vectors.shape != shape:
        raise WrongVectors(f"their shape is {vectors.shape}, not {shape}")
    if not np.isfinite(vectors).all():
        raise WrongVectors("a number in them is not finite")
    if not vectors.any(axis=-1).all():
        raise WrongVectors("one is zero and points nowhere")


def _has(db: apsw.Connection, table: str) -> bool:
    return db.table_exists("main", table)
