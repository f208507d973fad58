"""
Whether the store still answers.
"""

import apsw

from store.database import guarded


def answers(db: apsw.Connection) -> int:
    """A question that only an open, readable store can answer: its schema version."""
    with guarded(db):
        return int(db.pragma("user_version"))
