"""
Teach a chat model the daemon's tasks: `python -m models.skills.train --base FILE.gguf --run FOLDER`.

    mixture.py ─────────────────> the engine's tokens ──> the trainer's backend ──> FOLDER/checkpoint, scores.jsonl
    FOLDER/own_words.jsonl ──> what the base itself expects ──┘            `── --finish ──> FOLDER/skills.gguf

Any base that the trainer takes, on CUDA or the CPU. A short warm-up, then one rate for as long as wanted: a run that
was stopped goes on from its checkpoint. `--finish` lets the rate fall to nothing over some more tokens, beside the
checkpoint, and writes the adapter; a longer run still goes on from where it was.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from safetensors import safe_open
from safetensors.numpy import save

from daemon.atomic_file import replacing
from daemon.downloads.pull import sha256_of
from daemon.engine.client import Engine
from daemon.engine.gguf_file import checked_header
from daemon.errors import DaemonError
from models.skills import adapter_file, mixture, own_words
from models.skills.items import Item
from models.skills.lessons import Cut, Teacher, batch_of, cut, own_item
from trainer.adapter_gguf import read_adapter
from trainer.errors import TrainerError
from trainer.gguf_model import GgufModel, open_model
from trainer.recipe import Recipe
from trainer.torch_backend import TorchBackend

WARM_UP = 50  # steps
PART_MB = 6000.0  # of activations in memory at a time
CHECKPOINT, ADAPTER, SCORES, BASE_ANSWERS = (
    "checkpoint.safetensors",
    "skills.gguf",
    "scores.jsonl",
    "base_answers.json",
)

out = Console(highlight=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What this call is to do."""

    base: Path
    run: Path
    start: Path | None  # an adapter that a new run begins with
    tokens: float  # of this call, at most
    minutes: float  # of this call, at most
    hardest: float  # tokens of the whole run after which the mixture is at its hardest
    step_tokens: int
    rate: float
    rank: int
    own: float  # share of the items that are the base's own words
    look: float  # tokens between two evaluations; 0: none
    items: int  # of each part of an evaluation
    held: int  # items of each task that are never trained; their loss is watched
    longest: int  # tokens of an item
    threads: int
    seed: int
    finish: bool


