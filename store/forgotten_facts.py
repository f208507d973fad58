"""
Forgotten facts: how what was forgotten is known again in other words, without a word of it.

    vector ── 512 directions drawn from this store's secret ──> on which side of each it lies: the angle between two
    words  ── HMAC, cut to 12 bits ──> numbers that tell Rex from Bello, and that dozens of words share

Two vectors at an angle t differ in t/π of the signs, so a cosine can be estimated (standard error about 0.03) and the
vector not be had back. What counts as the same fact is decided in the daemon.
Source: Charikar 2002, "Similarity estimation techniques from rounding algorithms", doi 10.1145/509907.509965.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from store.database import Connection, id_list, moment, rows, stamp, writing

SIGNS = 512
WORD_BITS = 12
BY_WORDS = 2 / 3  # of the content words of a fact without names


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFact:
    """A statement that is being forgotten."""

    names: Collection[str] = ()  # its words that carry a value for sure
    words: Collection[str] = ()  # its content words
    vector: npt.NDArray[np.float32] | None = None  # (D,); None: it can only be known by its words
    embedder: str = ""  # that made it


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How near a statement is to one that was forgotten: a row of `forgotten_facts`."""

    id: int
    at: datetime  # when it was forgotten; UTC
    cosine: float | None  # estimated; None: no vector, or one of another embedder
    has_names: bool  # it has names, and the statement has them all
    lacks_names: bool  # it has names that the statement has not
    share: float  # of its words that the statement has, 0 to 1

    @property
    def by_words(self) -> bool:
        """Whether the statement tells it, as far as words say."""
        return self.has_names or (not self.lacks_names and self.share >= BY_WORDS)


def put(db: Connection, facts: Iterable[NewFact], *, at: datetime) -> None:
    """Keep the marks of these facts; call it inside the transaction that forgets them."""
    secret = _secret(db)
    db.executemany(
        "insert into forgotten_facts (at, embedder, signs, names, words) values (?, ?, ?, ?, ?)",
        [
            (
                stamp(at),
                fact.embedder if fact.vector is not None else "",
                b"" if fact.vector is None else _signs(secret, fact.vector).tobytes(),
                json.dumps(sorted(_hashes(secret, fact.names))),
                json.dumps(sorted(_hashes(secret, fact.words))),
            )
            for fact in facts
            if fact.words
        ],
    )


def any_kept(db: Connection) -> bool:
    """Whether anything is marked as forgotten."""
    return bool(rows(db, "select 1 from forgotten_facts limit 1"))


def compare(db: Connection, statement: NewFact) -> list[Match]:
    """`statement` beside every forgotten fact."""
    found = rows(db, "select id, at, embedder, signs, names, words from forgotten_facts")
    if not found:
        return []
    secret = _secret(db)
    said = _hashes(secret, {*statement.words, *statement.names})
    signs = None if statement.vector is None else _signs(secret, statement.vector)
    matches = []
    for id, at, embedder, kept, names, words in found:
        is_comparable = signs is not None and embedder == statement.embedder
        wanted, every = set(json.loads(names)), set(json.loads(words))
        matches.append(
            Match(
                id=id,
                at=moment(at),
                cosine=_cosine(signs, kept) if is_comparable and signs is not None else None,
                has_names=bool(wanted) and wanted <= said,
                lacks_names=not wanted <= said,
                share=len(every & said) / max(len(every), 1),
            )
        )
    return matches


def lift(db: Connection, ids: Sequence[int]) -> None:
    """Let these be learned again."""
    with writing(db):
        db.execute(
            "delete from forgotten_facts where id in (select value from json_each(?))", (id_list(ids),)
        )


def told_before(db: Connection, message_ids: Sequence[int], at: datetime) -> bool:
    """
    Whether all of these messages were said before `at`, as far as that is known.

    The turns of a history that a client sent whole, but the last, are old, and so are those of an export without times.
    """
    sql = """select 1 from messages m where id in (select value from json_each(?)) and said_at > ?
        and not (source = 'import' and said_at = stored_at)
        and not exists (select 1 from messages next where next.parent_id = m.id and next.stored_at = m.stored_at)
        limit 1"""
    return not rows(db, sql, (id_list(message_ids), stamp(at)))


def _secret(db: Connection) -> bytes:
    ((secret,),) = rows(db, "select secret from tombstone_secret")
    return bytes(secret)


def _hashes(secret: bytes, words: Collection[str]) -> set[int]:
    digests = (hmac.digest(secret, b"word\n" + word.encode(), "sha256") for word in words)
    return {int.from_bytes(digest[:2]) >> (16 - WORD_BITS) for digest in digests}


@lru_cache(maxsize=2)
def _directions(secret: bytes, dimension: int) -> npt.NDArray[np.float32]:
    """(D, SIGNS) of +1 and -1, the same for ever."""
    drawn = hashlib.shake_256(secret + b"\ndirections").digest(dimension * SIGNS // 8)
    bits = np.unpackbits(np.frombuffer(drawn, dtype=np.uint8)).reshape(dimension, SIGNS)
    return bits.astype(np.float32) * 2 - 1


def _signs(secret: bytes, vector: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    return np.packbits(vector @ _directions(secret, len(vector)) > 0)


def _cosine(signs: npt.NDArray[np.uint8], kept: bytes) -> float:
    differ = int(np.bitwise_count(signs ^ np.frombuffer(kept, dtype=np.uint8)).sum())
    return float(np.cos(np.pi * differ / SIGNS))
