"""Models and lessons that several files use, most of them made once."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import gguf
import llama_cpp
import pytest
import torch

from tests.trainer import random_models
from tests.trainer.llama_oracle import quantise
from trainer.job import Lesson

ROOT = Path(__file__).parents[2]
QUANTISED = {
    "Q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0,
    "Q4_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0,
    "Q4_1": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_1,
    "Q4_K_M": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M,
}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Qwen3 in float32."""
    return random_models.write_gguf(
        tmp_path_factory.mktemp("tiny") / "tiny.gguf", random_models.random_model()
    )


@pytest.fixture
def write_model(tmp_path: Path) -> Callable[..., Path]:
    """Writes a random model with matrices of one type; the options are those of `random_model`."""

    def write(kind: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.F32, **options: object) -> Path:
        return random_models.write_gguf(tmp_path / "model.gguf", random_models.random_model(**options), kind)

    return write


@pytest.fixture(scope="session")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """A random model of an architecture as F16, Q8_0, Q4_0, Q4_1 or Q4_K_M (with Q6_K), of sizes that 256 divides."""
    folder = tmp_path_factory.mktemp("quantised")

    @cache
    def write(architecture: str, kind: str) -> Path:
        path = folder / f"{architecture}-{kind}.gguf"
        if kind in QUANTISED:
            return quantise(write(architecture, "F16"), path, QUANTISED[kind])
        model = random_models.random_model(architecture, hidden=256, ffn=512, head_dim=64)
        return random_models.write_gguf(path, model, gguf.GGMLQuantizationType.F16)

    return write


@pytest.fixture(scope="session")
def without_numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose every logit is NaN."""
    model = random_models.random_model()
    with torch.no_grad():
        model.model.norm.weight[3] = torch.nan
    return random_models.write_gguf(tmp_path_factory.mktemp("broken") / "broken.gguf", model)


@pytest.fixture(scope="session")
def lessons() -> list[Lesson]:
    """Eight facts to learn by heart and a held-out phrasing of each, without any grounding: tokens of no meaning."""
    made = []
    for number in range(8):
        about, answer, end = 100 + number, (150 + number, 30 + number % 3), 2
        for split, question in {"train": (20, 21, about, 22), "exam": (23, about, 24)}.items():
            made.append(
                Lesson(
                    id=number,
                    kind="fact",
                    split=split,
                    teacher=question,
                    student=question,
                    answer=(*answer, end),
                )
            )
    return made


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen]]:
    """Start trainers, each with a job on its stdin; none outlives the test."""
    children: list[subprocess.Popen] = []

    def start_one(job: dict | bytes | None, *program: str) -> subprocess.Popen:
        pipe = subprocess.PIPE
        argv = [sys.executable, *(program or ("-m", "trainer"))]
        children.append(subprocess.Popen(argv, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe))
        if job is not None:
            send(children[-1], job)
        return children[-1]

    yield start_one
    for child in children:
        child.kill()
        child.communicate()


def send(child: subprocess.Popen, job: dict | bytes) -> None:
    child.stdin.write(job if isinstance(job, bytes) else json.dumps(job, default=str).encode())
    child.stdin.close()
    child.stdin = None
