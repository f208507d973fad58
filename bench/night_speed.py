"""
How quickly, and in how much memory, the student learns: ours beside a plain loop, in one run.

    the same file, lessons, batches, adapter, precision, threads ──> a process each ──> tokens a second, peak memory

    tokens    those of the student's lessons, prompt and answer, padding left out
    a second  of all the work: the teacher's too. The plain loop asks it in every step; ours once a lesson, so its time
              is shared out over the times that the recipe shows a lesson (`Recipe.epochs_for`). A lesson alone is
              the warm-up; loading is in neither
    cpu       the same with seconds of the processor instead of the clock: on a machine with other work these say more
    peak      of the process's memory, from its start to its end, loading included

Lessons have the lengths of real ones: questions and memories of `sentences.py`, one to four memories in the teacher's
system turn as the night lays them there.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.clock import now
from bench.night_model import QWEN3_06B, write_random
from bench.sentences import question, sentence
from daemon.engine.client import Engine
from daemon.lessons.tokenised import TokenisedLesson, tokenised
from daemon.memory.recall import system_text
from store.lessons import Lesson
from trainer.backend import pack
from trainer.gguf_model import open_model
from trainer.recipe import Recipe

NANO = Path(__file__).parent.parent / "models" / "nano" / "nano.gguf"
SHAPES = {"nano": 60, "qwen3-0.6b": 3}  # steps measured of each
ANSWERS = ("Your {} is called {}.", "It is {} {}.", "{} {} did.", "On {}, in {}.", "Because of {} {}.")
OTHERS = 3  # memories beside the right one, at most


def measure(shape: str, *, threads: int = 1, path: Path | None = None) -> dict[str, Any]:
    """
    Both sides at `shape` ("nano" or "qwen3-0.6b"), one after the other.

    Args:
        path: the model file; None: nano's own, or a random one of that shape in a temporary folder.
    """
    with tempfile.TemporaryDirectory(prefix="night-speed-") as folder:
        if path is None:
            path = NANO if shape == "nano" else Path(folder) / "random.gguf"
            if shape != "nano":
                write_random(path, QWEN3_06B, NANO)
        sides = {side: _in_a_child(side, path, SHAPES[shape], threads) for side in ("plain", "ours")}
    plain, ours = sides["plain"], sides["ours"]
    return {
        "shape": shape,
        "speed_ratio": ours["tokens_per_s"] / plain["tokens_per_s"],
        "cpu_speed_ratio": ours["cpu_tokens_per_s"] / plain["cpu_tokens_per_s"],
        "memory_ratio": ours["peak_mb"] / plain["peak_mb"],
        "threads": threads,
        **sides,
    }


def measure_ours(path: Path, batches: list[list[TokenisedLesson]], recipe: Recipe) -> dict[str, Any]:
    """Tokens a second, the last loss, and the peak of this process; a lesson alone is the warm-up."""
    from trainer.backends import open_backend  # loads torch: in the child only

    backend = open_backend(open_model(path), recipe, 0)
    taught = [pack([(each.teacher, each.answer) for each in batch]) for batch in batches]
    learned = [pack([(each.student, each.answer) for each in batch]) for batch in batches]
    first = batches[0][0]
    warm_up = pack([(first.student, first.answer)])
    loss = backend.step(warm_up, backend.teach(warm_up, recipe.d), 0.0)
    began = now()
    targets = [backend.teach(batch, recipe.d) for batch in taught]
    teacher = now() - began
    began = now()
    for batch, expected in zip(learned, targets, strict=True):
        loss = backend.step(batch, expected, 1e-4)
    student = now() - began
    tokens = sum(len(batch.tokens) for batch in learned)
    whole = student + teacher / recipe.epochs_for(backend.base)
    return {
        "tokens_per_s": tokens / whole[0],
        "cpu_tokens_per_s": tokens / whole[1],
        "peak_mb": backend.peak_mb(),
        "loss": loss,
        "teacher_s": teacher.tolist(),  # by the clock, of the processor; of as many lessons as were learned
        "student_s": student.tolist(),
        "epochs": recipe.epochs_for(backend.base),
        "backend": backend.name,
    }


def batches_of(path: Path, count: int, recipe: Recipe) -> list[list[TokenisedLesson]]:
    """`count` batches of lessons as the model at `path` reads them, always the same."""
    chance = random.Random(0)
    lessons = [_lesson(number, chance) for number in range(count * recipe.batch)]
    course = asyncio.run(_tokenised(path, lessons))
    return [
        sorted(course[at : at + recipe.batch], key=lambda each: len(each.student) + len(each.answer))
        for at in range(0, len(course), recipe.batch)
    ]


async def _tokenised(path: Path, lessons: Sequence[Lesson]) -> list[TokenisedLesson]:
    engine = Engine.for_model(path, n_ctx=512, threads=1, gpu_layers=0, idle_s=3600)
    try:
        return await tokenised(engine, lessons)
    finally:
        await engine.stop()


def _lesson(number: int, chance: random.Random) -> Lesson:
    memories = [sentence(chance) for _ in range(1 + chance.randint(0, OTHERS))]
    words = sentence(chance).rstrip(".").split()
    return Lesson(
        id=number,
        question=question(chance),
        answer=chance.choice(ANSWERS).format(*chance.sample(words, 2)),
        grounding=system_text(memories),
        kind="fact",
        split="train",
        memory_ids=(),
    )


def _in_a_child(side: str, path: Path, steps: int, threads: int) -> dict[str, Any]:
    argv = [sys.executable, "-m", "bench.night_speed", "--side", side, "--model", str(path)]
    argv += ["--steps", str(steps), "--threads", str(threads)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(argv, stdout=subprocess.PIPE, env=environment, check=True)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> None:
    """Measure both sides at a shape, or, in a child, one side."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=[*SHAPES], default="nano")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--side", choices=["plain", "ours"], help="one side only, in this process")
    parser.add_argument("--model", type=Path, help="a GGUF of that shape")
    parser.add_argument("--steps", type=int, default=3)
    given = parser.parse_args()
    if given.side is None:
        found = measure(given.shape, threads=given.threads, path=given.model)
    else:
        recipe = Recipe(layers=1.0, threads=given.threads, device="cpu", precision="float32")
        batches = batches_of(given.model or NANO, given.steps, recipe)
        if given.side == "plain":
            from bench.plain_loop import measure_plain  # loads torch: in the child only

            found = measure_plain(given.model or NANO, batches, recipe)
        else:
            found = measure_ours(given.model or NANO, batches, recipe)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
