"""
The paper's table in small, with nano and synthetic users whose facts change over a year.

    python -m bench.paper [--json]

    user ──┬──> raw, append, evolved, oracle stores ──┐
           └──> lessons ──> adapters, by d and loss ──┴──> arms ──> now? before? never told? ──> share right, tokens

Promises: three users, the same questions for every arm; greedy; 95 % bootstrap intervals over questions; what is
measured is appended to a file as soon as it is known, so that a run that was broken off goes on from there.
Source: TSUBASA, arXiv 2604.07894. Its numbers are of large models on LoCoMo: only the order of
the arms can be compared.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from bench.intervals import difference, interval, percent
from bench.kept import Kept, fingerprint
from bench.night_facts import ask_all, nano, trained_on
from bench.paper_stores import Beside, Stores
from bench.user_lessons import tonight
from bench.users import User, user
from daemon.embedding.client import Embedder
from daemon.engine.client import Engine
from daemon.exam.judging import is_correct
from daemon.lessons.tiny.abstention import is_abstention
from prompts.load import lines

FACTS, UNTOLD, NEVER, MONTHS = 24, 50, 20, 12
RECIPES: dict[str, dict[str, object]] = {
    "rest d=5": {},
    "rest d=1": {"d": 1},
    "rest d=10": {"d": 10},
    "rest d=50": {"d": 50},
    "raw d=5": {"loss": "raw"},
    "renormalised d=5": {"loss": "renormalised"},
    "hard": {"loss": "hard"},
}
STORES = (("append", "append-only, k=3"), ("evolved", "evolved, k=3"), ("paper", "evolved unchecked, k=3"))
COMPARED = (  # what the paper says, as one arm against another
    ("top-5 KL against hard labels, adapter only", "adapter (rest d=5)", "adapter (hard)"),
    ("top-5 KL against hard labels, with k=3", "adapter (rest d=5) + k=3", "adapter (hard) + k=3"),
    ("grounding beside the adapter", "adapter (rest d=5) + k=3", "adapter (rest d=5)"),
    ("the adapter beside grounding", "adapter (rest d=5) + k=3", "evolved by oracle, k=3"),
    ("evolution by nano against append-only", "evolved, k=3", "append-only, k=3"),
    ("evolution by oracle against append-only", "evolved by oracle, k=3", "append-only, k=3"),
    ("memories k=3 against raw turns k=10", "append-only, k=3", "raw turns, k=10"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question about a user."""

    kind: str  # "now" | "before" | "never"
    text: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One question put to one arm; an arm is a line of the file."""

    seed: int
    arm: str
    kind: str
    question: str
    right: bool
    tokens: int  # prompt and answer


def questions(told: User) -> list[Question]:
    """What is now, what was before, what was never told: in words that no lesson has."""
    return [
        *(Question(kind="now", text=one.held_out, answer=one.answer) for one in told.facts),
        *(
            Question(kind="before", text=one.before_held_out, answer=one.before_answer)
            for one in told.facts
            if len(one.told) > 1
        ),
        *(Question(kind="never", text=one.held_out, answer="") for one in told.never),
    ]


class Paper:
    """One run: the engine, the embedder, and the file of what is known."""

    def __init__(self, engine: Engine, embedder: Embedder, kept: Path, log: Console) -> None:
        self._engine = engine
        self._embedder = embedder
        self._kept = Kept(kept, fingerprint("paper", FACTS, UNTOLD, NEVER, MONTHS))
        self._log = log
        self._general: dict[str, str] = {}
        self.answered = [Answered(**one) for arm in self._kept.rows() for one in arm]

    async def measure(self, seeds: int) -> None:
        """All arms of all users that are not in the file."""
        for asked in lines("small_talk"):
            (said,) = await ask_all(self._engine, [(asked, None)], "base")
            self._general[asked] = said.text.strip()
        for seed in range(seeds):
            told = user(f"paper {seed}", FACTS, untold=UNTOLD, never=NEVER, months=MONTHS)
            with tempfile.TemporaryDirectory() as folder:
                stores = Stores(Path(folder), self._engine, self._embedder)
                try:
                    await stores.fill(told)
                    await self._without_adapter(seed, told, stores)
                    await self._with_adapters(seed, told, stores)
                finally:
                    await stores.close()

    async def _without_adapter(self, seed: int, told: User, stores: Stores) -> None:
        await self._arm(seed, "no memory", told, None)
        for k in (60, 10, 3):
            await self._arm(seed, f"raw turns, k={k}", told, stores.raw(k))
        for name, arm in (*STORES, ("oracle", "evolved by oracle, k=3")):
            await self._arm(seed, arm, told, stores.memories(name, 3))

    async def _with_adapters(self, seed: int, told: User, stores: Stores) -> None:
        beside = stores.memories("oracle", 3)
        other = user(f"paper {seed} other", FACTS, untold=UNTOLD, never=NEVER, months=MONTHS)
        for name, recipe in (*RECIPES.items(), ("another user's", {})):
            arms = [(f"adapter ({name})", None), (f"adapter ({name}) + k=3", beside)]
            if all(self._has(seed, arm) for arm, _ in arms):
                continue
            lessons = tonight(other if name == "another user's" else told, self._general, seed)
            trained = await trained_on(self._engine, lessons, seed, recipe)
            adapter = await self._engine.load(trained.adapter)
            for arm, system in arms:
                await self._arm(seed, arm, told, system, adapter)
            await self._engine.unload(adapter)

    def _has(self, seed: int, arm: str) -> bool:
        return any(one.seed == seed and one.arm == arm for one in self.answered)

    async def _arm(
        self, seed: int, arm: str, told: User, beside: Beside | None, adapter: str = "base"
    ) -> None:
        if self._has(seed, arm):
            return
        asked = questions(told)
        systems = [await beside(one.text) if beside else None for one in asked]
        said = await ask_all(
            self._engine, [(one.text, system) for one, system in zip(asked, systems, strict=True)], adapter
        )
        found = [
            Answered(
                seed=seed,
                arm=arm,
                kind=one.kind,
                question=one.text,
                right=is_correct(reply.text, one.answer) if one.answer else is_abstention(reply.text),
                tokens=reply.prompt_tokens + reply.completion_tokens,
            )
            for one, reply in zip(asked, said, strict=True)
        ]
        self._kept.add([asdict(one) for one in found])
        self.answered += found
        self._log.print(f"user {seed}, {arm}: {percent([one.right for one in found])} %")


def summary(answered: Sequence[Answered]) -> dict[str, Any]:
    """For each arm the shares right in percent with their intervals, and tokens; and what the paper says, checked."""
    arms: dict[str, list[Answered]] = {}
    for one in answered:
        arms.setdefault(one.arm, []).append(one)
    table = {arm: _row(found) for arm, found in arms.items()}
    compared = {
        name: dict(zip(("points", "low", "high"), _difference(arms[one], arms[other]), strict=True))
        for name, one, other in COMPARED
        if one in arms and other in arms
    }
    return {"arms": table, "compared": compared}


def _row(found: Sequence[Answered]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for kind in ("now", "before", "never"):
        right = [one.right for one in found if one.kind == kind]
        row[kind] = [percent(right), *interval(right)]
    right = [one.right for one in found]
    return {
        **row,
        "all": [percent(right), *interval(right)],
        "tokens": round(sum(one.tokens for one in found) / len(found), 1),
    }


def _difference(one: Sequence[Answered], other: Sequence[Answered]) -> tuple[float, float, float]:
    by = {(each.seed, each.question): each.right for each in other}
    pairs = [(each.right, by[each.seed, each.question]) for each in one if (each.seed, each.question) in by]
    return difference([left for left, _ in pairs], [right for _, right in pairs])


def show(numbers: Mapping[str, Any], out: Console) -> None:
    """The same for a person, in Markdown."""
    table = Table("arm", "now", "before", "never told", "all", "tokens", box=MARKDOWN)
    for arm, row in numbers["arms"].items():
        shares = ("{} ({}–{})".format(*row[kind]) for kind in ("now", "before", "never", "all"))
        table.add_row(arm, *shares, str(row["tokens"]))
    out.print(table)
    for name, found in numbers["compared"].items():
        out.print(f"{name}: {found['points']:+} points ({found['low']:+} to {found['high']:+})")


async def _run(given: argparse.Namespace, log: Console) -> dict[str, Any]:
    engine = Engine.for_model(nano(), n_ctx=2048, threads=1, gpu_layers=0, idle_s=3600)
    embedder = Embedder.for_model(threads=1)
    paper = Paper(engine, embedder, given.kept, log)
    try:
        await paper.measure(given.seeds)
    finally:
        await engine.stop()
        await embedder.stop()
    return summary(paper.answered)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--seeds", type=int, default=3, help="users")
    parser.add_argument("--kept", type=Path, default=Path("paper.jsonl"), help="what is measured already")
    given = parser.parse_args()
    numbers = asyncio.run(_run(given, Console(stderr=True, width=200)))
    if given.json:
        sys.stdout.write(json.dumps(numbers) + "\n")
    else:
        show(numbers, Console(width=200))


if __name__ == "__main__":
    main()
