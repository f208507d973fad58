"""What the tests of the store share: a key, a clock, short ways to make messages, memories, lessons and vectors."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import numpy.typing as npt
import pytest

from store import chats, full_text, generations, memories, vectors
from store.chats import Message, NewMessage
from store.database import open_store
from store.errors import StoreUnusable
from store.generations import Generation
from store.lessons import NewLesson
from store.memories import Memory

KEY = bytes(range(32))
NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
DAY = date(2026, 3, 5)
DIMENSION = 8
BASE = "b" * 64
TOWN = "Quizzenbrook"  # found nowhere by chance
GHENT, OSLO = "The user lives in Ghent.", "The user lives in Oslo."


def later(**how_much: float) -> datetime:
    return NOON + timedelta(**how_much)


def history(*texts: str) -> list[NewMessage]:
    """Turns of user and assistant, the user first."""
    return [NewMessage(role=("user", "assistant")[place % 2], text=text) for place, text in enumerate(texts)]


def say(db: apsw.Connection, text: str, answer: str | None = None, *, at: datetime = NOON) -> Message:
    """A chat that starts with `text`; the message of the user."""
    message = chats.record(db, history(text), at=at)[-1]
    if answer is not None:
        chats.reply(db, message, answer, at=at, model="nano")
    return message


def remember(db: apsw.Connection, text: str, *sources: Message, **more: Any) -> Memory:
    """A memory that these messages told."""
    return memories.add(db, text, **{"told_on": DAY, "sources": [one.id for one in sources], **more})


def lesson(*memory_ids: int, **fields: Any) -> NewLesson:
    usual = {"question": "?", "answer": "!", "grounding": None, "kind": "fact", "split": "train"}
    return NewLesson(**{**usual, **fields}, memory_ids=memory_ids)


def candidate(db: apsw.Connection, *lesson_ids: int, **more: Any) -> Generation:
    """A generation that learned these lessons and was not judged yet."""
    return generations.propose(db, b"GGUF", **{"base_sha256": BASE, "lesson_ids": lesson_ids, **more})


def adopted(db: apsw.Connection, *lesson_ids: int, **more: Any) -> Generation:
    return generations.adopt(db, candidate(db, *lesson_ids, **more).id, {"score": 1.0}, "better")


def texts(found: Sequence[Memory | Message]) -> list[str]:
    return [one.text for one in found]


def ids(found: Sequence[Memory | Message]) -> list[int]:
    return [one.id for one in found]


def by_words(db: apsw.Connection, kind: str, query: str, k: int = 9) -> list[int]:
    return [id for id, _ in full_text.search(db, kind, query, k)]


def by_meaning(db: apsw.Connection, kind: str, wanted: npt.NDArray[np.float32], k: int = 9) -> list[int]:
    return [id for id, _ in vectors.nearest(db, kind, wanted, k)]


def vector(*numbers: float) -> npt.NDArray[np.float32]:
    """A unit vector of `DIMENSION` numbers that begins with these."""
    made = np.zeros(DIMENSION, dtype=np.float32)
    made[: len(numbers)] = numbers
    return made / np.float32(np.linalg.norm(made))


def embed(db: apsw.Connection, kind: str, ids: Sequence[int], *made: npt.NDArray[np.float32]) -> None:
    vectors.prepare(db, "test-embedder", DIMENSION)
    vectors.put(db, kind, ids, np.stack(made))


def everything(db: apsw.Connection) -> str:
    """Every value of every table, shadow tables of the indexes too, and the decrypted pages of the file."""
    tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
    values = [repr(row) for table in tables for row in db.execute(f"select * from {table}")]
    return "\n".join(values) + db.serialize("main").decode("latin-1")


def assert_gone(db: apsw.Connection, word: str = TOWN) -> None:
    """Neither the word nor its stem is anywhere in the store."""
    assert word.lower() not in everything(db).lower()


class _UndoneError(Exception):
    pass


@contextmanager
def undone(db: apsw.Connection) -> Iterator[None]:
    """Undo everything that is written inside the block."""
    try:
        with db:
            yield
            raise _UndoneError
    except _UndoneError:
        pass


def closed_store(file: Path) -> Path:
    """A store with one message, closed."""
    db = open_store(file, KEY)
    say(db, "I live in Ghent")
    db.close()
    return file


@contextmanager
def unusable(problem: str, match: str | None = None) -> Iterator[pytest.ExceptionInfo[StoreUnusable]]:
    """The block can't use the store or its key, because of this problem."""
    with pytest.raises(StoreUnusable, match=match) as caught:
        yield caught

    assert problem == caught.value.problem


def refused(file: Path, key: bytes = KEY) -> str:
    """The problem with opening `file`, which leaves the folder as it was."""
    before = everything_in(file.parent)
    with pytest.raises(StoreUnusable) as caught:
        open_store(file, key)

    assert everything_in(file.parent) == before
    message = str(caught.value)
    assert "\n" not in message
    assert str(file) in message
    return caught.value.problem


def everything_in(folder: Path) -> dict[str, bytes]:
    """Names and bytes; SQLite's shared-memory index (-shm) is no data and is made anew at each opening."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith("-shm")}
