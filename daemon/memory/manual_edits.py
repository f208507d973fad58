"""
What a user changes by hand: add a memory, put one in other words, or say of which kind it is.

Every change is an operation with an event, like those of the model, and can be undone. Runs in the store's thread;
vectors are made afterwards (`index_missing`). Apart from `evolve.py`, for no model has a part in it.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from daemon.memory.errors import HeldAlready, NothingSaid, TooManyAdded
from daemon.text import normalised
from store import full_text, memories, notices, programs
from store.database import Connection, writing
from store.memories import Memory
from store.text import one_line

PER_HOUR, TOGETHER = 20, 60  # memories that one program, and all together, may add in an hour
LONGEST_NAME = 80  # characters of a program's name
LOOKED_AT = 50  # memories with most of the same words; the same sentence is among them


def add(
    db: Connection,
    text: str,
    *,
    today: date,
    since: date | None = None,
    by: Literal["user", "assistant"] = "user",
    program: str = "",
    kind: str = "fact",
) -> Memory:
    """
    Hold a statement, true since `since` (None: today): the user's own, or what an assistant says of the user.

    Args:
        program: which one the assistant is, as it calls itself.
        kind: of the user's own statement; an assistant's is a fact, whatever it wants done.

    Raises:
        TooManyAdded: the program, or all together, have added as many in an hour as they may; that is told.
        NothingSaid: there is no word in it.
        HeldAlready: a memory that holds says the same.
    """
    line, now = _sentence(db, text), datetime.now(UTC)
    if by == "user":
        return memories.add(db, line, told_on=today, valid_from=since, sources=[], trust=by, kind=kind)
    name = one_line(program)[:LONGEST_NAME] or "An assistant"
    _check_limits(db, name, now)
    with writing(db):
        made = memories.add(db, line, told_on=today, valid_from=since, sources=[], trust=by)
        programs.note(db, made.id, name, at=now)
    return made


def edit(
    db: Connection,
    memory_id: int,
    text: str | None,
    *,
    today: date,
    kind: str | None = None,
    sources: Sequence[int] = (),
) -> Memory:
    """
    Put a memory in the user's own words, or make it one of another kind: an UPDATE.

    Args:
        text, kind: None leaves it as it is.
        sources: messages in which the user asked for it.

    Raises:
        NoSuchMemory, NotHeld: there is none, or it holds no more.
        NothingSaid, HeldAlready: as `add`; another spelling of the same memory is welcome.
    """
    old = memories.get(db, memory_id)
    line = _sentence(db, old.text if text is None else text, instead_of=old, kind=kind or old.kind)
    return memories.update(db, old, line, told_on=today, sources=sources, trust="user", kind=kind)


def _check_limits(db: Connection, program: str, now: datetime) -> None:
    for name, limit in ((program, PER_HOUR), (None, TOGETHER)):
        if programs.added_since(db, now - timedelta(hours=1), program=name) >= limit:
            notices.put(db, "flood", {"program": program, "limit": limit})
            raise TooManyAdded(program, limit, together=name is None)


def _sentence(db: Connection, text: str, *, instead_of: Memory | None = None, kind: str = "") -> str:
    """`text` in one line, for it will stand in a list; refused when it says nothing new."""
    line, said = one_line(text), normalised(text)
    if not said:
        raise NothingSaid()
    for found in memories.several(db, [id for id, _ in full_text.search(db, "memory", line, LOOKED_AT)]):
        changes = (
            instead_of is not None and found.id == instead_of.id and (found.text, found.kind) != (line, kind)
        )
        if not changes and normalised(found.text) == said:
            raise HeldAlready(found.id)
    return line
