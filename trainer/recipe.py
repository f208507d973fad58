"""The recipe: every number that decides how an adapter is trained, with its unit and its limits."""

import math
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any

from trainer.errors import bad_job

MIDDLE, LARGE = 50e6, 500e6  # parameters; from each on a pretrained model learns more slowly


def _number(default: float, unit: str, low: float, high: float) -> Any:
    return field(default=default, metadata={"unit": unit, "low": low, "high": high})


def _optional(unit: str, low: float, high: float) -> Any:
    return field(default=None, metadata={"unit": unit, "low": low, "high": high})


def _choice(default: str, *others: str) -> Any:
    return field(default=default, metadata={"choices": (default, *others)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a recipe goes by where it leaves a number to the program."""

    parameters: int
    pretrained: bool  # it knows languages and the world; False: made from scratch for our tasks, as nano is


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one adapter is trained; the defaults go by what the base model is."""

    rank: int | None = _optional("LoRA dimensions; none = 16 for a pretrained model, else 32", 1, 256)
    alpha: float | None = _optional(
        "the adapter is scaled by alpha / rank; none = twice the rank for a pretrained model, else the rank",
        0.001,
        1024.0,
    )
    layers: float | None = _optional(
        "part of the layers that learn, the upper ones; none = half for a pretrained model, else all",
        0.01,
        1.0,
    )
    loss: str = _choice("rest", "renormalised", "raw", "hard")  # what each means: loss.py
    d: int = _number(5, "teacher tokens kept per answer token", 1, 64)
    learning_rate: float | None = _optional(
        "AdamW; none = by whether the model is pretrained, and by its parameters", 1e-7, 1.0
    )
    weight_decay: float = _number(0.0, "AdamW", 0.0, 1.0)
    batch: int = _number(12, "lessons per step", 1, 1024)
    epochs: float | None = _optional(
        "times each lesson is seen; none = 8 for a pretrained model, else 9.6", 0.1, 1000.0
    )
    steps: int | None = _optional("updates; none = from epochs", 1, 1_000_000)
    min_steps: int | None = _optional(
        "least updates, if counted from epochs; none = 60 for a pretrained model, else 180", 1, 100_000
    )
    warmup: float = _number(0.05, "fraction of the steps", 0.0, 0.9)
    clip: float = _number(1.0, "largest norm of the gradient", 0.001, 1000.0)
    checks: int = _number(10, "looks at the exam loss", 1, 1000)
    patience: int = _number(6, "looks without improvement before stopping", 1, 1000)
    max_tokens: int = _number(4096, "longest lesson, prompt and answer", 16, 1_000_000)
    threads: int = _number(0, "CPU threads; 0 = the library's choice", 0, 1024)
    precision: str = _choice("auto", "float32", "bfloat16")
    base: str = _choice("auto", "whole", "held", "nf4")  # how the frozen model is stored: torch_model.py
    checkpointing: str = _choice("auto", "on", "off")  # compute activations twice instead of keeping them
    device: str = _choice("auto", "cuda", "mlx", "cpu")

    def rank_for(self, base: Base) -> int:
        """The adapter's rank: wider models have room in their width."""
        if self.rank is not None:
            return self.rank
        return 16 if base.pretrained else 32

    def alpha_for(self, base: Base) -> float:
        """The adapter's alpha."""
        if self.alpha is not None:
            return self.alpha
        return self.rank_for(base) * (2.0 if base.pretrained else 1.0)

    def first_layer_for(self, base: Base, layers: int) -> int:
        """The first of a model's `layers` that learns: a pretrained one's upper half; those below stay as they are."""
        part = self.layers or (0.5 if base.pretrained else 1.0)
        return layers - max(1, round(part * layers))

    def steps_for(self, lessons: int, base: Base) -> int:
        """How many updates `lessons` lessons of the train split take."""
        if self.steps is not None:
            return self.steps
        counted = math.ceil(self.epochs_for(base) * lessons / self.batch)
        return max(counted, self.min_steps or (60 if base.pretrained else 180))

    def epochs_for(self, base: Base) -> float:
        """How many times each lesson is seen."""
        if self.epochs is not None:
            return self.epochs
        return 8.0 if base.pretrained else 9.6

    def learning_rate_for(self, base: Base) -> float:
        """The peak learning rate: smaller for larger models."""
        if self.learning_rate is not None:
            return self.learning_rate
        if not base.pretrained or base.parameters < MIDDLE:
            return 5e-3
        return 1e-3 if base.parameters < LARGE else 2e-4

    def learning_rate_at(self, step: int, steps: int, peak: float) -> float:
        """
        The learning rate of update `step` (0 is the first): a linear warm-up, then a cosine down to a tenth.
        """
        warmup = max(1, round(self.warmup * steps))
        if step < warmup:
            return peak * (step + 1) / warmup
        through = (step - warmup) / max(1, steps - warmup)
        return peak * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * through)))


def parse_recipe(given: Any) -> Recipe:
    """The recipe with `given` values in the place of defaults; raises `TrainerError` (`bad_job`)."""
    if isinstance(given, Recipe) or given is None:
        return given or Recipe()
    if not isinstance(given, Mapping):
        raise bad_job("'recipe'", "must be an object")
    known = {each.name: each for each in fields(Recipe)}
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise bad_job("'recipe'", f"has no key {name!r}; known: {', '.join(known)}")
        values[name] = _checked(known[name], value)
    return Recipe(**values)


def _checked(known: Field[Any], value: Any) -> Any:
    where, limits = f"'recipe.{known.name}'", known.metadata
    if "choices" in limits:
        if value not in limits["choices"]:
            raise bad_job(where, f"is {value!r}; it must be one of {', '.join(limits['choices'])}")
        return value
    if value is None and known.default is None:
        return None
    whole = known.type in (int, int | None)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise bad_job(
            where, f"is {value!r}; it must be a {'whole ' if whole else ''}number ({limits['unit']})"
        )
    if not limits["low"] <= value <= limits["high"]:  # NaN fails here too
        raise bad_job(
            where, f"is {value!r}; it must be from {limits['low']} to {limits['high']} ({limits['unit']})"
        )
    return value if whole else float(value)
