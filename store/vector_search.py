"""
Nearest: vectors found by meaning, through an index in memory that follows its table.

    a transaction ─ triggers ─> vector_changes ──> each connection's index reads what it has not seen ──> search
                                                     `── it saw what was undone since, or too little: built anew

Promises: what is found is compared exactly, with the vectors in the table, and may be found at the moment of the
search; changes of other connections are seen, and those that were undone are not. An index that disagrees with its
table is built anew and logged.
Knows nothing of embedders but their name and dimension.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from store import embedders, full_text
from store.database import Connection, id_list, reading
from store.embedders import Made
from store.errors import WrongVectors
from store.signs import Signs

SEARCHED = {  # rows of these tables may be found, where the condition is true
    "memory": "memories where superseded_by is null",
    "message": f"messages where not redacted and trim(text) <> '' and role in {full_text.SEARCHED_ROLES}",
}
KINDS = tuple(SEARCHED)
CHUNK = 10_000  # vectors read at once
log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class _Beside:
    """The indexes beside one connection."""

    made: Made
    seen: tuple[int, int]  # number and token of the newest change that is in them; (0, 0): none was made yet
    indexes: dict[str, Signs] = field(default_factory=dict)  # per kind, from its first use on


_BESIDE: WeakKeyDictionary[Connection, _Beside] = WeakKeyDictionary()


def nearest(db: Connection, kind: str, vector: npt.NDArray[np.float32], k: int) -> list[tuple[int, float]]:
    """
    Up to `k` ids of `kind` ("memory" or "message") with their cosine distance (0 to 2), nearest first.

    Raises:
        NoEmbedder: `prepare` was not called.
        WrongVectors: not one vector of the prepared dimension, or one that is zero or not finite.
    """
    with reading(db):
        made = embedders.searched(db)
        check(vector, (made.dimension,))
        if k < 1:
            return []
        likely = _index(db, kind).likely(vector, k)
        found = _exactly(db, kind, likely, vector)
        if len(found) < len(likely):  # by nothing that we do
            log.warning("The index of %s vectors disagreed with its table: it is built anew.", kind)
            del _BESIDE[db]
            found = _exactly(db, kind, _index(db, kind).likely(vector, k), vector)
        return found[:k]


def follow(db: Connection) -> None:
    """Bring the indexes in memory up to date, so that the next question need not; nothing is built."""
    if db in _BESIDE and not db.in_transaction:
        with reading(db):
            _beside(db)


def warm(db: Connection) -> dict[str, int]:
    """Build the indexes now instead of at the first question; per kind, how many vectors are in them."""
    with reading(db):
        return {kind: len(_index(db, kind)) for kind in KINDS}


def check(vectors: npt.NDArray[np.float32], shape: tuple[int, ...]) -> None:
    """Raise `WrongVectors` unless they have this shape and make sense."""
    if vectors.shape != shape:
        raise WrongVectors(f"their shape is {vectors.shape}, not {shape}")
    if not np.isfinite(vectors).all():
        raise WrongVectors("a number in them is not finite")
    if not vectors.any(axis=-1).all():
        raise WrongVectors("one is zero and points nowhere")


def _index(db: Connection, kind: str) -> Signs:
    """The index of `kind`, as the table is now."""
    beside = _beside(db)
    if kind not in beside.indexes:
        beside.indexes[kind] = index = Signs(beside.made.dimension)
        for ids, vectors in _read(db, beside.made, kind, "true", ()):
            index.put(ids, vectors)
    return beside.indexes[kind]


def _beside(db: Connection) -> _Beside:
    made, beside = embedders.searched(db), _BESIDE.get(db)
    if beside is not None and beside.made == made:
        sql = "select n, token, kind, id from vector_changes where n >= ? order by n"
        changes = list(db.execute(sql, (beside.seen[0],)))
        if _goes_on(beside.seen, changes):
            _apply(db, beside, changes)
            return beside
        log.info("The index of vectors has missed changes, or seen what was undone: it is built anew.")
    newest = db.execute("select n, token from vector_changes order by n desc limit 1").get
    _BESIDE[db] = beside = _Beside(made=made, seen=newest or (0, 0))
    return beside


def _goes_on(seen: tuple[int, int], changes: Sequence[tuple[int, int, str, int]]) -> bool:
    """Whether the changes begin with what was seen last."""
    if seen == (0, 0):
        return not changes or changes[0][0] == 1
    return bool(changes) and changes[0][:2] == seen


def _apply(db: Connection, beside: _Beside, changes: Sequence[tuple[int, int, str, int]]) -> None:
    for kind, index in beside.indexes.items():
        changed = {id for n, _, of_kind, id in changes if of_kind == kind and n > beside.seen[0]}
        if changed:
            index.drop(list(changed))
            for ids, vectors in _read(
                db, beside.made, kind, "id in (select value from json_each(?))", (id_list(changed),)
            ):
                index.put(ids, vectors)
    if changes:
        beside.seen = changes[-1][:2]


def _exactly(
    db: Connection, kind: str, likely: Sequence[int], vector: npt.NDArray[np.float32]
) -> list[tuple[int, float]]:
    """Those of `likely` that may be found, with their distance, nearest first."""
    made, unit = embedders.searched(db), vector.astype(np.float64) / np.linalg.norm(vector.astype(np.float64))
    found: list[tuple[int, float]] = []
    for ids, vectors in _read(db, made, kind, "id in (select value from json_each(?))", (id_list(likely),)):
        exact = vectors.astype(np.float64)
        far = np.clip(1.0 - exact @ unit / np.linalg.norm(exact, axis=1), 0.0, 2.0)
        found += zip(ids, far.tolist(), strict=True)
    return sorted(found, key=lambda one: (one[1], one[0]))


def _read(
    db: Connection, made: Made, kind: str, which: str, bindings: tuple[str, ...]
) -> Iterator[tuple[list[int], npt.NDArray[np.float32]]]:
    """Ids that may be found and their vectors, (N, D), in chunks."""
    cursor = db.execute(
        f"select id, vector from {made.table} as v where kind = ? and {which} and exists ({found_as('v', kind)})",
        (kind, *bindings),
    )
    while chunk := list(islice(cursor, CHUNK)):
        vectors = np.frombuffer(b"".join(blob for _, blob in chunk), dtype="<f4")
        yield [id for id, _ in chunk], vectors.reshape(len(chunk), made.dimension)


def found_as(vector: str, kind: str) -> str:
    """SQL that selects the row behind a vector, if it may be found."""
    return f"select 1 from {SEARCHED[kind]} and {SEARCHED[kind].split()[0]}.id = {vector}.id"
