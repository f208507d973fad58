"""
Idle work side by side against one at a time: python -m bench.idle_work LITTLE [--chats 10] [--shape 0.6b | --on PATH]

    ten quiet chats ──> the product's own observe, evolve, study ──┬─> as it is: several questions in the engine
                                                                   `─> the same, each question waits for the last one

Both in one run, in turn, each on a fresh store. LITTLE is a model that talks (`tsubasa pull little`). Random weights
(`--shape`, `--on`) say nonsense, of which no memory comes: what LITTLE says is written down first, and they are asked
the same, say as many tokens of their own, and are taken to have said that. So they follow no grammar, no draft is
proved, and the prompts are those of a model that was taught our tasks.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from bench.night_model import SHAPES, smollm2, write_random
from bench.serve_clients import cpu_s
from bench.users import user
from daemon.core import Core
from daemon.embedding.client import Embedder
from daemon.engine.client import GREEDY, Completion, Engine, EngineInfo, Sampling
from daemon.idle_work import consolidate
from daemon.lessons.generation import generate_missing
from daemon.store_thread import StoreThread
from store import chats
from store.chats import NewMessage
from store.database import open_store

CONTEXT = 2048  # tokens: all that little was made for
WANTED = 2.5  # times as fast
LATER = timedelta(hours=1)  # when the chats are quiet
REPLIES = (
    "Good to know, thanks.",
    "I see. Anything else?",
    "That sounds good.",
    "Noted. What can I do for you?",
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said, and how many tokens that took it."""

    text: str
    finish: str
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one pass over the chats took."""

    observe_evolve_s: float
    study_s: float
    cpu_s: float  # processor time of the engine's process; 0: the system does not tell
    memories: int
    lessons: int
    read: int  # tokens that were not in memory
    said: int

    @property
    def whole_s(self) -> float:
        """Seconds of all of it."""
        return self.observe_evolve_s + self.study_s


class Measured(Engine):
    """An engine that counts, may be asked one thing at a time, and may be told what it said."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.noted: dict[str, list[Said]] = {}  # what was said to each question, in order
        self.told: Mapping[str, Sequence[Said]] = {}  # the same by another model, to be said in its place
        self.alone: asyncio.Lock | None = None  # one question at a time
        self.taught: bool | None = (
            None  # whether it passes for a model that was taught our tasks; None: as it is
        )
        self.read = self.said = self.unknown = 0
        self._times: Counter[str] = Counter()

    async def info(self) -> EngineInfo:
        """As the engine's."""
        found = await super().info()
        return found if self.taught is None else replace(found, taught=self.taught)

    def begin(self, *, one_at_a_time: bool) -> None:
        """A new pass."""
        self.alone = asyncio.Lock() if one_at_a_time else None
        self.read = self.said = 0
        self._times.clear()

    async def complete(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        sampling: Sampling = GREEDY,
        schema: dict[str, Any] | None = None,
        adapter: str | None = "live",
        background: bool = False,
        draft: str = "",
    ) -> Completion:
        """As the engine's, or what is told instead, after as many tokens."""
        key = json.dumps([list(messages), schema, asdict(sampling)])
        told = self._next(key)
        async with self.alone or nullcontext():
            if told is None:
                answer = await super().complete(
                    messages,
                    sampling=sampling,
                    schema=schema,
                    adapter=adapter,
                    background=background,
                    draft=draft,
                )
            else:
                length = Sampling(
                    max_tokens=told.tokens + (told.finish == "stop")
                )  # with the one that ends it
                spent = await super().complete(
                    messages, sampling=length, adapter=adapter, background=background
                )
                answer = replace(spent, text=told.text, finish="stop" if told.finish == "stop" else "length")
        self.read += answer.prompt_tokens - answer.cached_tokens
        self.said += answer.completion_tokens
        self.noted.setdefault(key, []).append(Said(answer.text, answer.finish, answer.completion_tokens))
        return replace(answer, marks=())  # how sure it was has no part in this

    def _next(self, key: str) -> Said | None:
        if not self.told:
            return None
        if key not in self.told:
            self.unknown += 1
            return None
        every, self._times[key] = self.told[key], self._times[key] + 1
        return every[(self._times[key] - 1) % len(every)]


@dataclass(kw_only=True)
class Found:
    """All passes of one run."""

    one_at_a_time: list[Spent] = field(default_factory=list)
    side_by_side: list[Spent] = field(default_factory=list)


def told_chats(count: int) -> list[list[str]]:
    """So many chats, in each of which a person tells one thing; every second turn is the assistant's."""
    chance = Random(0)
    facts = user(0, count, never=0).facts
    return [
        [
            f"Hi! {one.statement(0, chance)}",
            chance.choice(REPLIES),
            "That is all for today.",
            chance.choice(REPLIES),
        ]
        for one in facts
    ]


