"""
Which library trains here.

Promises: no library is loaded before it is needed. Knows nothing of lessons.
"""

from importlib import import_module

from trainer.backend import Backend
from trainer.errors import NoBackend
from trainer.gguf_model import GgufModel
from trainer.recipe import Recipe


def open_backend(model: GgufModel, recipe: Recipe, seed: int) -> Backend:
    """
    Load `model` in the first library that can train it here, with a fresh adapter on it.

    Raises:
        NoBackend: none can.
        OutOfMemory: the model does not fit.
    """
    try:
        module = import_module("trainer.torch_backend")  # late: takes seconds
    except ImportError as error:
        raise NoBackend(f"{error.name or 'a library'} can't be loaded ({error})") from error
    if reason := module.why_not(model, recipe):
        raise NoBackend(reason)
    backend: Backend = module.open_backend(model, recipe, seed)
    return backend
