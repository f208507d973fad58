"""A tiny model, adapters for it, and one engine process that the tests of this folder share."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.engine.client import Engine
from tests import tiny

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def make_engine(path: Path, *, n_ctx: int = 0, idle_s: float = 600.0) -> Engine:
    return Engine.for_model(path, n_ctx=n_ctx, threads=1, gpu_layers=0, idle_s=idle_s)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="session")
def model(folder: Path) -> Path:
    return tiny.write_model(folder / "tiny.gguf")


@pytest.fixture(scope="session")
def adapters(folder: Path) -> list[bytes]:
    """Two that change what the model says."""
    return [tiny.write_adapter(folder / f"{seed}.gguf", seed=seed).read_bytes() for seed in (2, 3)]


@pytest.fixture(scope="session")
def run() -> Iterator[Run]:
    """Run a coroutine in the one event loop of the session, where the shared engine lives."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="session")
def shared(model: Path, run: Run) -> Iterator[Engine]:
    engine = make_engine(model)
    yield engine
    run(engine.stop())


@pytest.fixture
def engine(shared: Engine, run: Run) -> Engine:
    """The shared engine, serving the base model."""
    run(shared.adopt(None))
    return shared
