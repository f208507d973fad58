"""
Embedders: who made the vectors that are held, and who makes them anew.

    one embedder serves ── reindex ──> another's vectors are made beside its own ── `vectors.switch` ──> that one serves
                                                    `── prepare with the old one: given up, nothing is lost

While vectors are made anew, those of the old embedder stay as they are and are not searched: a question is embedded
by the new one, and vectors of two embedders can't be compared. What has a new vector is found by meaning, everything
by its words. After a crash the re-index goes on where it was.

Promises: one embedder serves at a time; two that differ in name or dimension are never mixed, and nothing is dropped
before all is made. Knows nothing of the models themselves.
"""

import logging
from dataclasses import dataclass

from store.database import Connection, rows, writing
from store.errors import EmbedderClash, NoEmbedder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The vectors of one embedder."""

    table: str  # "vectors", or "coming_vectors" while they are made anew
    embedder: str
    dimension: int


def prepare(db: Connection, embedder: str, dimension: int) -> None:
    """
    Say who makes the vectors from now on; does nothing the second time.

    A re-index to this embedder goes on. One to another is given up when this embedder's own vectors are held.

    Raises:
        EmbedderClash: vectors of another embedder or dimension are held; `reindex` makes them anew.
    """
    with writing(db):
        wanted, held, new = (embedder, dimension), serving(db), coming(db)
        if new is not None and (new.embedder, new.dimension) == wanted:
            return
        if held is not None and (held.embedder, held.dimension) == wanted:
            if new is not None:
                log.warning("The re-index to %r was given up: %r serves again.", new.embedder, embedder)
                give_up(db)
            return
        if held is not None and _any(db, held):
            raise EmbedderClash(held.embedder, held.dimension, embedder, dimension)
        give_up(db)
        db.execute("insert or replace into embedder values (1, ?, ?)", wanted)


def expect(db: Connection, embedder: str) -> bool:
    """
    `prepare` before the embedder runs, by what the store knows of it; False when it has never seen it.

    Raises:
        EmbedderClash: vectors of another embedder are held.
    """
    held, new = serving(db), coming(db)
    for made in (new, held):
        if made is not None and made.embedder == embedder:
            prepare(db, embedder, made.dimension)
            return True
    if held is not None and _any(db, held):
        raise EmbedderClash(held.embedder, held.dimension, embedder)
    return False


def reindex(db: Connection, embedder: str, dimension: int) -> None:
    """
    Begin to make every vector anew with this embedder, or go on; `missing` then names all that is to be embedded.

    The vectors held stay until `vectors.switch`. A re-index to yet another embedder is given up.
    """
    with writing(db):
        held, new = serving(db), coming(db)
        if held is None or not _any(db, held):
            prepare(db, embedder, dimension)
        elif new is None or (new.embedder, new.dimension) != (embedder, dimension):
            give_up(db)
            db.execute("insert into coming_embedder values (1, ?, ?)", (embedder, dimension))


def searched(db: Connection) -> Made:
    """The vectors that questions are compared with now; raises `NoEmbedder`."""
    made = coming(db) or serving(db)
    if made is None:
        raise NoEmbedder
    return made


def serving(db: Connection) -> Made | None:
    """The vectors that are whole; None before the first `prepare`."""
    return _made(db, "vectors", "embedder")


def coming(db: Connection) -> Made | None:
    """The vectors that are made anew; None when none are."""
    return _made(db, "coming_vectors", "coming_embedder")


def give_up(db: Connection) -> None:
    """End a re-index and drop what it has made; call it inside a transaction."""
    db.execute("delete from coming_vectors")
    db.execute("delete from coming_embedder")


def _made(db: Connection, table: str, said_in: str) -> Made | None:
    for name, dimension in rows(db, f"select name, dimension from {said_in}"):
        return Made(table=table, embedder=name, dimension=dimension)
    return None


def _any(db: Connection, made: Made) -> bool:
    return bool(db.execute(f"select exists (select 1 from {made.table})").get)
