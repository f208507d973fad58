"""A recipe is refused where it is sent, by the limits that the trainer has."""

from dataclasses import MISSING, fields

import pytest
from pydantic import ValidationError

from daemon.api.own.nights import NightOrder, Recipe
from trainer import recipe as trainer


def test_keys_limits_and_defaults_are_the_trainers():
    theirs = {
        one.name: (one.default, *(one.metadata.get(name) for name in ("choices", "low", "high")))
        for one in fields(trainer.Recipe)
    }
    ours = {}
    for name, schema in Recipe.model_json_schema()["properties"].items():
        kind = next((one for one in schema.get("anyOf", ()) if one["type"] != "null"), schema)
        choices = tuple(kind["enum"]) if "enum" in kind else None
        ours[name] = (schema.get("default", MISSING), choices, kind.get("minimum"), kind.get("maximum"))

    assert theirs == ours


def test_what_the_trainer_takes_is_handed_on_as_it_was_sent():
    sent = {"rank": 8, "alpha": 16, "loss": "raw", "steps": None, "learning_rate": 1e-4}

    assert sent == NightOrder(recipe=sent).recipe.model_dump(exclude_unset=True)
    assert {} == NightOrder().recipe.model_dump(exclude_unset=True)


@pytest.mark.parametrize(
    "recipe",
    [
        {"rang": 8},
        {"rank": 0},
        {"rank": 1.5},
        {"rank": True},
        {"d": None},
        {"epochs": "many"},
        {"clip": float("nan")},
        {"loss": "none"},
        {"loss": ["rest"]},
    ],
    ids=str,
)
def test_a_mistake_is_refused_by_its_key(recipe):
    with pytest.raises(ValidationError) as caught:
        NightOrder(recipe=recipe)

    (name,) = recipe
    assert ("recipe", name) == caught.value.errors()[0]["loc"][:2]
