"""
What each stage costs with a tiny, a small and a real model's shape, and what nights of 10, 100 and 1,000 memories cost.

    observe, evolve   one chat of seven messages        study     the lessons of a memory
    teacher, student  tokens a second of the trainer    exam      one question, asked once
    merge             base and adapter as one file (no night does it: `tsubasa generations export --merged`)
    limit             2 N floating-point operations a token of the teacher, 6 N of the student (forward and backward,
                      adapters on all layers), at the speed of plain matrix products in this very run

Promises: seconds by the clock, measured in this run; a night is extrapolated by `night/pace.py`, as the daemon does it.
The third shape (Qwen3-4B in Q4_K_M) has random weights, which say nothing: its observing, evolving and studying are
SmolLM2's tokens at its own engine's speed, and its trainer learns a few short lessons only. Peak memory is the
process's own. `python -m bench.night_budget [--json] [--models nano,smollm2,qwen3-4b]`; about ten minutes on two cores.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.night_model import QWEN3_4B, smollm2, write_random, write_random_adapter
from bench.user_lessons import tonight
from bench.users import user
from daemon.config.default_model import nano
from daemon.core import Core
from daemon.embedding.client import Embedder
from daemon.engine.client import Completion, Engine
from daemon.engine.merge_adapter import merge
from daemon.exam.questions import fixed_questions
from daemon.lessons.generation import generate_missing
from daemon.lessons.tokenised import TokenisedLesson, tokenised
from daemon.memory.evolve import evolve
from daemon.memory.indexing import index_missing
from daemon.memory.observe import observe
from daemon.night.pace import Pace, calibrated, estimate
from daemon.night.planning import engine_speed
from daemon.night.trainer_process import TrainerCommand, TrainingJob, measure
from daemon.store_thread import StoreThread
from store import chats, memories
from store.chats import NewMessage
from store.database import open_store
from trainer.gguf_model import GgufModel, open_model

MODELS = ("nano", "smollm2", "qwen3-4b")
SIZES = (10, 100, 1000)  # memories of a night
MEASURED = 10  # facts whose lessons are measured
SHORT = 2  # lessons that the large shape learns
CONTEXT = 2048  # tokens
LATER = timedelta(hours=1)  # when the chat is quiet
PRODUCT = (768, 2560, 9728)  # the shapes of a matrix product: (a, b) @ (b, c)
CHAT = (
    "Hi! I'm Lena and I work as a baker in Ghent.",
    "Nice to meet you, Lena.",
    "Yesterday I adopted a dog called Biscuit.",
    "Congratulations!",
    "Can you suggest something for dinner? I'm allergic to walnuts.",
    "How about a risotto with mushrooms?",
    "Sounds good, thanks.",
)
TOLD = ("The user lives in Ghent.", "The user's dog is called Biscuit.", "The user is allergic to walnuts.")


class Counting(Engine):
    """Counts the tokens that are read and said."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.read = self.said = 0

    async def complete(self, *args: Any, **named: Any) -> Completion:
        """As the engine does."""
        answer = await super().complete(*args, **named)
        self.read += answer.prompt_tokens - answer.cached_tokens
        self.said += answer.completion_tokens
        return answer


