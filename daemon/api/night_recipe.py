"""
What a request may change of how a night trains: the keys of the trainer's recipe, with their limits.

The trainer's own `recipe.py` has the last word; a test holds the two together. Here a mistake is a 400 for
the one who made it, hours before the night would fail of it.
"""

from collections.abc import Mapping

from daemon.api.errors import invalid

NUMBERS: dict[str, tuple[type[int] | type[float], float, float]] = {  # whole or not, lowest, highest
    "rank": (int, 1, 256),
    "alpha": (float, 0.001, 1024.0),
    "d": (int, 1, 64),
    "learning_rate": (float, 1e-7, 1.0),
    "weight_decay": (float, 0.0, 1.0),
    "batch": (int, 1, 1024),
    "epochs": (float, 0.1, 1000.0),
    "steps": (int, 1, 1_000_000),
    "min_steps": (int, 1, 100_000),
    "warmup": (float, 0.0, 0.9),
    "clip": (float, 0.001, 1000.0),
    "checks": (int, 1, 1000),
    "patience": (int, 1, 1000),
    "max_tokens": (int, 16, 1_000_000),
    "threads": (int, 0, 1024),
}
CHOICES = {
    "loss": ("rest", "renormalised", "raw", "hard"),
    "precision": ("auto", "float32", "bfloat16"),
    "base": ("auto", "whole", "held", "nf4"),
    "checkpointing": ("auto", "on", "off"),
    "device": ("auto", "cuda", "mlx", "cpu"),
}
MAY_BE_NULL = (
    "rank",
    "alpha",
    "learning_rate",
    "epochs",
    "steps",
    "min_steps",
)  # null = the trainer's own choice


def check(recipe: Mapping[str, object]) -> None:
    """Raise a 400 that names the key unless the trainer will take `recipe`."""
    for name, value in recipe.items():
        if name in CHOICES:
            allowed = value in CHOICES[name]
            wanted = "one of " + ", ".join(CHOICES[name])
        elif name in NUMBERS:
            kind, low, high = NUMBERS[name]
            allowed = _is_number(value, kind, low, high) or (value is None and name in MAY_BE_NULL)
            wanted = f"a {'whole ' if kind is int else ''}number from {low:g} to {high:g}"
        else:
            raise invalid(("recipe", name), f"there is no such key; known: {', '.join((*NUMBERS, *CHOICES))}")
        if not allowed:
            raise invalid(("recipe", name), f"it must be {wanted}")


def _is_number(value: object, kind: type[int] | type[float], low: float, high: float) -> bool:
    kinds = int if kind is int else int | float
    return isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high
