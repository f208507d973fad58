"""Each backend that runs here, as `device`; what the suites train with."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from trainer import backends
from trainer.backend import Backend
from trainer.gguf_model import open_model
from trainer.recipe import Recipe

RECIPE = Recipe(layers=1.0, rank=4, alpha=8.0, threads=1, precision="float32")
Opener = Callable[..., Backend]


@pytest.fixture(scope="module", params=backends.MODULES)
def device(request: pytest.FixtureRequest, tiny: Path) -> str:
    """The name of a backend; those that can't run here are skipped with their reason."""
    if reason := dict(backends.reasons_against(open_model(tiny), Recipe(device=request.param)))[
        request.param
    ]:
        pytest.skip(reason)
    return str(request.param)


@pytest.fixture
def opened(device: str, tiny: Path) -> Opener:
    """Opens the backend on a model (the random one unless told), with a fresh adapter."""

    def open_one(path: Path = tiny, seed: int = 1, **recipe: object) -> Backend:
        asked = replace(RECIPE, **{"device": device, **recipe})
        return backends.open_backend(open_model(path), asked, seed)

    return open_one
