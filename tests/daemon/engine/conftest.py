"""A tiny model, adapters for it, and one engine process that the tests of this folder share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from daemon.engine.client import Engine
from tests import tiny


@asynccontextmanager
async def own_engine(path: Path, *, idle_s: float = 600.0, chat_template: str = "") -> AsyncIterator[Engine]:
    """An engine that is stopped after the block."""
    engine = Engine.for_model(
        path, n_ctx=0, threads=1, gpu_layers=0, idle_s=idle_s, chat_template=chat_template
    )
    try:
        yield engine
    finally:
        await engine.stop()


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
async def shared(model: Path) -> AsyncIterator[Engine]:
    async with own_engine(model) as engine:
        yield engine


@pytest.fixture
async def engine(shared: Engine) -> Engine:
    """The shared engine, serving the base model."""
    await shared.adopt(None)
    return shared
