"""
The arms of `bench.recall`: each turns one question into message ids, best first.

    conversation ─> a store of its own ─> vectors ─> each question ─> dense, bm25, fusion, full (and mem0 beside it)

Promises: all arms search the same turns with vectors of the same embedder. Knows nothing of scores; what is made of
the candidates by other weights stands in `recall_fit.py`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.recall_data import Conversation, Question
from bench.recall_mem0 import Mem0
from daemon.embedding.client import Embedder
from daemon.memory import ranking
from daemon.memory.indexing import index_missing
from daemon.memory.recall import quote
from daemon.store_thread import StoreThread
from store import chats, full_text, imports, message_queries, vectors
from store.database import Connection, open_store, rows

DEPTH = 30  # turns that each arm gives back
BESIDE = 3  # turns whose quotes are counted
Vector = npt.NDArray[np.float32]


@dataclass(slots=True, kw_only=True)
class Asked:
    """One question, its evidence, and what each arm found."""

    conversation: str
    is_development: bool
    kind: str
    evidence: frozenset[int]
    candidates: ranking.Candidates
    seconds: float  # of the full arm, embedding included
    beside_bytes: int  # of UTF-8: the first `BESIDE` turns of the full arm, as recall quotes them
    found: dict[str, list[int]] = field(default_factory=dict)  # arm -> message ids, best first


def dense(db: Any, question: str, vector: Vector) -> list[int]:
    """Nearest by cosine."""
    return [id for id, _ in vectors.nearest(db, "message", vector, DEPTH)]


def bm25(db: Any, question: str, vector: Vector) -> list[int]:
    """Best by the turn's own words."""
    return [id for id, _ in full_text.search(db, "message", question, DEPTH)]


def fusion(db: Any, question: str, vector: Vector) -> list[int]:
    """Both lists by reciprocal ranks."""
    score: dict[int, float] = {}
    for ranked in (dense(db, question, vector), bm25(db, question, vector)):
        for place, id in enumerate(ranked, start=1):
            score[id] = score.get(id, 0.0) + 1 / (60 + place)
    return sorted(score, key=lambda id: (-score[id], id))[:DEPTH]


ARMS: dict[str, Callable[[Any, str, Vector], list[int]]] = {"dense": dense, "bm25": bm25, "fusion": fusion}


async def ask_all(talk: Conversation, embedder: Embedder, folder: Path, mem0: Mem0 | None) -> list[Asked]:
    """Import one conversation and put all its questions to every arm but the fitted one."""
    name = talk.name
    store_thread = StoreThread(partial(open_store, folder / f"{name}.db", b"k" * 32))
    await store_thread.open()
    try:
        await store_thread.run(imports.record_import, name, name, talk.sessions, datetime.now(UTC))
        await index_missing(store_thread, embedder)
        if mem0 is not None:
            for id, text in await store_thread.run(spoken):
                mem0.add(name, id, text)
        asked = []
        for question in talk.questions:
            one = await _ask(store_thread, embedder, talk, question)
            if mem0 is not None:
                one.found["mem0"] = mem0.search(name, question.text, DEPTH)
            asked.append(one)
        return asked
    finally:
        await store_thread.close()


def spoken(db: Connection) -> list[tuple[int, str]]:
    """Every turn and its text as it is embedded: "speaker: text"."""
    return [
        (id, f"{who}: {text}" if who else text)
        for id, who, text in rows(db, "select id, speaker, text from messages order by id")
    ]


def evidence_of(db: Connection, question: Question) -> frozenset[int]:
    """The turns that the question needs."""
    held = [chats.by_external_id(db, id) for id in question.evidence]
    return frozenset(one.id for one in held if one is not None)


def beside_bytes(db: Connection, question: str, turns: Sequence[ranking.Turn]) -> int:
    """How much is laid beside the question when these turns are quoted."""
    lines = [quote(chats.get(db, turn.message_id), question) for turn in turns]
    return sum(len(line.encode()) for line in lines)


async def _ask(
    store_thread: StoreThread, embedder: Embedder, talk: Conversation, question: Question
) -> Asked:
    text = question.text
    began = time.perf_counter()
    names = await store_thread.run(message_queries.speakers)
    (bare,) = await embedder.embed([ranking.without_names(text, names)], query=True)
    full = await store_thread.run(ranking.nearest_turns, text, bare, DEPTH)
    seconds = time.perf_counter() - began
    (plain,) = await embedder.embed([text], query=True)
    one = Asked(
        conversation=talk.name,
        is_development=talk.is_development,
        kind=question.kind,
        evidence=await store_thread.run(evidence_of, question),
        candidates=await store_thread.run(ranking.candidates, text, bare),
        seconds=seconds,
        beside_bytes=await store_thread.run(beside_bytes, text, full[:BESIDE]),
    )
    for arm, rank in ARMS.items():
        one.found[arm] = await store_thread.run(rank, text, plain)
    one.found["full"] = [turn.message_id for turn in full]
    return one
