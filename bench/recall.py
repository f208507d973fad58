"""
How well recall finds what a question needs: `python -m bench.recall --data locomo10.json [--json] [--mem0]`.

    each conversation ─> a store of its own, through the importer's reader ─> its questions ─> ranked turns, arm by arm

Evidence recall at turn level on LoCoMo (CC BY-NC 4.0, for evaluation only: bring your own copy), categories 1 to 4.
`r<k>`: mean share of a question's evidence turns among the first k, `any<k>`: share of questions with at least one,
both in percent, with 95 % intervals from a bootstrap over questions. Reported on the eight conversations other than
conv-26 and conv-30: those two are for choosing weights. Questions without a valid evidence id are left out.

    dense   cosine of the question as it stands          bm25    FTS5 over each turn's own words
    fusion  both by reciprocal ranks, k = 60             full    what the daemon does, as shipped
    fitted  the same features, weights fitted on conv-26 and conv-30: how far the shipped ones are from the best
    mem0    `mem0ai` from the registry, same embedder, its default local vector store, infer=False (offline it has
            neither BM25 nor lemmas: dense search)

Knows nothing of how turns are ranked: it calls what the daemon calls.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.recall_arms import ARMS, Asked, Mem0, ask_all, fit, refit
from daemon.embedder import Embedder

KS = (1, 3, 5, 10, 30)
DEVELOPMENT = ("conv-26", "conv-30")
CATEGORIES = {1: "1 multi-hop", 2: "2 temporal", 3: "3 open-domain", 4: "4 single-hop"}
RESAMPLES = 1000


async def main_async(data: Path, *, embedder_name: str, with_mem0: bool, log: Console) -> list[Asked]:
    """Every question of the file, put to every arm; the fitted arm last."""
    samples = json.loads(data.read_text(encoding="utf-8"))
    embedder = Embedder.for_model(embedder_name)
    asked: list[Asked] = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            mem0 = Mem0(Path(folder) / "mem0") if with_mem0 else None
            for sample in samples:
                asked += await ask_all(sample, embedder, Path(folder), mem0)
                log.print(f"[dim]{sample['sample_id']}: {len(asked)} questions so far[/]")
    finally:
        await embedder.stop()
    weights = fit([one for one in asked if one.conversation in DEVELOPMENT])
    for one in asked:
        refit(one, weights)
    return asked


def shares(asked: Sequence[Asked], arm: str, k: int) -> np.ndarray:
    """For each question the share of its evidence among the first `k`."""
    return np.array([len(one.evidence & set(one.found[arm][:k])) / len(one.evidence) for one in asked])


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % of the means of resampled questions, in percent."""
    chance = np.random.default_rng(0)
    means = [chance.choice(values, len(values)).mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, (2.5, 97.5))
    return 100 * float(low), 100 * float(high)


def as_json(test: Sequence[Asked], arms: Sequence[str]) -> dict[str, Any]:
    """The numbers that are compared between versions."""
    found: dict[str, Any] = {}
    for prefix, arm in (("", "full"), ("fitted_", "fitted"), ("mem0_", "mem0")):
        if arm not in arms:
            continue
        for k in (3, 10):
            found[f"{prefix}r{k}"] = round(100 * float(shares(test, arm, k).mean()), 2)
            if arm == "full":
                found[f"any{k}"] = round(100 * float((shares(test, arm, k) > 0).mean()), 2)
    ms = [1000 * one.seconds for one in test]
    p50, p95 = np.percentile(ms, (50, 95))
    return {**found, "p50_ms": round(float(p50), 1), "p95_ms": round(float(p95), 1), "questions": len(test)}


def tables(test: Sequence[Asked], arms: Sequence[str], out: Console) -> None:
    """The same for a person: every arm and k, and the full arm by category."""
    table = Table(title=f"evidence recall, percent, {len(test)} questions of 8 conversations", box=None)
    for name in ("arm", *(f"r{k}" for k in KS), *(f"any{k}" for k in KS)):
        table.add_column(name, justify="left" if name == "arm" else "right")
    for arm in arms:
        every = {k: shares(test, arm, k) for k in KS}
        cells = [f"{100 * every[k].mean():.1f}" for k in KS] + [
            f"{100 * (every[k] > 0).mean():.1f}" for k in KS
        ]
        table.add_row(arm, *cells)
    out.print(table)
    split = Table(title="full, by category id [95 % interval]", box=None)
    for name in ("category", "questions", "r3", "r10", "any3", "any10"):
        split.add_column(name, justify="left" if name == "category" else "right")
    for category, name in [(0, "all"), *CATEGORIES.items()]:
        chosen = [one for one in test if category in (0, one.category)]
        cells = []
        for is_any in (False, True):
            for k in (3, 10):
                values = shares(chosen, "full", k)
                values = (values > 0).astype(float) if is_any else values
                low, high = interval(values)
                cells.append(f"{100 * values.mean():.1f} [{low:.1f}-{high:.1f}]")
        split.add_row(name, str(len(chosen)), *cells)
    out.print(split)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="locomo10.json")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object on stdout and nothing else there"
    )
    parser.add_argument("--no-mem0", action="store_true", help="leave mem0 out")
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    given = parser.parse_args()
    log = Console(stderr=True)
    if not given.data.is_file():
        sys.exit(f"There is no file {given.data}. LoCoMo is at https://github.com/snap-research/locomo.")
    with_mem0 = not given.no_mem0
    asked = asyncio.run(main_async(given.data, embedder_name=given.embedder, with_mem0=with_mem0, log=log))
    test = [one for one in asked if one.conversation not in DEVELOPMENT]
    arms = [*ARMS, "full", "fitted", *(["mem0"] if with_mem0 else [])]
    if given.json:
        sys.stdout.write(json.dumps(as_json(test, arms)) + "\n")
    else:
        tables(test, arms, Console())
        Console().print(as_json(test, arms))


if __name__ == "__main__":
    main()