@dataclass(slots=True, kw_only=True)
class Position:
    """How far a run is."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


class Stream:
    """The lessons, step by step."""

    def __init__(self, engine: Engine, plan: Plan) -> None:
        self._engine, self._plan = engine, plan
        self._own = own_words.rows(plan.run / own_words.NAME) if plan.own else []

    async def step(self, at: Position) -> list[Cut]:
        """The lessons of the next step: the same for the same position."""
        chance = random.Random(f"{self._plan.seed} {at.step}")
        share = min(1.0, at.tokens / self._plan.hardest)
        found: list[Cut] = []
        while (size := sum(len(one.tokens) for one in found)) < self._plan.step_tokens:
            wanted = max(1, (self._plan.step_tokens - size) // 300)
            found += await self._cut([self._item(chance, share) for _ in range(wanted)])
        return found

    async def held(self) -> dict[str, list[Cut]]:
        """Lessons of each task that no step has: its seeds are numbers."""
        chance = random.Random("held out")
        found: dict[str, list[Item]] = {}
        while len(found) < len(mixture.TASKS) or min(map(len, found.values())) < self._plan.held:
            one = mixture.item(chance, 1.0)
            found.setdefault(one.task, []).append(one)
        return {task: await self._cut(some[: self._plan.held]) for task, some in sorted(found.items())}

    async def _cut(self, items: Sequence[Item]) -> list[Cut]:
        return [one for one in await cut(self._engine, items) if len(one.tokens) <= self._plan.longest]

    def _item(self, chance: random.Random, share: float) -> Item:
        if self._own and chance.random() < self._plan.own:
            return own_item(chance, self._own)
        return mixture.item(chance, share)


class Run:
    """A backend on the way, and its files."""

    def __init__(self, plan: Plan, model: GgufModel) -> None:
        recipe = Recipe(rank=plan.rank, alpha=2.0 * plan.rank, layers=1.0, threads=plan.threads)
        self._plan, self._model, self._recipe = plan, model, recipe
        self._sha256 = sha256_of(plan.base)
        self.backend = TorchBackend(model, recipe, plan.seed, part_mb=PART_MB)
        self._teacher = Teacher(self.backend)
        self.at = Position()
        if (file := plan.run / CHECKPOINT).exists():
            self._restore(file)
        elif plan.start:
            self._begin_with(plan.start)

    def learn(self, lessons: Sequence[Cut], rate: float) -> float:
        """One update; the loss before it."""
        sequences, targets = batch_of(lessons, self._teacher)
        loss = self.backend.step(sequences, targets, rate)
        self.at.step += 1
        self.at.tokens += len(sequences.tokens)
        return loss

    def losses(self, held: dict[str, list[Cut]]) -> dict[str, float]:
        """Nats per answer token of the lessons that are never trained, by task."""
        return {
            task: round(self.backend.loss(*batch_of(some, self._teacher)), 4) for task, some in held.items()
        }

    def keep(self) -> None:
        """Write the checkpoint: whole, or the one before stays."""
        data = save(self.backend.state(), {"position": json.dumps(asdict(self.at))})
        with replacing(self._plan.run / CHECKPOINT) as file:
            file.write(data)

    def write(self, path: Path) -> None:
        """Write the adapter."""
        adapter_file.write(
            path,
            self.backend.adapter(),
            self._model.shape,
            alpha=self._recipe.alpha_for(self._model.base),
            base_sha256=self._sha256,
        )

    def _begin_with(self, file: Path) -> None:
        adapter = read_adapter(file, self.backend.adapter(), self._model.shape)
        try:
            self.backend.begin_with(adapter)
        except ValueError as error:
            raise SystemExit(
                f"Can't begin with {file}: {error}. Give the --rank that it was trained with."
            ) from None

    def _restore(self, file: Path) -> None:
        with safe_open(file, "np") as kept:
            self.at = Position(**json.loads(kept.metadata()["position"]))
            self.backend.restore({name: kept.get_tensor(name) for name in kept.keys()})
        out.print(f"Going on from step {self.at.step}, {self.at.tokens:,} tokens.")


async def train(plan: Plan) -> None:
    """
    Do what `plan` says.

    Raises:
        TrainerError: the base can't learn.
        DaemonError: the engine can't serve it, or it has no chat template.
        SystemExit: the base's own words are missing.
    """
    checked_header(plan.base)
    plan.run.mkdir(parents=True, exist_ok=True)
    _check_own_words(plan)
    model = open_model(plan.base)
    engine = Engine.for_model(plan.base, n_ctx=4096, threads=1, gpu_layers=0, idle_s=36000)
    try:
        stream = Stream(engine, plan)
        held = await stream.held()
        run = Run(plan, model)
        await _steps(plan, run, stream, held)
    finally:
        await engine.stop()


def _check_own_words(plan: Plan) -> None:
    if plan.own and not (plan.run / own_words.NAME).exists():
        raise SystemExit(
            f"Can't train: {plan.run} has no {own_words.NAME}, the base's own answers, which keep it what it is. "
            f"Make them with python -m models.skills.own_words --base {plan.base} --run {plan.run}, or leave them "
            f"out with --own 0."
        )


async def _steps(plan: Plan, run: Run, stream: Stream, held: dict[str, list[Cut]]) -> None:
    began, first, before = time.monotonic(), run.at.tokens, run.at.seconds
    looked, recent = first, list[float]()
    while (done := _part(plan, run.at.tokens - first, time.monotonic() - began)) < 1:
        lessons = await stream.step(run.at)
        # In this very thread: OpenMP's threads of two callers would be too many for the cores, and sleep between steps.
        recent.append(run.learn(lessons, _rate(plan, run.at.step, done)))
        run.at.seconds = before + time.monotonic() - began
        if run.at.step % 10 == 0:
            _say(run.at, first, recent[-10:], time.monotonic() - began)
        if run.at.step % 20 == 0 and not plan.finish:
            run.keep()
        if plan.look and run.at.tokens - looked >= plan.look:
            looked = run.at.tokens
            _look(plan, run, held)
    if plan.finish:
        run.write(plan.run / ADAPTER)
        out.print(f"Wrote {plan.run / ADAPTER}.")
    else:
        run.keep()
    if looked != run.at.tokens:
        _look(plan, run, held)


def _part(plan: Plan, tokens: int, seconds: float) -> float:
    """How much of this call is done."""
    return max(tokens / plan.tokens, seconds / 60 / plan.minutes)


def _rate(plan: Plan, step: int, done: float) -> float:
    warm = min(1.0, (step + 1) / WARM_UP)
    return plan.rate * warm * (1.0 - done if plan.finish else 1.0)


def _say(at: Position, first: int, recent: Sequence[float], seconds: float) -> None:
    loss, speed = sum(recent) / len(recent), (at.tokens - first) / seconds
    out.print(
        f"step {at.step}  {at.tokens:,} tokens  loss {loss:.3f}  {speed:.0f} tokens/s  {seconds / 60:.1f} min"
    )


def _look(plan: Plan, run: Run, held: dict[str, list[Cut]]) -> None:
    """Append the losses, and what the evaluation says of the adapter as it is, to the run's scores."""
    line: dict[str, object] = {**asdict(run.at), "finished": plan.finish, "losses": run.losses(held)}
    if plan.items:
        adapter = plan.run / f"adapter-{run.at.tokens}.gguf"
        run.write(adapter)
        line["scores"] = _evaluated(plan, adapter)
    with (plan.run / SCORES).open("a") as file:
        file.write(json.dumps(line) + "\n")
    out.print(json.dumps(line))


