"""
How well recall finds what a question needs: `python -m bench.recall --data locomo10.json [--json] [--no-mem0]`.

    each conversation ─> a store of its own, as an import ─> its questions ─> ranked turns, arm by arm

Evidence recall at turn level on LoCoMo (`--data FILE`) or BEAM (`--data FOLDER`), or both (`--data FILE FOLDER`: what
is fitted is then fitted to both). `r<k>`: mean share of a question's evidence turns among the first k, `any<k>`: share
of questions with at least one, both in percent, with 95 % intervals from a bootstrap over questions; `tokens`: what
the first three turns take when they are quoted beside the question, at four bytes each. Reported on the test split,
or with `--split development` on the one that weights may be chosen by: see `recall_data.py`.

    dense   cosine of the question as it stands          bm25    FTS5 over each turn's own words
    fusion  both by reciprocal ranks, k = 60             full    what the daemon does, as shipped
    fitted  the same features, weights fitted on the development split: how far the shipped ones are from those
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
from bench.recall_arms import ARMS, Asked, ask_all
from bench.recall_data import Conversation, NotMeasurable, load
from bench.recall_fit import LESIONS, fit, fitted, lesioned
from bench.recall_kept import KeptVectors
from bench.recall_mem0 import Mem0, WrongUser, mem0_version
from bench.store_mem0 import Mem0Missing

KS = (1, 3, 5, 10, 30)
DEVELOPMENT, TEST = "development", "test"
BYTES = 4  # of a token
WIDTH = 260  # characters of a table's line, so that none is broken
Floats = npt.NDArray[np.float64]


async def measure(
    talks: Sequence[Conversation], *, embedder: KeptVectors, with_mem0: bool, log: Console
) -> list[Asked]:
    """Every question put to every arm; the fitted arm last, where there is something to fit it to."""
    asked: list[Asked] = []
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            info = await embedder.info()
            mem0 = (
                Mem0(Path(folder) / "mem0", embedder=info.id, dimension=info.dimension) if with_mem0 else None
            )
            for talk in talks:
                asked += await ask_all(talk, embedder, Path(folder), mem0)
                passed_s = time.monotonic() - began
                log.print(f"{talk.origin} {talk.name}: {len(asked)} questions so far, {passed_s:.0f} s")
    finally:
        await embedder.stop()
    if chosen_by := reported(asked, DEVELOPMENT):
        weights = fit(chosen_by)
        for one in asked:
            one.found["fitted"] = fitted(one, weights)
    return asked


def reported(asked: Sequence[Asked], split: str) -> list[Asked]:
    """The questions of one split."""
    return [one for one in asked if one.is_development == (split == DEVELOPMENT)]


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
    numbers["tokens"] = round(float(np.mean([one.beside_bytes for one in test])) / BYTES)
    p50, p95 = np.percentile([1000 * one.seconds for one in test], (50, 95))
    numbers |= {"p50_ms": round(float(p50), 1), "p95_ms": round(float(p95), 1)}
    return numbers | {"questions": len(test), "conversations": sorted({one.conversation for one in test})}


def tables(asked: Sequence[Asked], arms: Sequence[str], out: Console, split: str = TEST) -> None:
    """The same for a person, in Markdown: all arms, each arm by kind, and what each feature is worth."""
    test = reported(asked, split)
    n_talks = len({one.conversation for one in test})
    out.print(f"{split.capitalize()} split: {len(test)} questions of {n_talks} conversations\n")
    out.print(_table("arm", [(arm, _cells(test, arm, with_interval=True)) for arm in arms]))
    for arm in arms:
        lines = [(f"all ({len(test)})", _cells(test, arm, with_interval=True))]
        for kind in sorted({one.kind for one in test}):
            chosen = [one for one in test if kind == one.kind]
            lines.append((f"{kind} ({len(chosen)})", _cells(chosen, arm, with_interval=True)))
        out.print(f"\n{arm}, by kind (questions)\n")
        out.print(_table("kind", lines))
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
    splits = {name: found for name in (DEVELOPMENT, TEST) if (found := reported(asked, name))}
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
    parser.add_argument("--data", type=Path, required=True, nargs="+", help="locomo10.json, a BEAM folder")
    parser.add_argument("--split", choices=(TEST, DEVELOPMENT), default=TEST, help="what is reported")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object on stdout; the tables go to stderr"
    )
    parser.add_argument("--no-mem0", action="store_true", help="leave mem0 out")
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--threads", type=int, default=2, help="of our embedder; the daemon has 2")
    parser.add_argument("--kept", type=Path, help="vectors of earlier runs (.npz); new ones are added")
    given = parser.parse_args()
    log = Console(stderr=True, width=WIDTH, highlight=False)
    with_mem0 = not given.no_mem0
    try:
        talks = [talk for path in given.data for talk in load(path)]
        if given.split == DEVELOPMENT:
            talks = [talk for talk in talks if talk.is_development]
        if not any(talk.is_development == (given.split == DEVELOPMENT) for talk in talks):
            raise NotMeasurable(given.data[0], f"it has no conversation of the {given.split} split")
        if with_mem0:
            log.print(f"mem0ai {mem0_version()}")
        with redirect_stdout(sys.stderr):  # whatever a library says, it is not the result
            embedder = KeptVectors.for_model(given.embedder, threads=given.threads)
            embedder.keep_in(given.kept)
            asked = asyncio.run(measure(talks, embedder=embedder, with_mem0=with_mem0, log=log))
    except (NotMeasurable, Mem0Missing, WrongUser) as error:
        sys.exit(str(error))
    has_fitted = any(one.is_development for one in asked)
    arms = [*ARMS, "full", *(["fitted"] if has_fitted else []), *(["mem0"] if with_mem0 else [])]
    tables(asked, arms, log if given.json else Console(width=WIDTH, highlight=False), given.split)
    numbers = json.dumps(as_json(reported(asked, given.split), arms))
    sys.stdout.write((numbers if given.json else f"\n{numbers}") + "\n")


if __name__ == "__main__":
    main()
