"""Which library trains here, on which device, and why the others can't. No library is loaded before it is needed."""

import logging
import platform
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from types import ModuleType

from trainer.backend import Backend
from trainer.errors import OutOfMemory, TrainerError, one_line
from trainer.gguf_affine import unreadable
from trainer.gguf_model import GgufModel
from trainer.recipe import Recipe

MODULES = {  # in the order in which "auto" tries them
    "cuda": "trainer.torch_backend",
    "mlx": "trainer.mlx_backend",
    "cpu": "trainer.torch_backend",
}

log = logging.getLogger(__name__)


def open_backend(model: GgufModel, recipe: Recipe, seed: int) -> Backend:
    """
    Load `model` on the first device that can train it here, with a fresh adapter on it.

    Under "auto" a card that turns out too small is passed over: a CPU has other memory.

    Raises:
        TrainerError: none can; it names each one's reason.
        OutOfMemory: the model does not fit.
    """
    reasons: dict[str, str] = {}
    for name, reason in reasons_against(model, recipe):
        if reason is None:
            module = import_module(MODULES[name])
            try:
                backend: Backend = module.open_backend(model, replace(recipe, device=name), seed)
                return backend
            except OutOfMemory:
                if (recipe.device, name) != ("auto", "cuda"):
                    raise
            reason = "the model doesn't fit in the card's memory"
            log.warning("not on %s: %s", name, reason)
        reasons[name] = reason
    named = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    raise TrainerError(
        "no_backend",
        f"Can't train here: {named}. Install the program again with its training libraries, or choose another "
        f"'device' in the recipe.",
    )


def reasons_against(model: GgufModel, recipe: Recipe) -> Iterator[tuple[str, str | None]]:
    """Each backend in the order they are tried, and why it can't train `model` by `recipe`; None when it can."""
    for name in MODULES:
        yield name, _reason(name, model, recipe)


def _reason(name: str, model: GgufModel, recipe: Recipe) -> str | None:
    if recipe.device not in ("auto", name):
        return f"the recipe asks for {recipe.device!r}"
    if kinds := {kind for _, kind in model.read(unreadable) if kind}:
        return f"the model has tensors of the type {', '.join(sorted(kinds))}, which can't be read"
    if name == "mlx" and recipe.device == "auto" and not _apple_silicon():
        return "this is no Apple silicon"
    try:
        module: ModuleType = import_module(MODULES[name])  # late: takes seconds
    except (ImportError, OSError) as error:  # OSError: a shared library that is missing or broken
        library = getattr(error, "name", None) or "a library"
        return f"{library} can't be loaded ({one_line(error)})"
    reason: str | None = module.why_not(model, replace(recipe, device=name))
    return reason


def _apple_silicon() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"
