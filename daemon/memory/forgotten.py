"""
What was forgotten is not learned again, nor quoted, from what stays: rules over the marks of `forgotten_facts.py`.

    a sentence ── its names, its words, its vector ──> the marks ──> the same fact? ──> was it said before? ──> left out

A fact with names or numbers is told only where all of them are; beyond that the cosine decides, in whatever words.
Where no vector can be compared (none could be made, or another embedder made it), words must do. What the user says
anew may be learned anew; what they add by hand lifts the mark.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from daemon.embedding.choices import Limits, choice
from daemon.embedding.client import Embedder
from daemon.memory.phrasing import statements
from daemon.processes.errors import ChildError
from daemon.store_thread import StoreThread
from daemon.text import content_words, in_english, value_words
from store import forgotten_facts
from store.chats import Message
from store.database import Connection
from store.forgotten_facts import Match, NewFact

Vectors = npt.NDArray[np.float32]


async def marks_of(embedder: Embedder, texts: Sequence[str], *, at_once: bool = False) -> list[NewFact]:
    """
    What is kept of each of these statements when it is forgotten; by words alone where none can be embedded.

    Args:
        at_once: as for `vectors_or_none`.
    """
    vectors = await vectors_or_none(embedder, texts, at_once=at_once)
    name = (await embedder.info()).id if vectors is not None else ""
    return [
        as_fact(text, None if vectors is None else vectors[place], name) for place, text in enumerate(texts)
    ]


async def vectors_or_none(
    embedder: Embedder, texts: Sequence[str], *, at_once: bool = False
) -> Vectors | None:
    """
    The vectors of these texts, (N, D); None where there are no texts, or the embedder can't work.

    Args:
        at_once: nor while it starts for the first time.
    """
    if not texts or (at_once and embedder.made is None):
        return None
    try:
        return await embedder.embed(texts)
    except ChildError:
        return None


def as_fact(text: str, vector: npt.NDArray[np.float32] | None, embedder: str) -> NewFact:
    """A statement as marks are made of it, and compared with them; in a language that the embedder can't, by words."""
    if not reads(embedder, text):
        vector = None
    return NewFact(names=value_words(text), words=set(content_words(text)), vector=vector, embedder=embedder)


def reads(embedder: str, text: str) -> bool:
    """Whether the vectors of this embedder say what `text` means: some know English only."""
    return choice(embedder).neutral or in_english(text)


def is_kept_out(db: Connection, statement: NewFact, sources: Sequence[int], limits: Limits) -> bool:
    """Whether `statement` tells what was forgotten, and all its `sources` (messages) were said before that."""
    return any(
        tells(match, limits) and forgotten_facts.told_before(db, sources, match.at)
        for match in forgotten_facts.compare(db, statement)
    )


def tells(match: Match, limits: Limits) -> bool:
    """Whether a statement tells the forgotten fact."""
    if match.lacks_names:
        return False
    if match.cosine is None:
        return match.by_words
    return match.cosine >= (limits.tells_with_names if match.has_names else limits.tells)


async def quoting_forgotten(
    store_thread: StoreThread, embedder: Embedder, messages: Sequence[Message], *, at_once: bool = False
) -> set[int]:
    """The ids of those of these messages that tell what was forgotten after they were said."""
    if not messages or not await store_thread.run(forgotten_facts.any_kept):
        return set()
    said = [(one.id, text) for one in messages for text in statements(one.text, role=one.role)]
    facts = await marks_of(embedder, [text for _, text in said], at_once=at_once)

    def kept_out(db: Connection) -> set[int]:
        pairs = zip(said, facts, strict=True)
        return {id for (id, _), fact in pairs if is_kept_out(db, fact, [id], embedder.limits)}

    return await store_thread.run(kept_out)


async def lift(store_thread: StoreThread, embedder: Embedder, text: str) -> int:
    """Lift the marks of what `text` tells, for the user has added it by hand; how many there were."""

    def work(db: Connection, fact: NewFact) -> int:
        found = [one.id for one in forgotten_facts.compare(db, fact) if tells(one, embedder.limits)]
        forgotten_facts.lift(db, found)
        return len(found)

    if not await store_thread.run(forgotten_facts.any_kept):
        return 0
    (fact,) = await marks_of(embedder, [text])
    return await store_thread.run(work, fact)


async def is_forgotten(store_thread: StoreThread, embedder: Embedder, text: str) -> bool:
    """Whether `text` tells what was forgotten."""

    def work(db: Connection, fact: NewFact) -> bool:
        return any(tells(one, embedder.limits) for one in forgotten_facts.compare(db, fact))

    if not await store_thread.run(forgotten_facts.any_kept):
        return False
    (fact,) = await marks_of(embedder, [text])
    return await store_thread.run(work, fact)
