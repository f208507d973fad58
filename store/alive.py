"""
Whether the store still answers.
"""

from store.database import Connection, guarded


def answers(db: Connection) -> int:
    """A question that only an open, readable store can answer: its schema version."""
    with guarded(db):
        return int(db.pragma("user_version"))
