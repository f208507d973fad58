"""
Every instruction to a model, as a text file, with a JSON schema where the answer has a shape.

What is loaded is what is sent, less the newline at the end of the file. A task has two forms: one sentence for a
model that was taught it (`NAME.txt`), and an instruction with worked examples for all others (`NAME.toml`).
"""

import json
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

RECALL = {
    True: "recall",
    False: "recall_instruct",
}  # above memories, by whether the model is a tiny one, that can nothing else


@cache
def load(name: str) -> str:
    """
    The prompt `name`, for example `load("observe")`.

    Raises:
        FileNotFoundError: there is no such prompt; the name is a programmer's mistake.
    """
    return (files("prompts") / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")


def task(name: str, *, taught: bool) -> list[dict[str, str]]:
    """
    The turns that a request for the machine task `name` begins with; the caller adds the last user turn.

    Args:
        taught: the model was taught this task (`EngineInfo.taught`): a system turn alone. For others, worked
            examples follow it as turns of the user and the assistant.
    """
    if taught:
        return [{"role": "system", "content": load(name)}]
    return [dict(turn) for turn in _worked(name)]


@cache
def _worked(name: str) -> tuple[dict[str, str], ...]:
    """The turns of `NAME.toml`."""
    told = table(name)
    turns = [("system", told["instruction"])]
    for example in told["examples"]:
        turns += [("user", example["user"]), ("assistant", example["answer"])]
    return tuple({"role": role, "content": text.strip()} for role, text in turns)


@cache
def lines(name: str) -> tuple[str, ...]:
    """The non-empty lines of the prompt `name`: for lists such as `abstain` and `small_talk`."""
    return tuple(line for line in load(name).splitlines() if line.strip())


def lays_memories(system: str) -> bool:
    """Whether a system turn begins like one of ours that lays memories before the model."""
    return system.startswith(tuple(lines(name)[0] for name in RECALL.values()))


@cache
def table(name: str) -> dict[str, Any]:
    """What stands in `NAME.toml`: for lists with more to them than lines, such as `general`. Not to be changed."""
    return tomllib.loads((files("prompts") / f"{name}.toml").read_text(encoding="utf-8"))


def schema(name: str) -> dict[str, Any]:
    """A fresh copy of the JSON schema that answers to the prompt `name` must follow."""
    text = (files("prompts") / f"{name}.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
