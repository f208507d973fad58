"""
Find past chats: by their titles, by the words in them, then by meaning, with the index that recall uses.

One chat stands once in what is found, by its best message. Runs without the embedder too, which is not waited for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from daemon.embedding.client import Embedder
from daemon.memory.ranking import nearest_turns
from daemon.store_thread import StoreThread
from store import chat_labels, chats, full_text, message_queries
from store.database import Connection
from store.errors import NoEmbedder, WrongVectors
from store.message_queries import ChatSummary
from store.text import words as words_of

POOL = 200  # messages that each index offers
EXCERPT = 160  # characters around what was found
BEFORE = 40  # of them, before the first word that was found


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundChat:
    """A chat, and what of it was found."""

    chat: ChatSummary
    message_id: int | None  # None: its title was found
    excerpt: str
    by: str  # "title" | "words" | "meaning"


async def find_chats(
    store_thread: StoreThread, embedder: Embedder, asked: str, n: int, *, skip: int = 0
) -> list[FoundChat]:
    """The chats that have to do with `asked`, the best first: by title, by words, by meaning."""
    made = await embedder.embed_at_once([asked]) if asked.strip() else None
    vector = None if made is None else made[0]
    near = embedder.limits.message_near
    return (await store_thread.run(_find, asked, vector, near))[skip : skip + n]


def _find(db: Connection, asked: str, vector: npt.NDArray[np.float32] | None, near: float) -> list[FoundChat]:
    found: dict[int, tuple[str, int | None, str]] = {}  # per chat: how, which message, its text
    words = asked.split()
    for chat_id in chat_labels.with_words(db, words, POOL) if words else ():
        found[chat_id] = ("title", None, "")
    by_words = [id for id, _ in full_text.search(db, "message", asked, POOL)]
    by_meaning = [] if vector is None else _near(db, asked, vector, near)
    for how, ids in (("words", by_words), ("meaning", by_meaning)):
        for one in (chats.get(db, id) for id in ids):
            if one.text != chats.FORGOTTEN:
                found.setdefault(one.chat_id, (how, one.id, one.text))
    summaries = message_queries.latest_chats(db, max(1, len(found)), among=found)
    by_id = {one.id: one for one in summaries}
    return [
        FoundChat(chat=by_id[id], message_id=message, excerpt=excerpt(text, asked), by=how)
        for id, (how, message, text) in found.items()
        if id in by_id
    ]


def _near(db: Connection, asked: str, vector: npt.NDArray[np.float32], near: float) -> Sequence[int]:
    try:
        return [one.message_id for one in nearest_turns(db, asked, vector, POOL) if one.cosine >= near]
    except (NoEmbedder, WrongVectors):  # the index is not there yet, or another one is being made
        return []


def excerpt(text: str, asked: str) -> str:
    """`text` in one line, cut around the first word of `asked` that stands in it."""
    line = " ".join(text.split())
    low = line.lower()
    places = [at for word in words_of(asked) if (at := low.find(word)) >= 0]
    start = max(0, min(places, default=0) - BEFORE)
    if start:
        start = line.find(" ", start) + 1 or start
    cut = line[start : start + EXCERPT]
    return f"{'…' if start else ''}{cut}{'…' if start + EXCERPT < len(line) else ''}"
