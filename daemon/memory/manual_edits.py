"""
What a user changes by hand: add a memory, or put one in other words.

Every change is an operation with an event, like those of the model, and can be undone. Runs in the store's thread;
vectors are made afterwards (`index_missing`). Apart from `evolve.py`, for no model has a part in it.
"""

from datetime import date
from typing import Literal

from daemon.memory.errors import HeldAlready, NothingSaid
from daemon.text import normalised
from store import full_text, memories
from store.database import Connection
from store.memories import Memory
from store.text import one_line

LOOKED_AT = 50  # memories with most of the same words; the same sentence is among them


def add(
    db: Connection,
    text: str,
    *,
    today: date,
    since: date | None = None,
    by: Literal["user", "assistant"] = "user",
) -> Memory:
    """
    Hold a statement, true since `since` (None: today): the user's own, or what an assistant says of the user.

    Raises:
        NothingSaid: there is no word in it.
        HeldAlready: a memory that holds says the same.
    """
    return memories.add(db, _sentence(db, text), told_on=today, valid_from=since, sources=[], trust=by)


def edit(db: Connection, memory_id: int, text: str, *, today: date) -> Memory:
    """
    Put a memory in the user's own words: an UPDATE without a source.

    Raises:
        NoSuchMemory, NotHeld: there is none, or it holds no more.
        NothingSaid, HeldAlready: as `add`; another spelling of the same memory is welcome.
    """
    old = memories.get(db, memory_id)
    text = _sentence(db, text, instead_of=old)
    return memories.update(db, old, text, told_on=today, sources=[], trust="user")


def _sentence(db: Connection, text: str, *, instead_of: Memory | None = None) -> str:
    """`text` in one line, for it will stand in a list; refused when it says nothing new."""
    line, said = one_line(text), normalised(text)
    if not said:
        raise NothingSaid()
    for found in memories.several(db, [id for id, _ in full_text.search(db, "memory", line, LOOKED_AT)]):
        changes = instead_of is not None and found.id == instead_of.id and found.text != line
        if not changes and normalised(found.text) == said:
            raise HeldAlready(found.id)
    return line
