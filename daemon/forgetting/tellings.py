"""
Tellings: what else tells a fact that is to be forgotten, in its words or in others.

    the facts ── their words (full text), their meaning (vectors) ──> messages and memories that may tell them
              `── sentence by sentence, in the third person: names, words, cosine ──> certain, likely, or neither

Read or unread, the user's or an answer, of a chat or an import: all that is stored. Certain is a sentence that says
nothing else than the fact; likely is decided by a person. It looks in slices: the calls of others go between them.
"""

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from daemon.core import Core
from daemon.embedding.choices import Limits
from daemon.memory.checks import same_time
from daemon.memory.forgotten import Vectors, reads, vectors_or_none
from daemon.memory.phrasing import statements
from daemon.memory.ranking import nearest_memories
from daemon.text import content_words, normalised, value_words
from store import chats, full_text, imports, memories, memory_queries, message_queries, vectors
from store.database import Connection
from store.errors import NoEmbedder, WrongVectors
from store.forgotten_facts import BY_WORDS

POOL = 200  # messages that each index offers for a fact
MOST_SENTENCES = 500  # that are embedded; of the rest words must do
SAME = 0.85  # cosine from which a sentence without a word more says the same
TEXT = 300  # characters of a message that are shown
LOOKED_AT = 200  # rows at once whose words are compared; some milliseconds
LOOKED_THROUGH = 2000  # messages of which few are compared

How = Literal["certain", "likely"]
Vector = npt.NDArray[np.float32]
T = TypeVar("T")
Slices = Generator[None, None, T]  # work that lets others through


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A memory or a message that tells it."""

    kind: Literal["memory", "message"]
    id: int
    text: str
    role: str  # of a message: who wrote it; of a memory ""
    day: date  # when it was said
    certain: bool
    taken: bool  # it goes
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A memory or a message that may tell a fact."""

    kind: Literal["memory", "message"]
    id: int
    text: str
    role: str
    day: date

    @property
    def sentences(self) -> list[str]:
        """What it says, as memories are worded."""
        return [self.text] if self.kind == "memory" else statements(self.text, role=self.role)


async def look(
    core: Core, texts: Sequence[str], *, gone: Collection[int], redacted: Collection[int]
) -> list[tuple[Candidate, How]]:
    """
    What tells one of the facts `texts`, certain ones first.

    Args:
        gone, redacted: ids of memories and of messages that go anyway.
    """
    of_facts = await vectors_or_none(core.embedder, texts)
    run = core.store_thread.run_in_slices
    found = await run(_candidates, texts, of_facts, set(gone), set(redacted))
    each = [one.sentences for one in found]
    said = [sentence for sentences in each for sentence in sentences]
    made = None if of_facts is None else await vectors_or_none(core.embedder, said[:MOST_SENTENCES])
    name = (await core.embedder.info()).id if of_facts is not None else ""
    judge = _Judge(texts, of_facts, core.embedder.limits, name)
    place, judged = 0, list[tuple[Candidate, How]]()
    for one, sentences in zip(found, each, strict=True):
        count = len(sentences)
        own = None if made is None or place + count > len(made) else made[place : place + count]
        how = judge.of(one.text, sentences, own)
        place += count
        if how is not None:
            judged.append((one, how))
    return sorted(judged, key=lambda pair: (pair[1] != "certain", pair[0].kind, pair[0].id))


class _Judge:
    """Which of the facts a candidate tells, if any."""

    def __init__(self, texts: Sequence[str], of_facts: Vectors | None, limits: Limits, embedder: str) -> None:
        self._facts = [(text, value_words(text), set(content_words(text))) for text in texts]
        self._vectors = of_facts
        self._limits = limits
        self._embedder = embedder

    def of(self, whole: str, sentences: Sequence[str], vectors: Vectors | None) -> How | None:
        """How a text with these sentences tells a fact; `vectors`: of the sentences, None: words must do."""
        every = set(content_words(whole))
        found: set[How] = set()
        for place, (text, names, words) in enumerate(self._facts):
            if not words or not names <= every:
                continue
            cosines = None if vectors is None or self._vectors is None else vectors @ self._vectors[place]
            for at, sentence in enumerate(sentences):
                is_read = reads(self._embedder, sentence) and reads(self._embedder, text)
                cosine = float(cosines[at]) if cosines is not None and is_read else None
                if _is_same(text, names, words, sentence, cosine):
                    found.add("certain")
                elif self._may_be(names, words, every, sentence, cosine):
                    found.add("likely")
        return "certain" if "certain" in found else "likely" if found else None

    def _may_be(
        self, names: set[str], words: set[str], every: set[str], sentence: str, cosine: float | None
    ) -> bool:
        if cosine is None:
            return bool(names) or len(words & every) >= BY_WORDS * len(words)
        share = len(words & set(content_words(sentence))) / len(words)
        limits = self._limits
        needed = limits.tells_with_names if names or share >= BY_WORDS else limits.tells
        return cosine >= needed


