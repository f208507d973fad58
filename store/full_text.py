"""
Full-text search (retrieval by words): FTS5, porter stems, accents folded, scripts without spaces by pairs of
characters (`text.py`), ranked by bm25.

`memory_words` has a row for each memory that holds, `message_words` one for each message, of its own words: with its
neighbours' in the same row bm25 can't tell a long message from a short one (docs/log.md, "Recall in chats with an
assistant").

What is deleted leaves no trace in the pages of an index (its option secure-delete), so none is ever made anew. Any
text of a user is a safe query. The writers keep the rows in step: `chats.py`, `memories.py`, `forgetting.py`,
`imports.py`, `import_undo.py`, `restore.py`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from store.database import Connection, id_list, rows
from store.text import base_forms, is_letter, words

TABLES = {"memory": "memory_words", "message": "message_words"}
SEARCHED_ROLES = ("user", "assistant")  # what a client puts into system turns is not the user's word
MOST_WORDS = 64  # of a query; a pasted page would make every row a hit
MOST_HITS = 800  # rows that are ranked at once, or 8 * k
_IN = "in (select value from json_each(?))"


@dataclass(frozen=True, slots=True, kw_only=True)
class WordHits:
    """One word of a question, and what has it."""

    rarity: float  # idf as in bm25, of Lucene's kind, which is never below 0
    ids: frozenset[int]


def search(db: Connection, kind: str, query: str, k: int) -> list[tuple[int, float]]:
    """
    Up to `k` ids of `kind` ("memory" or "message") with any word of `query`, best first.

    The number beside each id is its bm25: negative, the lower the better. Words that very many rows have only count
    in rows with a rarer word, and of too many rows the newest are ranked: bm25 of each takes 2 microseconds.
    """
    asked = words(query)[:MOST_WORDS]
    if not asked or k < 1:
        return []
    most = max(MOST_HITS, 8 * k)
    rare, common, is_cut = _by_rarity(_counts(db, kind, asked, most), most)
    found: dict[int, float] = {}
    if common:
        found |= _scored(db, kind, f"({_any_of(rare)}) AND ({_any_of(common)})", most)
    if len(found) < k or not is_cut:
        found = dict(_scored(db, kind, _any_of(rare), most)) | found
    return sorted(found.items(), key=lambda one: (one[1], one[0]))[:k]


def hits_by_word(db: Connection, kind: str, query: str) -> list[WordHits]:
    """
    What has each word of `query` itself, word by word; words that nothing has are left out.

    Of a word that very many have, those are given that have a rarer word too, or the newest.
    """
    counts = _counts(db, kind, list(dict.fromkeys(words(query)))[:MOST_WORDS], MOST_HITS)
    rare, common, _ = _by_rarity(counts, MOST_HITS)
    sql = f"select rowid from {TABLES[kind]} where {TABLES[kind]} match ? order by rowid desc limit ?"
    total = db.execute(f"select max(rowid) from {TABLES[kind]}").get or 0
    found = []
    for word in (*rare, *common):
        n = counts[word]
        match = _any_of([word])
        match = f"({match}) AND ({_any_of(rare)})" if word in common else match
        ids = frozenset(id for (id,) in rows(db, sql, (match, MOST_HITS))) if n else frozenset()
        if ids:
            rarity = math.log1p((max(total, n) - n + 0.5) / (n + 0.5))
            found.append(WordHits(rarity=rarity, ids=ids))
    return found


def put_memory(db: Connection, id: int, text: str) -> None:
    """Index one memory; call it inside the transaction that stores it."""
    db.execute("insert into memory_words (rowid, text) values (?, ?)", (id, base_forms(text)))


def drop_memories(db: Connection, ids: Sequence[int]) -> None:
    """Take memories out of the index."""
    db.executemany("delete from memory_words where rowid = ?", [(id,) for id in ids])


def refresh_messages(db: Connection, ids: Iterable[int]) -> None:
    """
    Index these messages as they stand in `messages` now, or take them out.

    Call it inside the transaction that changed them.
    """
    given = (id_list(ids),)
    db.execute(f"delete from message_words where rowid {_IN}", given)
    db.execute(
        f"""insert into message_words (rowid, text) select id, base_forms(text) from messages
        where role in {SEARCHED_ROLES} and not redacted and id {_IN}""",
        given,
    )


def _counts(db: Connection, kind: str, asked: Sequence[str], most: int) -> dict[str, int]:
    """How many rows have each word, counted up to one more than `most`."""
    sql = f"select count(*) from (select 1 from {TABLES[kind]} where {TABLES[kind]} match ? limit ?)"
    return {word: rows(db, sql, (_any_of([word]), most + 1))[0][0] for word in asked}


def _by_rarity(hits: Mapping[str, int], most: int) -> tuple[list[str], list[str], bool]:
    """
    The rarest words, as many as have `most` hits together, and the others.

    True: even the rarest one has more; it is given all the same.
    """
    by_rarity = sorted((word for word in hits if hits[word]), key=lambda word: hits[word]) or list(hits)
    totals = accumulate(hits[word] for word in by_rarity)
    fitting = sum(total <= most for total in totals)
    return by_rarity[: fitting or 1], by_rarity[fitting or 1 :], not fitting


def _scored(db: Connection, kind: str, match: str, most: int) -> list[tuple[int, float]]:
    """What matches with its bm25, the newest `most`."""
    table = TABLES[kind]
    sql = f"""select rowid, bm25({table}) from {table} where {table} match ?
        order by rowid desc limit ?"""
    return rows(db, sql, (match, most))


def _any_of(asked: Iterable[str]) -> str:
    return " OR ".join(f'"{word}" *' if is_letter(word) else f'"{word}"' for word in asked)
