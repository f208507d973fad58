"""A recipe is refused where it is sent, by the limits that the trainer has."""

from dataclasses import fields

import pytest

from daemon.api import night_recipe
from daemon.api.errors import WireError
from trainer.recipe import Recipe


def test_the_limits_are_the_trainers():
    numbers, choices = {}, {}
    for field in fields(Recipe):
        limits = field.metadata
        if "choices" in limits:
            choices[field.name] = limits["choices"]
        else:
            kind = int if field.type in (int, int | None) else float
            numbers[field.name] = (kind, limits["low"], limits["high"])

    assert (numbers, choices) == (night_recipe.NUMBERS, night_recipe.CHOICES)
    assert night_recipe.MAY_BE_NULL == tuple(f.name for f in fields(Recipe) if f.default is None)


def test_what_the_trainer_takes_is_taken():
    night_recipe.check({})
    night_recipe.check({"rank": 8, "alpha": 16, "loss": "raw", "steps": None, "learning_rate": 1e-4})


@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        ({"rang": 8}, "no such key; known: rank, "),
        ({"rank": 0}, "a whole number from 1 to 256"),
        ({"rank": 1.5}, "a whole number"),
        ({"rank": True}, "a whole number"),
        ({"d": None}, "a whole number"),
        ({"epochs": "many"}, "a number from 0.1 to 1000"),
        ({"clip": float("nan")}, "a number"),
        ({"loss": "none"}, "one of rest, renormalised"),
        ({"loss": ["rest"]}, "one of rest"),
    ],
    ids=str,
)
def test_a_mistake_is_a_400_that_names_the_key(recipe, why):
    with pytest.raises(WireError, match=why) as caught:
        night_recipe.check(recipe)

    (name,) = recipe
    assert (400, f"recipe.{name}") == (caught.value.status, caught.value.param)
