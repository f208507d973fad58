"""
Partly: the parts of chats that an observer could not read, or not all of them.

Promises: nothing is written; what was forgotten does not count. Knows nothing of observers: a mark is a word.
"""

from collections import Counter

from store.database import Connection, rows


def counted(db: Connection) -> Counter[str]:
    """How many parts, each of one chat and one day (UTC), carry each mark."""
    sql = """select observed_by, count(distinct chat_id || ' ' || substr(said_at, 1, 10)) from messages
        where observed_by is not null and not redacted group by observed_by"""
    return Counter(dict(rows(db, sql)))
