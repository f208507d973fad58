"""
Recall: the held memories that bear on a question, as the system turn that is laid beside it.

Promises: small talk and questions about the world get no memories; superseded memories speak only through
the narrative of what replaced them; nothing here writes but `index_missing`. Knows nothing of the model
that answers.
"""

import re
from dataclasses import dataclass
from typing import Any

from daemon.embedder import Embedder
from daemon.keeper import Keeper
from daemon.memory.rank import Ranked, nearest_held
from prompts.load import load
from store import chats, memories, vectors
from store.errors import NoEmbedder
from store.memories import Memory

# all-MiniLM-L6-v2, personal questions put in the third person: related memories measured 0.30-0.86,
# the nearest memory to small talk 0.07-0.22 (12 memories, 31 questions, November 2026).
BEARS_ON = 0.25  # cosine from which a memory bears on a question by meaning alone
BEARS_ON_WITH_WORDS = 0.15  # ... when the two also have a content word in common
FLAT = 0.25  # scores nearer than this to the k-th are as good as the k-th
EMBEDDED = 10_000  # characters of a text that go to the embedder, which reads its first few hundred tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What is laid beside the last user message."""

    memories: tuple[Memory, ...]
    lines: tuple[str, ...]  # one narrative per memory, oldest first
    system_text: str | None  # the whole system turn; None when no memory bears on the question


async def recall(keep: Keeper, embedder: Embedder, question: str, *, k: int = 3, max_k: int = 10) -> Recalled:
    """
    The memories that bear on `question`: `k`, and up to `max_k` (or `k`) while the scores stay flat.

    Source: TSUBASA, arXiv 2604.07894: k = 3, and k = 10 for hard questions.
    """
    asked = in_third_person(question[-2000:])  # the end of a long message is the question
    if not asked.strip() or k < 1:
        return Recalled(memories=(), lines=(), system_text=None)
    (vector,) = await embedder.embed([asked])
    try:
        ranked = await keep.run(nearest_held, asked, vector)
    except NoEmbedder:  # the first question ever
        await index_missing(keep, embedder)
        ranked = await keep.run(nearest_held, asked, vector)
    bearing = [
        one
        for one in ranked
        if one.cosine >= (BEARS_ON_WITH_WORDS if one.shares_words else BEARS_ON)
        or (one.shares_words and not one.has_vector)  # while a re-index is under way, words must do
    ]
    chosen = sorted(_adaptive(bearing, k, max(k, max_k)), key=lambda memory: (memory.valid_from, memory.id))
    lines = await keep.run(narratives, chosen)
    return Recalled(memories=tuple(chosen), lines=tuple(lines), system_text=system_text(lines))


def system_text(lines: list[str]) -> str | None:
    """The system turn that tells the model `lines`; None for no lines: no turn at all."""
    return "\n- ".join([load("recall"), *lines]) if lines else None


def narratives(db: Any, held: list[Memory]) -> list[str]:
    """The line of each memory, in the same order; runs in the keeper's thread."""
    return [memories.narrative(db, memory) for memory in held]


def in_third_person(question: str) -> str:
    """
    `question` as memories are worded: "what's my dog's name" -> "what's the user's dog's name".

    It more than doubles the distance between related and unrelated memories for MiniLM. "I'm" stays: it begins
    remarks ("I'm tired"), seldom questions.
    """
    asked = re.sub(r"\b(my|mine)\b", "the user's", question, flags=re.IGNORECASE)
    return re.sub(r"\bI\b(?!['’]m)(['’](ve|d|ll)\b)?", "the user", asked, flags=re.IGNORECASE)


async def index_missing(keep: Keeper, embedder: Embedder, *, batch: int = 64) -> int:
    """
    Give every memory and message that lacks one its vector; returns how many were made.

    The vectors of a re-index serve as soon as none is missing.
    """
    info = await embedder.info()
    await keep.run(vectors.prepare, info.id, info.dimension)
    made = 0
    for kind, texts_of in (("memory", _memory_texts), ("message", _message_texts)):
        missing = await keep.run(vectors.missing, kind)
        for start in range(0, len(missing), batch):
            ids = missing[start : start + batch]
            embedded = await embedder.embed(await keep.run(texts_of, ids))
            await keep.run(vectors.put, kind, ids, embedded)
            made += len(ids)
    await keep.run(vectors.switch)
    return made


def _memory_texts(db: Any, ids: list[int]) -> list[str]:
    return [memories.get(db, id).text[:EMBEDDED] for id in ids]


def _message_texts(db: Any, ids: list[int]) -> list[str]:
    found = [chats.get(db, id) for id in ids]
    return [(f"{one.speaker}: {one.text}" if one.speaker else one.text)[:EMBEDDED] for one in found]


def _adaptive(ranked: list[Ranked], k: int, max_k: int) -> list[Memory]:
    if len(ranked) <= k:
        return [one.memory for one in ranked]
    line = ranked[k - 1].score - FLAT
    return [one.memory for place, one in enumerate(ranked[:max_k]) if place < k or one.score >= line]