async def spent(
    engine: Measured, embedder: Embedder, told: Sequence[Sequence[str]], *, one_at_a_time: bool
) -> Spent:
    """One pass over these chats, on a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        store_thread = StoreThread(partial(open_store, Path(folder) / "store.db", b"k" * 32))
        await store_thread.open()
        try:
            now = datetime.now(UTC)
            for turns in told:
                roles = ("assistant" if place % 2 else "user" for place in range(len(turns)))
                said = [
                    NewMessage(role=role, text=text, said_at=now)
                    for role, text in zip(roles, turns, strict=True)
                ]
                await store_thread.run(chats.record, said, at=now)
            core = Core(store_thread=store_thread, engine=engine, embedder=embedder)
            engine.begin(one_at_a_time=one_at_a_time)
            began, used = time.monotonic(), cpu_s(engine.child.pid or 0)
            report = await consolidate(core, now=now + LATER, quiet_s=0.0, learns=False)
            read = time.monotonic()
            lessons, _ = await generate_missing(engine, store_thread)
            return Spent(
                observe_evolve_s=read - began,
                study_s=time.monotonic() - read,
                cpu_s=cpu_s(engine.child.pid or 0) - used,
                memories=report.ops.get("ADD", 0),
                lessons=lessons,
                read=engine.read,
                said=engine.said,
            )
        finally:
            await store_thread.close()


async def measure(model: Path, talker: Path | None, *, chats: int, rounds: int, threads: int) -> Found:
    """
    So many rounds of both ways, in turn.

    Args:
        talker: the model whose words are said; None: its own.
    """
    told, found = told_chats(chats), Found()
    embedder = Embedder.for_model(threads=1)
    words: Mapping[str, Sequence[Said]] = {}
    taught: bool | None = None
    try:
        if talker is not None:
            async with _engine(talker, threads) as speaker:
                await spent(speaker, embedder, told, one_at_a_time=False)
                words, taught = speaker.noted, (await speaker.info()).taught
        async with _engine(model, threads) as engine:
            engine.told, engine.taught = words, taught
            ways = {True: found.one_at_a_time, False: found.side_by_side}
            for number in range(rounds):
                for alone in (True, False) if number % 2 == 0 else (False, True):
                    ways[alone].append(await spent(engine, embedder, told, one_at_a_time=alone))
                    sys.stderr.write(f"{'one at a time' if alone else 'side by side'}: {ways[alone][-1]}\n")
            if engine.unknown:
                raise SystemExit(
                    f"{engine.unknown} questions were none of those that the other model answered."
                )
    finally:
        await embedder.stop()
    return found


@asynccontextmanager
async def _engine(path: Path, threads: int) -> AsyncIterator[Measured]:
    engine = Measured.for_model(path, n_ctx=CONTEXT, threads=threads, gpu_layers=0, idle_s=3600)
    try:
        await engine.info()
        yield engine
    finally:
        await engine.stop()


def summary(found: Found) -> dict[str, Any]:
    """Seconds and tokens of both ways, and how many times as fast side by side is: least, median, most of rounds."""
    pairs = list(zip(found.one_at_a_time, found.side_by_side, strict=True))
    parts = ("observe_evolve_s", "study_s", "whole_s", "cpu_s")
    ratios = {
        f"{part.removesuffix('_s')}_ratio": _spread(
            [_ratio(getattr(a, part), getattr(b, part)) for a, b in pairs]
        )
        for part in parts
    }
    ways = {"one_at_a_time": found.one_at_a_time, "side_by_side": found.side_by_side}
    numbers = {
        name: {
            **{part: _spread([getattr(one, part) for one in every]) for part in parts},
            **{
                part: _spread([getattr(one, part) for one in every])
                for part in ("memories", "lessons", "read", "said")
            },
        }
        for name, every in ways.items()
    }
    return {**numbers, **ratios}


def _ratio(one: float, other: float) -> float:
    return one / other if other else 0.0


def _spread(values: Sequence[float]) -> list[float]:
    return [round(of(values), 2) for of in (min, statistics.median, max)]


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1] if __doc__ else None)
    parser.add_argument("--chats", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=0, help="0: what fits model and machine")
    parser.add_argument("talks", type=Path, metavar="LITTLE", help="a GGUF file of a model that talks")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--shape", choices=SHAPES, help="measure random weights with Qwen's vocabulary in its place"
    )
    which.add_argument("--on", type=Path, help="measure another model's file in its place")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args()
    for file in filter(None, (given.talks, given.on)):
        if not file.is_file():
            parser.error(f"There is no file {str(file)!r}: name a GGUF file.")
    if min(given.chats, given.rounds) < 1:
        parser.error("--chats and --rounds are 1 or more.")
    with tempfile.TemporaryDirectory(prefix="tsubasa-bench-") as folder:
        model = given.on or given.talks
        if given.shape:
            model = Path(folder) / f"random-{given.shape}-Q4_K_M.gguf"
            write_random(model, SHAPES[given.shape], smollm2(), mixed=True)
        talker = None if model == given.talks else given.talks
        wanted = measure(model, talker, chats=given.chats, rounds=given.rounds, threads=given.threads)
        found = {"model": model.name, "chats": given.chats, **summary(asyncio.run(wanted))}
    if given.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    for name, values in found.items():
        sys.stdout.write(f"{name:20}{json.dumps(values)}\n")
    sys.stdout.write(f"wanted: whole_ratio of {WANTED} on a 4B shape\n")


if __name__ == "__main__":
    main()
