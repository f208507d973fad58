"""
Every instruction to a model, as a text file, with a JSON schema where the answer has a shape.

What is loaded is what is sent, less the newline at the end of the file.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def load(name: str) -> str:
    """
    The prompt `name`, for example `load("observe")`.

    Raises:
        FileNotFoundError: there is no such prompt; the name is a programmer's mistake.
    """
    return (files("prompts") / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")


@cache
def lines(name: str) -> tuple[str, ...]:
    """The non-empty lines of the prompt `name`: for lists such as `abstain` and `small_talk`."""
    return tuple(line for line in load(name).splitlines() if line.strip())


def schema(name: str) -> dict[str, Any]:
    """A fresh copy of the JSON schema that answers to the prompt `name` must follow."""
    text = (files("prompts") / f"{name}.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
