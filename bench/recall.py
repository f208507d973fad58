"""
How well recall finds what a question needs: `python -m bench.recall --data locomo10.json [--json] [--no-mem0]`.

    each conversation ─> a store of its own, through the importer's reader ─> its questions ─> ranked turns, arm by arm

Evidence recall at turn level on LoCoMo (CC BY-NC 4.0, for evaluation only: bring your own copy), categories 1 to 4.
`r<k>`: mean share of a question's evidence turns among the first k, `any<k>`: share of questions with at least one,
both in percent, with 95 % intervals from a bootstrap over questions. Reported on the test split, the eight
conversations other than conv-26 and conv-30: those two, the development split, are for choosing weights. Questions
without an evidence id that is exactly a turn's are left out; an image's caption is part of its turn's text.

    dense   cosine of the question as it stands          bm25    FTS5 over each turn's own words
    fusion  both by reciprocal ranks, k = 60             full    what the daemon does, as shipped
    fitted  the same features, weights fitted on conv-26 and conv-30: how far the shipped ones are from those
    mem0    `mem0ai` 2.2.1, same texts, same embedder, infer=False, its default local vector store; BM25, lemmas
            and entities are off, because they fetch models from the network: see `recall_mem0.py`

Knows nothing of how turns are ranked: it calls what the daemon calls.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from bench.intervals import interval
from bench.recall_arms import ARMS, CATEGORIES, Asked, ask_all
from bench.recall_fit import LESIONS, fit, fitted, lesioned
from bench.recall_mem0 import Mem0, WrongUser, mem0_version
from bench.store_mem0 import Mem0Missing
from daemon.embedding.client import Embedder
from daemon.inbox.formats import locomo

KS = (1, 3, 5, 10, 30)
DEVELOPMENT = ("conv-26", "conv-30")
WIDTH = 260  # characters of a table's line, so that none is broken
Floats = npt.NDArray[np.float64]


class NotLocomo(Exception):
    """The file can't be measured with."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"Can't measure with {path}: {reason}. LoCoMo is at https://github.com/snap-research/locomo."
        )


def load(path: Path) -> list[dict[str, Any]]:
    """The conversations of a LoCoMo file. Raises `NotLocomo`."""
    try:
        samples = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotLocomo(path, "there is no such file") from error
    except (OSError, ValueError) as error:
        raise NotLocomo(path, str(error)) from error
    if not isinstance(samples, list) or not locomo.looks_like(samples):
        raise NotLocomo(path, "it is no list of LoCoMo conversations")
    names = {sample.get("sample_id") for sample in samples}
    if not names & set(DEVELOPMENT) or not names - set(DEVELOPMENT):
        raise NotLocomo(path, "it needs conv-26 or conv-30, to fit on, and another conversation, to test on")
    return samples


async def measure(
    samples: Sequence[dict[str, Any]], *, embedder: Embedder, with_mem0: bool, log: Console
) -> list[Asked]:
    """Every question put to every arm; the fitted arm last."""
    asked: list[Asked] = []
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            info = await embedder.info()
            mem0 = (
                Mem0(Path(folder) / "mem0", embedder=info.id, dimension=info.dimension) if with_mem0 else None
            )
            for sample in samples:
                asked += await ask_all(sample, embedder, Path(folder), mem0)
                passed_s = time.monotonic() - began
                log.print(f"{sample['sample_id']}: {len(asked)} questions so far, {passed_s:.0f} s")
    finally:
        await embedder.stop()
    weights = fit(development(asked))
    for one in asked:
        one.found["fitted"] = fitted(one, weights)
    return asked


def development(asked: Sequence[Asked]) -> list[Asked]:
    """The questions that weights may be chosen by."""
    return [one for one in asked if one.conversation in DEVELOPMENT]


def reported(asked: Sequence[Asked]) -> list[Asked]:
    """The questions that are reported."""
    return [one for one in asked if one.conversation not in DEVELOPMENT]


def shares(asked: Sequence[Asked], arm: str, k: int) -> Floats:
    """For each question the share of its evidence among the first `k`."""
    return np.array([len(one.evidence & set(one.found[arm][:k])) / len(one.evidence) for one in asked])


