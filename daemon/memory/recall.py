"""
Recall: the held memories that bear on a question, and messages that no memory tells, as the system turn that is
laid beside it.

    question ──> nearest memories ──> bear on it? ──> 3, up to 10 where it takes many or the scores are flat
             `──> nearest messages, in the places that memories leave empty

Promises: small talk and questions about the world get no memories; superseded memories speak only through
what replaced them, at length when the question is about the past; nothing here writes but `index_missing`.
Knows nothing of the model that answers.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from daemon.embedding.client import Embedder
from daemon.memory.grounding import system_text
from daemon.memory.indexing import index_missing
from daemon.memory.keywords import content_words, value_words
from daemon.memory.memory_ranking import Ranked, nearest_held
from daemon.memory.message_quotes import line, said
from daemon.memory.message_ranking import without_names
from daemon.memory.question_kind import asks_past, in_third_person, wants_many
from daemon.store_thread import StoreThread
from store import memories, memory_queries, message_queries
from store.chats import Message
from store.database import Connection
from store.errors import NoEmbedder, WrongVectors
from store.memories import Memory

# all-MiniLM-L6-v2, personal questions put in the third person: related memories measured 0.30-0.86,
# the nearest memory to small talk 0.07-0.22 (12 memories, 31 questions, November 2026).
BEARS_ON = 0.25  # cosine from which a memory bears on a question by meaning alone
BEARS_ON_WITH_WORDS = 0.15  # ... when the two also have a content word in common
FLAT = 0.25  # scores nearer than this to the k-th are as good as the k-th
PAST_LOOKED_AT = 200  # memories that hold no more, for a question about the past
PAST_TAKEN = 10  # of them, those that share most words with it
ASKED = 2000  # characters of a message that are taken for the question: its end

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What is laid beside the last user message."""

    memories: tuple[Memory, ...] = ()  # oldest first
    best_first: tuple[Memory, ...] = ()  # the same, by how well they bear on the question
    messages: tuple[Message, ...] = ()  # that no memory tells
    lines: tuple[str, ...] = ()  # one for each memory and message, and for what held before; oldest first
    system_text: str | None = None  # the whole system turn; None when nothing bears on the question


async def recall(
    store_thread: StoreThread,
    embedder: Embedder,
    question: str,
    *,
    k: int = 3,
    max_k: int = 10,
    present: Collection[str] = (),
    at_once: bool = False,
) -> Recalled:
    """
    What bears on `question`: `k` memories, and up to `max_k` (or `k`) while the scores stay flat or where it takes
    many; messages where memories are fewer than `k`.

    Args:
        present: texts of the chat in which it is asked.
        at_once: go by words alone where the embedder can't answer yet, instead of waiting for it.

    Source: TSUBASA, arXiv 2604.07894: k = 3, and k = 10 for hard questions.
    """
    question = question[-ASKED:]
    if not question.strip() or k < 1:
        return Recalled()
    asked = in_third_person(question)
    bare = without_names(question, await store_thread.run(message_queries.speakers))
    both = await (embedder.embed_at_once if at_once else embedder.embed)([asked, bare])
    try:
        return await store_thread.run(_recall, question, asked, both, k, max(k, max_k), present)
    except NoEmbedder:  # the first question ever
        if at_once:
            return await store_thread.run(_recall, question, asked, None, k, max(k, max_k), present)
        await index_missing(store_thread, embedder)
        return await store_thread.run(_recall, question, asked, both, k, max(k, max_k), present)
    except WrongVectors as error:  # the embedder's, not the store's: the job that indexes says what to do
        if not at_once:
            raise
        log.warning("Recall goes by words: %s", error)
        return await store_thread.run(_recall, question, asked, None, k, max(k, max_k), present)


def _recall(
    db: Connection,
    question: str,
    asked: str,
    both: npt.NDArray[np.float32] | None,
    k: int,
    max_k: int,
    present: Collection[str],
) -> Recalled:
    """
    `recall` in the store's thread; `both`: the vectors of the question as memories and as people word it, None to
    go by words alone.
    """
    as_memory, as_said = (None, None) if both is None else both
    bearing = [
        one
        for one in nearest_held(db, asked, as_memory)
        if one.cosine >= (BEARS_ON_WITH_WORDS if one.shares_words else BEARS_ON)
        or (one.shares_words and not one.has_vector)  # not embedded yet: words must do
    ]
    is_past = asks_past(question)
    width = max_k if wants_many(question) else _width(bearing, k, max_k)
    chosen = [one.memory for one in bearing[:width]]
    if is_past:
        chosen += [one for one in _once_held(db, question) if one not in chosen][: max_k - len(chosen)]
    found = said(db, question, as_said, k - len(chosen), present=present)
    lines = [
        *_memory_lines(db, chosen, is_past),
        *((one.said_at.date(), line(one, question)) for one in found),
    ]
    told = tuple(text for _, text in sorted(lines, key=lambda one: one[0]))
    return Recalled(
        memories=tuple(sorted(chosen, key=lambda one: (one.valid_from, one.id))),
        best_first=tuple(chosen),
        messages=tuple(found),
        lines=told,
        system_text=system_text(list(told)),
    )


def _width(bearing: list[Ranked], k: int, max_k: int) -> int:
    """How many are taken: `k`, and as many more as score about as well as the k-th."""
    if len(bearing) <= k:
        return len(bearing)
    floor = bearing[k - 1].score - FLAT
    return sum(place < k or one.score >= floor for place, one in enumerate(bearing[:max_k]))


def _memory_lines(db: Connection, chosen: list[Memory], is_past: bool) -> list[tuple[date, str]]:
    """The narratives with their days; of what changed more than once, all that held before, for a question about it."""
    lines = [(one.valid_from, memories.narrative(db, one)) for one in sorted(chosen, key=lambda one: one.id)]
    for memory in chosen if is_past else ():
        for old in memory_queries.before(db, memory)[:-1]:  # the latest is in the narrative
            lines.append((old.valid_from, f"{old.valid_from} to {old.valid_to}: {old.text}"))
    return lines


def _once_held(db: Connection, question: str) -> list[Memory]:
    """What holds now in the place of memories that the words of a question about the past lead to, best first."""
    asked = set(content_words(question))
    hits = memory_queries.replaced_with(db, sorted(asked), PAST_LOOKED_AT)
    hits = [old for old in hits if _leads_to(asked, old.text)]
    hits.sort(key=lambda old: -len(asked & set(content_words(old.text))))
    lines = (memory_queries.history(db, old.id) for old in hits[:PAST_TAKEN])
    now = [one for line in lines for one in line if one.state == "holds"]
    return list({one.id: one for one in now}.values())


def _leads_to(asked: set[str], text: str) -> bool:
    """Whether a question asks for a name that `text` has, or has half its words from there."""
    return (
        not asked.isdisjoint(value_words(text)) or 2 * len(asked & set(content_words(text))) >= len(asked) > 0
    )