def _is_same(text: str, names: set[str], words: set[str], sentence: str, cosine: float | None) -> bool:
    """Whether a sentence says the fact and nothing else."""
    if normalised(sentence) == normalised(text):
        return True
    own = set(content_words(sentence))
    if not same_time(sentence, text) or ("not" in own) != ("not" in words):
        return False
    is_alike = cosine is None or cosine >= SAME
    return (
        not sentence.endswith(("?", "？", "؟"))
        and bool(names or own == words)
        and names <= own <= words
        and is_alike
    )


def _candidates(
    db: Connection, texts: Sequence[str], of_facts: Vectors | None, gone: set[int], redacted: set[int]
) -> Slices[list[Candidate]]:
    held: dict[int, memories.Memory] = {}
    messages: dict[int, None] = {}
    for place, text in enumerate(texts):
        vector = None if of_facts is None else of_facts[place]
        held |= {one.id: one for one in _near(db, text, vector)}
        yield
        for words in {" ".join(content_words(text)), " ".join(sorted(value_words(text)))}:
            messages |= dict.fromkeys(id for id, _ in full_text.search(db, "message", words, POOL))
            yield
        messages |= dict.fromkeys(_near_messages(db, vector))
        yield
    wanted = [set(content_words(text)) for text in texts]
    held |= yield from _past(db, wanted)
    beside = yield from _of_clients(db, wanted, redacted)
    # In one slice, so that nothing is forgotten between the question which are there and what they say.
    kept = message_queries.not_forgotten(db, (messages.keys() | beside) - redacted)
    return [
        *(
            Candidate(kind="memory", id=one.id, text=one.text, role="", day=one.told_on)
            for one in held.values()
            if one.id not in gone
        ),
        *(message(chats.get(db, id)) for id in sorted(kept)),
    ]


def _past(db: Connection, wanted: Sequence[set[str]]) -> Slices[dict[int, memories.Memory]]:
    """What held once and shares the words of a fact."""
    found: dict[int, memories.Memory] = {}
    last = 0
    while some := memory_queries.past(db, after=last, most=LOOKED_AT):
        found |= {one.id: one for one in some if any(_shares(one.text, words) for words in wanted)}
        last = some[-1].id
        yield
    return found


def _near(db: Connection, text: str, vector: Vector | None) -> list[memory_queries.Memory]:
    try:
        return [one.memory for one in nearest_memories(db, text, vector)]
    except (NoEmbedder, WrongVectors):  # the store has none, or of another embedder: words must do
        return [one.memory for one in nearest_memories(db, text, None)]


def _near_messages(db: Connection, vector: Vector | None) -> list[int]:
    if vector is None:
        return []
    try:
        return [id for id, _ in vectors.nearest(db, "message", vector, POOL)]
    except (NoEmbedder, WrongVectors):
        return []


def _of_clients(db: Connection, wanted: Sequence[set[str]], redacted: Collection[int]) -> Slices[set[int]]:
    """What programs wrote beside a chat and shares the words: system turns and the like, which no index has."""
    found: set[int] = set()
    newest = imports.newest_message(db)
    for first in range(1, newest + 1, LOOKED_THROUGH):
        found |= {
            id
            for id, text in message_queries.not_spoken(db, first, first + LOOKED_THROUGH - 1)
            if id not in redacted and any(_shares(text, words) for words in wanted)
        }
        yield
    return found


def message(one: chats.Message) -> Candidate:
    """A message that may tell it."""
    return Candidate(kind="message", id=one.id, text=one.text, role=one.role, day=one.said_at.date())


def _shares(text: str, words: set[str]) -> bool:
    return bool(words) and len(words & set(content_words(text))) >= BY_WORDS * len(words)