def as_json(test: Sequence[Asked], arms: Sequence[str]) -> dict[str, Any]:
    """The numbers that are compared between versions, percent and ms."""
    numbers: dict[str, Any] = {}
    for prefix, arm in (("", "full"), ("fitted_", "fitted"), ("mem0_", "mem0")):
        if arm not in arms:
            continue
        every = {k: shares(test, arm, k) for k in (3, 10)}
        numbers |= {f"{prefix}r{k}": round(100 * float(of.mean()), 2) for k, of in every.items()}
        if arm == "full":
            numbers |= {f"any{k}": round(100 * float((of > 0).mean()), 2) for k, of in every.items()}
    p50, p95 = np.percentile([1000 * one.seconds for one in test], (50, 95))
    numbers |= {"p50_ms": round(float(p50), 1), "p95_ms": round(float(p95), 1)}
    return numbers | {"questions": len(test), "conversations": sorted({one.conversation for one in test})}


def tables(asked: Sequence[Asked], arms: Sequence[str], out: Console) -> None:
    """The same for a person, in Markdown: all arms, each arm by category, and what each feature is worth."""
    test = reported(asked)
    out.print(
        f"Test split: {len(test)} questions of {len({one.conversation for one in test})} conversations\n"
    )
    out.print(_table("arm", [(arm, _cells(test, arm, with_interval=False)) for arm in arms]))
    for arm in arms:
        lines = []
        for category, name in [(0, "all"), *CATEGORIES.items()]:
            chosen = [one for one in test if category in (0, one.category)]
            if chosen:
                lines.append((f"{name} ({len(chosen)})", _cells(chosen, arm, with_interval=True)))
        out.print(f"\n{arm}, by category id (questions)\n")
        out.print(_table("category", lines))
    out.print("\nThe weights of the full arm, changed one at a time\n")
    out.print(_lesion_table(asked))


def _cells(asked: Sequence[Asked], arm: str, *, with_interval: bool) -> list[str]:
    """`r<k>` for every k, then `any<k>`."""
    every = [shares(asked, arm, k) for k in KS]
    cells = []
    for values in [*every, *((of > 0).astype(np.float64) for of in every)]:
        low, high = interval(list(values)) if with_interval else (0.0, 0.0)
        cells.append(f"{100 * values.mean():.1f}" + (f" [{low:.1f}-{high:.1f}]" if with_interval else ""))
    return cells


def _table(first: str, lines: Sequence[tuple[str, list[str]]]) -> Table:
    table = Table(first, box=MARKDOWN)
    for name in (*(f"r{k}" for k in KS), *(f"any{k}" for k in KS)):
        table.add_column(name, justify="right", no_wrap=True)
    for name, cells in lines:
        table.add_row(name, *cells)
    return table


def _lesion_table(asked: Sequence[Asked]) -> Table:
    table = Table("weights", box=MARKDOWN)
    splits = {"development": development(asked), "test": reported(asked)}
    for name in splits:
        for k in (3, 10):
            table.add_column(f"{name} r{k}", justify="right")
    for lesion in LESIONS:
        for one in asked:
            one.found[lesion] = lesioned(one, lesion)
        means = [100 * shares(split, lesion, k).mean() for split in splits.values() for k in (3, 10)]
        table.add_row(lesion, *(f"{mean:.1f}" for mean in means))
    return table


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="locomo10.json")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object on stdout; the tables go to stderr"
    )
    parser.add_argument("--no-mem0", action="store_true", help="leave mem0 out")
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--threads", type=int, default=2, help="of our embedder; the daemon has 2")
    given = parser.parse_args()
    log = Console(stderr=True, width=WIDTH, highlight=False)
    with_mem0 = not given.no_mem0
    arms = [*ARMS, "full", "fitted", *(["mem0"] if with_mem0 else [])]
    try:
        samples = load(given.data)
        if with_mem0:
            log.print(f"mem0ai {mem0_version()}")
        with redirect_stdout(sys.stderr):  # whatever a library says, it is not the result
            embedder = Embedder.for_model(given.embedder, threads=given.threads)
            asked = asyncio.run(measure(samples, embedder=embedder, with_mem0=with_mem0, log=log))
    except (NotLocomo, Mem0Missing, WrongUser) as error:
        sys.exit(str(error))
    tables(asked, arms, log if given.json else Console(width=WIDTH, highlight=False))
    numbers = json.dumps(as_json(reported(asked), arms))
    sys.stdout.write((numbers if given.json else f"\n{numbers}") + "\n")


if __name__ == "__main__":
    main()
