"""The training mixture: which task how often, at which moment of a run."""

import random
from collections.abc import Callable, Mapping

from models.skills import ask, evolve, lesson_tasks, observe, recall
from models.skills.items import Item

__all__ = ["TASKS", "Item", "item"]

TASKS: Mapping[str, tuple[float, Callable[[random.Random, float], Item]]] = {  # share, and what makes an item
    "observe": (0.5, observe.item),
    "evolve": (0.2, evolve.item),
    "ask": (0.3, ask.item),
    "recall": (1.0, recall.item),
    "lessons": (0.35, lesson_tasks.item),
}


def item(rng: random.Random, share: float) -> Item:
    """One training item; `share` of the run is done, 0 to 1: short chats that have facts come first."""
    weights = [weight for weight, _ in TASKS.values()]
    _, make = rng.choices(list(TASKS.values()), weights)[0]
    return make(rng, share)
