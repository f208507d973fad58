"""
How well recall finds what a question needs: `python -m bench.recall --data locomo10.json [--json] [--arms ...]`.

    each conversation ──> a store of its own, through the importer ──> every question of categories 1 to 4 ──> ranked turns

Evidence recall at turn level on LoCoMo (CC BY-NC, evaluation only; bring your own copy). `r@k`: mean share of a
question's evidence turns among the first k; `any@k`: share of questions with at least one. Reported on the eight
conversations other than conv-26 and conv-30, which are for choosing constants. Questions without a valid evidence id
are left out. Knows nothing of how turns are ranked: it calls what the daemon calls.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from daemon.embedder import Embedder
from daemon.inbox import locomo
from daemon.keeper import Keeper
from daemon.memory import turns
from daemon.memory.recall import index_missing
from store import imports, vectors, words
from store.chats import by_external_id
from store.database import open_store
from datetime import UTC, datetime

KS = (1, 3, 5, 10, 30)
DEVELOPMENT = ("conv-26", "conv-30")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question, and where in each arm's ranking its evidence stood."""

    conversation: str
    category: int
    evidence: frozenset[int]
    found: dict[str, list[int]]  # arm -> message ids, best first
    seconds: float  # of the full arm, embedding included


Rank = Callable[[Any, str, np.ndarray, np.ndarray], list[int]]


def dense(db: Any, question: str, plain: np.ndarray, bare: np.ndarray) -> list[int]:
    """Cosine of the question as it stands."""
    return [id for id, _ in vectors.nearest(db, "message", plain, max(KS))]


def bm25(db: Any, question: str, plain: np.ndarray, bare: np.ndarray) -> list[int]:
    """FTS5 over each turn's own words."""
    return [id for id, _ in words.search(db, "message", question, max(KS))]


def fusion(db: Any, question: str, plain: np.ndarray, bare: np.ndarray) -> list[int]:
    """Both by reciprocal ranks, k = 60."""
    score: dict[int, float] = {}
    for ranked in (dense(db, question, plain, bare), bm25(db, question, plain, bare)):
        for place, id in enumerate(ranked):
            score[id] = score.get(id, 0.0) + 1 / (61 + place)
    return sorted(score, key=lambda id: -score[id])


def full(db: Any, question: str, plain: np.ndarray, bare: np.ndarray) -> list[int]:
    """What the daemon does."""
    return [turn.message_id for turn in turns.nearest_turns(db, question, bare, max(KS))]


ARMS: dict[str, Rank] = {"dense": dense, "bm25": bm25, "fusion": fusion, "full": full}


async def conversation(sample: dict[str, Any], embedder: Embedder, folder: Path) -> list[Asked]:
    """Import one conversation and put all its questions."""
    keep = Keeper(partial(open_store, folder / f"{sample['sample_id']}.db", b"k" * 32))
    await keep.open()
    try:
        sessions = locomo.read("locomo", [sample])
        await keep.run(imports.record_import, sample["sample_id"], "locomo", sessions, datetime.now(UTC))
        await index_missing(keep, embedder)
        asked = []
        for question in sample["qa"]:
            if question["category"] == 5:
                continue
            evidence = await keep.run(_evidence, sample["sample_id"], question.get("evidence", []))
            if evidence:
                asked.append(await _ask(keep, embedder, sample["sample_id"], question, evidence))
        return asked
    finally:
        await keep.close()


async def _ask(
    keep: Keeper, embedder: Embedder, name: str, question: dict[str, Any], evidence: frozenset[int]
) -> Asked:
    text = question["question"]
    (plain,) = await embedder.embed([text])
    began = time.perf_counter()
    names = await keep.run(turns.people)
    (bare,) = await embedder.embed([turns.without_names(text, names)])
    found = {"full": await keep.run(full, text, plain, bare)}
    seconds = time.perf_counter() - began
    for arm, rank in ARMS.items():
        if arm != "full":
            found[arm] = await keep.run(rank, text, plain, bare)
    return Asked(
        conversation=name, category=question["category"], evidence=evidence, found=found, seconds=seconds
    )


def _evidence(db: Any, sample_id: str, ids: Sequence[str]) -> frozenset[int]:
    held = [by_external_id(db, f"{sample_id}:{id}") for id in ids]
    return frozenset(one.id for one in held if one is not None)


def scores(asked: Sequence[Asked], arm: str) -> dict[str, float]:
    """Percent, by k."""
    found = {}
    for k in KS:
        shares = [len(one.evidence & set(one.found[arm][:k])) / len(one.evidence) for one in asked]
        found[f"r{k}"] = 100 * float(np.mean(shares))
        found[f"any{k}"] = 100 * float(np.mean([share > 0 for share in shares]))
    return found


async def main_async(data: Path, embedder_name: str) -> list[Asked]:
    """Every question of the file, asked."""
    samples = json.loads(data.read_text(encoding="utf-8"))
    embedder = Embedder.for_model(embedder_name)
    asked: list[Asked] = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            for sample in samples:
                asked += await conversation(sample, embedder, Path(folder))
                print(sample["sample_id"], len(asked), file=sys.stderr)
    finally:
        await embedder.stop()
    return asked


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    asked = asyncio.run(main_async(given.data, "all-MiniLM-L6-v2"))
    test = [one for one in asked if one.conversation not in DEVELOPMENT]
    ms = [1000 * one.seconds for one in test]
    for arm in ARMS:
        print(arm, {name: round(value, 1) for name, value in scores(test, arm).items()})
    print("p50", np.percentile(ms, 50), "p95", np.percentile(ms, 95), len(test))


if __name__ == "__main__":
    main()
