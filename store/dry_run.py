"""
A dry run: do a piece of work on the store, see what it would do, and undo it.

Promises: whatever the work writes, the file is as it was when this returns or raises.
"""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from store.database import Connection, writing

P = ParamSpec("P")
T = TypeVar("T")


class _Enough(Exception):
    """Ends the transaction without its commit."""


def dry_run(
    db: Connection,
    work: Callable[Concatenate[Connection, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """What `work(db, *args, **kwargs)` returns; nothing of what it wrote is kept."""
    found: list[T] = []
    try:
        with writing(db):
            found.append(work(db, *args, **kwargs))
            raise _Enough
    except _Enough:
        return found[0]
