"""A backend module as `backends.MODULES` names them, whose card is too small for every model."""

from typing import NoReturn

from trainer.errors import OutOfMemory
from trainer.gguf_model import GgufModel
from trainer.recipe import Recipe


def why_not(model: GgufModel, recipe: Recipe) -> None:
    """Nothing is known against it before it is tried."""


def open_backend(model: GgufModel, recipe: Recipe, seed: int) -> NoReturn:
    """
    Always fails.

    Raises:
        OutOfMemory: each time.
    """
    raise OutOfMemory("loading the model", 0)
