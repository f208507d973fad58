"""
Partly: the parts of chats that an observer could not read, or not all of them.

Promises: nothing is written; what was forgotten does not count. Knows nothing of observers: a mark is a word.
"""

import apsw

from store.database import rows


def count(db: apsw.Connection, mark: str) -> int:
    """How many parts, each of one chat and one day (UTC), carry this mark."""
    sql = """select count(*) from (select distinct chat_id, substr(said_at, 1, 10) from messages
        where observed_by = ? and not redacted)"""
    return int(rows(db, sql, (mark,))[0][0])
