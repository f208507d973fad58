"""
Users: whom clients name in their requests. A home is one person: the first that a kind of name tells, and who is set.

    header  "a1b2"  ── first of its kind: the person of this home
    header  "c3d4"  ── another one: answered, never learned from, told once (`notices.py`)

Who has a profile (`daemon/profiles/`) is not asked about here: those requests go to a home of their own.
"""

from datetime import datetime

from store import notices
from store.database import Connection, rows, stamp, writing
from store.text import one_line

LONGEST_NAME = 100  # characters
MOST = 1_000  # other users that are noted


def is_home(
    db: Connection,
    kind: str,
    name: str,
    *,
    also: frozenset[str],
    elsewhere: frozenset[str] = frozenset(),
    at: datetime,
) -> bool:
    """
    Whether this is the person of this home; another one is noted, and told once.

    Args:
        kind: where the client names its user: "header", "user" or "metadata".
        also: names that are set to be this person's.
        elsewhere: names of those who have a profile; that one of them came first here counts no more.
        at: now.
    """
    name = one_line(name)[:LONGEST_NAME]
    if name in elsewhere:
        return False
    found = rows(db, "select name, is_home from users where kind = ?", (kind,))
    known = {name: is_home for name, is_home in found if name not in elsewhere}
    home = name in also or bool(known.get(name, not known))
    if name not in known and len(known) < MOST:
        with writing(db):
            db.execute("insert into users values (?, ?, ?, ?)", (kind, name, int(home), stamp(at)))
            if not home:
                notices.put(db, "user", {"name": name})
    return home
