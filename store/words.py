"""
Full-text search over memories that hold and messages (FTS5, porter stems, accents folded).

Promises: any text of a user is a safe query. The rows are kept in step by the writers: `chats.py`,
`memories.py`, `forgetting.py`.
Knows nothing of vectors or of how the two are fused.
"""

import re

import apsw

from store.database import rows

TABLES = {"memory": "memory_words", "message": "message_words"}
SEARCHED_ROLES = ("user", "assistant")  # what a client puts into system turns is not the user's word
MOST_WORDS = 64  # of a query; a pasted page would make every row a hit


def search(db: apsw.Connection, kind: str, query: str, k: int) -> list[tuple[int, float]]:
    """
    Up to `k` ids of `kind` ("memory" or "message") with any word of `query`, best first.

    The number beside each id is its bm25: negative, the lower the better.
    """
    words = list(dict.fromkeys(re.findall(r"\w+", query.lower())))[:MOST_WORDS]
    if not words or k < 1:
        return []
    table = TABLES[kind]
    sql = f"select rowid, rank from {table} where {table} match ? order by rank, rowid limit ?"
    return [(id, score) for id, score in rows(db, sql, (" OR ".join(f'"{word}"' for word in words), k))]


def put(db: apsw.Connection, kind: str, id: int, text: str) -> None:
    """Index one text; call it inside the transaction that stores the text."""
    db.execute(f"insert into {TABLES[kind]} (rowid, text) values (?, ?)", (id, text))


def drop(db: apsw.Connection, kind: str, ids: list[int]) -> None:
    """Take texts out of the index; their traces stay in it until `scrub`."""
    db.executemany(f"delete from {TABLES[kind]} where rowid = ?", [(id,) for id in ids])


def scrub(db: apsw.Connection) -> None:
    """Build both indexes anew, so that no deleted word is left inside."""
    for table in TABLES.values():
        db.execute(f"insert into {table} ({table}) values ('rebuild')")
