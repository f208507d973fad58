"""
How quickly the encrypted store writes and recalls: `python -m bench.store --rows 100000 --messages 300000`.

    seeded sentences ─> some embedded, the others' vectors made of those ─> a store ─> appends, recalls; mem0 beside it

Rows are sentences of `sentences.py`. The embedder reads `EMBEDDED` of them; the vector of every other row is that of
one of these, moved by `SPREAD` of the difference of two more: about as near to its neighbours as real ones are (median
cosine of the nearest: 0.83 among 12,000 real ones, 0.89 among 100,000 made so). Questions have their own vectors.

    append   one `memories.add` and its vector, committed with synchronous=FULL, into the full store
    sync     of those, what the disk alone takes to make 32 KiB durable: no append can be quicker
    recall   `nearest_memories`: full text, vectors and their fusion, of one question whose vector is given
    turns    `nearest_turns`: the same among the messages of chats, `IN_A_CHAT` in each, with the weights of the ranking
    found    share of the 60 nearest by an exact scan that the index finds, in percent
    open     unlock the file and build the indexes in memory
    mem0     `search` of `mem0ai` 2.2.1 on the first `mem0_rows` rows, vectors given too; filling it takes
             about 25 ms a row

Knows nothing of how the store does it: it calls what the daemon calls.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from bench.sentences import question, sentence
from bench.store_mem0 import Mem0, Mem0Missing, check_mem0
from daemon.embedding.client import Embedder
from daemon.memory.phrasing import in_third_person
from daemon.memory.ranking import MEMORY_POOL, nearest_memories, nearest_turns
from daemon.memory.recall import TURNS_LOOKED_AT
from store import chats, memories, vectors
from store.database import open_store, writing

KEY = b"k" * 32
EMBEDDED = 4000
SPREAD = 0.35
APPENDS = 300  # of the rows, the last
BATCH = 1000
IN_A_CHAT = 50  # messages, the user's and the assistant's in turn
CHECKED = 50  # questions whose 60 nearest are compared with an exact scan
DAY = date(2026, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What is stored, and what is asked."""

    texts: list[str]
    vectors: npt.NDArray[np.float32]
    questions: list[str]
    asked: npt.NDArray[np.float32]
    embedding_ms: list[float]  # of each question
    embedder: str


async def make_rows(count: int, questions: int, embedder_name: str, seed: int) -> Rows:
    """Sentences, questions and the vectors of both."""
    chance, draw = random.Random(seed), np.random.default_rng(seed)
    texts = [sentence(chance) for _ in range(count)]
    asked = [in_third_person(question(chance)) for _ in range(questions)]
    embedder = Embedder.for_model(embedder_name)
    try:
        real = await embedder.embed(texts[:EMBEDDED])
        embedding_ms, asked_vectors = [], []
        for one in asked:
            began = time.perf_counter()
            asked_vectors.append((await embedder.embed([one]))[0])
            embedding_ms.append(1000 * (time.perf_counter() - began))
        name = (await embedder.info()).id
    finally:
        await embedder.stop()
    first, second, third = draw.integers(0, len(real), (3, max(0, count - len(real))))
    made = real[first] + np.float32(SPREAD) * (real[second] - real[third])
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return Rows(
        texts=texts,
        vectors=np.concatenate([real, made]),
        questions=asked,
        asked=np.stack(asked_vectors),
        embedding_ms=embedding_ms,
        embedder=name,
    )


def fill(file: Path, rows: Rows, messages: int) -> list[float]:
    """Make the store; milliseconds of each of the last appends of a memory."""
    db = open_store(file, KEY)
    vectors.prepare(db, rows.embedder, rows.vectors.shape[1])
    _chat(db, rows, messages)
    first = max(0, len(rows.texts) - APPENDS)
    for start in range(0, first, BATCH):
        with writing(db):
            for place in range(start, min(start + BATCH, first)):
                _append(db, rows, place)
    taken = [_ms(lambda: _append(db, rows, place)) for place in range(first, len(rows.texts))]  # noqa: B023
    db.close()
    return taken


def measure(file: Path, rows: Rows, messages: int) -> dict[str, Any]:
    """Append, open, recall."""
    append_ms = fill(file, rows, messages)
    began = time.perf_counter()
    db = open_store(file, KEY)
    open_s = time.perf_counter() - began
    asked = list(zip(rows.questions, rows.asked, strict=True))
    for text, vector in asked[:10]:  # the first ones fill caches
        nearest_memories(db, text, vector)
        nearest_turns(db, text, vector, TURNS_LOOKED_AT)
    turns_ms = [_ms(lambda: nearest_turns(db, text, vector, TURNS_LOOKED_AT)) for text, vector in asked]  # noqa: B023
    recall_ms = [_ms(lambda: nearest_memories(db, text, vector)) for text, vector in asked]  # noqa: B023
    whole_ms = np.array(recall_ms) + np.array(rows.embedding_ms)
    found = {
        "rows": len(rows.texts),
        "messages": messages,
        **_percentiles("append", append_ms),
        **_percentiles("sync", sync_ms(file.with_name("sync"))),
        **_percentiles("recall", recall_ms),
        **_percentiles("recall_with_embedding", whole_ms),
        **(_percentiles("turns", turns_ms) if messages else {}),
        "found_percent": round(100 * _found(db, rows), 2),
        "open_s": round(open_s, 2),
    }
    db.close()
    return {**found, "file_mb": round(file.stat().st_size / 1e6, 1)}