async def measure_model(
    name: str, path: Path, small: Mapping[str, Any] | None, log: Console
) -> dict[str, Any]:
    """
    All numbers of one model.

    Args:
        small: those of a smaller model, whose tokens stand in for work that this one can't do.
    """
    engine = Counting.for_model(path, n_ctx=CONTEXT, threads=0, gpu_layers=0, idle_s=3600)
    assert isinstance(engine, Counting)
    try:
        read, said = await engine_speed(engine)
        fixed = fixed_questions(tiny=(await engine.info()).tiny)
        log.print(f"{name}: {read:.1f} tokens/s read, {said:.1f} said")
        work = _foretold(small["work"], read, said) if small else await _work(engine)
        lessons = await tokenised(engine, tonight(user(0, MEASURED, never=MEASURED), {}, 0))
        engine_mb = _peak_mb(engine.child.pid)
    finally:
        await engine.stop()
    few = sorted(lessons, key=lambda one: len(one.teacher) + len(one.answer))[:SHORT] if small else lessons
    log.print(f"{name}: {work}; the trainer begins")
    flops = _flops()
    trainer = await measure(TrainingJob(lessons=few), TrainerCommand(model_path=path))
    planned = replace(trainer, steps=small["steps"], batch=small["batch"]) if small else trainer
    pace = calibrated(planned, lessons, read=read, said=said, fixed_questions=fixed)
    pace = replace(pace, study_s=work["study"]["s"])
    model = open_model(path)
    n = _parameters(model)
    return {
        "model": name,
        "parameters": n,
        "read_tokens_per_s": read,
        "said_tokens_per_s": said,
        "work": work,
        "engine_mb": engine_mb,
        "trainer": asdict(trainer),
        "steps": planned.steps,
        "batch": planned.batch,
        "step_s": _tokens(lessons) / len(lessons) * planned.batch / trainer.student_tokens_per_s,
        "question_s": pace.question_s,
        "merge_s": None if small else _merge_s(path, model),
        "gflops": flops / 1e9,
        "student_of_limit": 6 * n * trainer.student_tokens_per_s / flops,
        "teacher_of_limit": 2 * n * trainer.teacher_tokens_per_s / flops,
        "nights": {size: _night(pace, lessons, size, n, flops) for size in SIZES},
    }


def _night(
    pace: Pace, lessons: Sequence[TokenisedLesson], size: int, n: int, flops: float
) -> dict[str, float]:
    """A night of so many memories, in minutes, and the least that the machine's products would take for it."""
    whole = estimate(pace, lessons, to_study=size - MEASURED, studied=MEASURED)
    study_s = size * pace.study_s
    limit_s = size / MEASURED * _tokens(lessons) * (2 * n + 6 * n * pace.passes) / flops
    return {
        "study": study_s / 60,
        "teacher": whole.teacher_s / 60,
        "student": whole.student_s / 60,
        "exam": whole.exam_s / 60,
        "all": (whole.total_s - whole.study_s + study_s) / 60,
        "limit": limit_s / 60,
    }


async def _work(engine: Counting) -> dict[str, dict[str, float]]:
    """Observing and evolving one chat, and studying a memory: seconds, tokens read and said."""
    with tempfile.TemporaryDirectory() as folder:
        embedder = Embedder.for_model(threads=1)
        store_thread = StoreThread(partial(open_store, Path(folder) / "tsubasa.db", b"k" * 32))
        await store_thread.open()
        core = Core(store_thread=store_thread, engine=engine, embedder=embedder)
        now = datetime.now(UTC)
        said = [
            NewMessage(role="assistant" if place % 2 else "user", text=text, said_at=now)
            for place, text in enumerate(CHAT)
        ]
        try:
            await store_thread.run(chats.record, said, at=now)
            await index_missing(store_thread, embedder)
            (messages,) = await store_thread.run(
                chats.quiet, before=now + LATER, version="none", now=now + LATER
            )
            observed, found = await _timed(engine, observe(engine, messages, day=now.date()))
            evolved = {"s": 0.0, "read": 0.0, "said": 0.0}
            for one in found.found:
                more, _ = await _timed(engine, evolve(core, one))
                evolved = {key: evolved[key] + more[key] for key in evolved}
            for text in TOLD:
                await store_thread.run(memories.add, text, told_on=date.today(), sources=())
            held = len(await store_thread.run(memories.holding))
            studied, _ = await _timed(engine, generate_missing(engine, store_thread))
        finally:
            await store_thread.close()
            await embedder.stop()
    return {
        "observe": observed,
        "evolve": evolved,
        "study": {key: value / held for key, value in studied.items()},
    }


async def _timed(engine: Counting, work: Any) -> tuple[dict[str, float], Any]:
    began, read, said = time.monotonic(), engine.read, engine.said
    result = await work
    spent = {"s": time.monotonic() - began, "read": engine.read - read, "said": engine.said - said}
    return spent, result