def _evaluated(plan: Plan, adapter: Path) -> object:
    command = [
        *(sys.executable, "-m", "models.skills.evaluate", "--json", "--model", str(plan.base)),
        *("--adapter", str(adapter), "--items", str(plan.items), "--threads", str(plan.threads)),
        *("--base-answers", str(plan.run / BASE_ANSWERS)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr.strip().splitlines()[-1:]


def _above_zero(text: str) -> float:
    if not (number := float(text)) > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above zero")
    return number


def main() -> None:
    """Read the command line, train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--base", type=Path, required=True, help="the chat model, a GGUF file")
    add("--run", type=Path, required=True, help="folder of the run")
    add("--start", type=Path, help="an adapter that a new run begins with, such as models/skills/skills.gguf")
    add("--tokens", type=_above_zero, default=3e6, help="of this call, at most")
    add("--minutes", type=_above_zero, default=1e9, help="of this call, at most")
    add(
        "--hardest",
        type=_above_zero,
        default=1e6,
        help="tokens of the run after which the mixture is at its hardest",
    )
    add("--step-tokens", type=int, default=3000)
    add("--rate", type=float, default=1e-3, help="of AdamW")
    add("--rank", type=int, default=16)
    add("--own", type=float, default=0.3, help="share of items that are the base's own words")
    add("--look", type=float, default=0.0, help="tokens between two evaluations; 0: only at the end")
    add("--items", type=int, default=0, help="of each part of an evaluation; 0: losses only")
    add(
        "--held",
        type=int,
        default=12,
        help="items of each task that are never trained; their loss is watched",
    )
    add("--longest", type=int, default=1024, help="tokens of an item; longer ones are left out")
    add("--threads", type=int, default=0, help="0: as the library chooses")
    add("--seed", type=int, default=1)
    add("--finish", action="store_true", help="let the rate fall to nothing, write skills.gguf")
    try:
        asyncio.run(train(Plan(**vars(parser.parse_args()))))
    except (TrainerError, DaemonError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