def sync_ms(file: Path) -> list[float]:
    """Milliseconds of each of 100 small writes that are made durable."""
    taken = []
    with file.open("wb", buffering=0) as opened:
        for _ in range(100):
            began = time.perf_counter()
            opened.write(bytes(32 << 10))
            os.fsync(opened.fileno())
            taken.append(1000 * (time.perf_counter() - began))
    return taken


def measure_mem0(folder: Path, rows: Rows, count: int) -> dict[str, Any]:
    """Search of mem0 on the first `count` rows."""
    mem0 = Mem0(folder, rows.vectors.shape[1])
    mem0.fill(rows.texts[:count], rows.vectors[:count])
    few = min(50, len(rows.questions))
    taken = mem0.search_ms(rows.questions[:few], rows.asked[:few], 2 * MEMORY_POOL)
    return {"mem0_rows": min(count, len(rows.texts)), **_percentiles("mem0_search", taken)}


def _chat(db: Any, rows: Rows, count: int) -> None:
    """Chats of so many messages in all, one a minute, and their vectors."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for start in range(0, count, IN_A_CHAT):
        many = range(start, min(start + IN_A_CHAT, count))
        with writing(db):
            chat, parent, ids = chats.start_chat(db, "bench", began + timedelta(minutes=start)), None, []
            for place in many:
                said = chats.NewMessage(
                    role="assistant" if place % 2 else "user",
                    text=f"{rows.texts[place % len(rows.texts)]} ({place})",
                )
                at = began + timedelta(minutes=place)
                parent = chats.insert(db, said, chat_id=chat, parent=parent, at=at, source="bench")
                ids.append(parent.id)
            vectors.put(db, "message", ids, rows.vectors[[place * 7 % len(rows.vectors) for place in many]])


def _append(db: Any, rows: Rows, place: int) -> None:
    with writing(db):
        memory = memories.add(db, rows.texts[place], told_on=DAY, sources=())
        vectors.put(db, "memory", [memory.id], rows.vectors[place : place + 1])


def _found(db: Any, rows: Rows) -> float:
    """The share of the nearest by an exact scan that the index finds."""
    ids, kept = vectors.stored(db, "memory")
    shares = []
    for vector in rows.asked[:CHECKED]:
        exact = {ids[place] for place in np.argsort(-(kept @ vector), kind="stable")[:MEMORY_POOL]}
        shares.append(
            len(exact & {id for id, _ in vectors.nearest(db, "memory", vector, MEMORY_POOL)}) / len(exact)
        )
    return float(np.mean(shares))


def _ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def _percentiles(name: str, taken_ms: Sequence[float] | npt.NDArray[np.float64]) -> dict[str, float]:
    p50, p95 = np.percentile(taken_ms, (50, 95))
    return {f"{name}_p50_ms": round(float(p50), 2), f"{name}_p95_ms": round(float(p95), 2)}


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=0, help="of chats that lie in the same store")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object on stdout and nothing else there"
    )
    parser.add_argument("--no-mem0", action="store_true", help="leave mem0 out")
    parser.add_argument("--mem0-rows", type=int, help="rows that mem0 gets; all when not given")
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if (
        given.rows < 1
        or given.questions < 1
        or given.messages < 0
        or (given.mem0_rows is not None and given.mem0_rows < 1)
    ):
        sys.exit(
            "Can't measure less than one row and one question: give --rows, --questions, --mem0-rows from 1 on."
        )
    try:
        if not given.no_mem0:
            check_mem0()
    except Mem0Missing as error:
        sys.exit(str(error))
    log = Console(stderr=True)
    log.print(f"[dim]Embedding {min(given.rows, EMBEDDED)} sentences and {given.questions} questions[/]")
    rows = asyncio.run(make_rows(given.rows, given.questions, given.embedder, given.seed))
    with tempfile.TemporaryDirectory() as folder:
        log.print(f"[dim]Storing {given.rows} memories and {given.messages} messages[/]")
        found = measure(Path(folder) / "store.db", rows, given.messages) | {
            "cores": len(os.sched_getaffinity(0))
        }
        if not given.no_mem0:
            log.print("[dim]The same for mem0[/]")
            found |= measure_mem0(Path(folder) / "mem0", rows, given.mem0_rows or given.rows)
    if given.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        table = Table("what", "measured", title=f"{given.rows} memories in an encrypted store", box=None)
        for name, value in found.items():
            table.add_row(name, str(value))
        Console().print(table)


if __name__ == "__main__":
    main()