def _foretold(
    work: Mapping[str, Mapping[str, float]], read: float, said: float
) -> dict[str, dict[str, float]]:
    """The same work at another engine's speed."""
    return {name: {**spent, "s": spent["read"] / read + spent["said"] / said} for name, spent in work.items()}


def _tokens(lessons: Sequence[TokenisedLesson]) -> int:
    return sum(len(one.student) + len(one.answer) for one in lessons)


def _flops() -> float:
    """Floating-point operations a second of plain products of float32, the best of three."""
    rows, inner, columns = PRODUCT
    a, b = np.ones((rows, inner), np.float32), np.ones((inner, columns), np.float32)
    seconds = []
    for _ in range(3):
        began = time.monotonic()
        a @ b
        seconds.append(time.monotonic() - began)
    return 2 * rows * inner * columns / min(seconds)


def _merge_s(path: Path, model: GgufModel) -> float:
    """Seconds that base and an adapter on all matrices take to become one file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "adapter.gguf"
        write_random_adapter(file, model.shape)
        began = time.monotonic()
        for _ in merge(path, file.read_bytes(), Path(folder) / "merged.gguf", says={}):
            pass
        return time.monotonic() - began


def _parameters(model: GgufModel) -> int:
    return sum(int(np.prod(size)) for size in model.shape.expected().values())


def _peak_mb(pid: int | None) -> float:
    try:
        said = Path(f"/proc/{pid}/status").read_text()
        return int(said.split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    except (OSError, IndexError):
        return 0.0


async def measure_all(names: Sequence[str], log: Console) -> list[dict[str, Any]]:
    """All models, one after the other; the largest uses the small one's tokens."""
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="night-budget-") as folder:
        for name in names:
            path = nano() if name == "nano" else smollm2()
            small = None
            if name == "qwen3-4b":
                small = next(one for one in found if one["model"] == "smollm2")
                path = Path(folder) / "random-Q4_K_M.gguf"
                write_random(path, QWEN3_4B, smollm2(), mixed=True)
            found.append(await measure_model(name, path, small, log))
            log.print(
                json.dumps(found[-1]), soft_wrap=True
            )  # a run that is broken off has measured something
    return found


def tables(found: Sequence[Mapping[str, Any]]) -> list[Table]:
    """The numbers for a person."""
    stages = Table("model", "observe, s", "evolve, s", "study, s", "teacher, tok/s", "student, tok/s", "step, s",
                   "question, s", "merge, s", "engine, MB", "trainer, MB", "GFLOP/s", "of the limit")  # fmt: skip
    nights = Table("model", "memories", "study", "teacher", "student", "exam", "all, min", "limit, min")
    for one in found:
        work, trainer = one["work"], one["trainer"]
        merge_s = "" if one["merge_s"] is None else f"{one['merge_s']:.1f}"
        share = f"{one['teacher_of_limit']:.2f}, {one['student_of_limit']:.2f}"
        stages.add_row(one["model"], *(f"{work[key]['s']:.1f}" for key in ("observe", "evolve", "study")),
                       f"{trainer['teacher_tokens_per_s']:.1f}", f"{trainer['student_tokens_per_s']:.1f}",
                       f"{one['step_s']:.2f}", f"{one['question_s']:.2f}", merge_s, f"{one['engine_mb']:.0f}",
                       f"{trainer['peak_mb']:.0f}", f"{one['gflops']:.0f}", share)  # fmt: skip
        for size, night in one["nights"].items():
            nights.add_row(one["model"], str(size), *(f"{night[key]:.1f}" for key in night))
    return [stages, nights]


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--models", default=",".join(MODELS), help="qwen3-4b needs smollm2 before it")
    given = parser.parse_args()
    found = asyncio.run(measure_all(given.models.split(","), Console(stderr=True, width=200)))
    if given.json:
        sys.stdout.write(json.dumps({"models": found}) + "\n")
        return
    for one in tables(found):
        Console(width=200).print(one)


if __name__ == "__main__":
    main()
