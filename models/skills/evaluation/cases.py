"""
The cases of the evaluation, read from their files, one JSON object a line. All are written by hand.

    harder.jsonl    chats with what is to be read out of them    no_facts.jsonl  chats with nothing to keep
    evolve.jsonl    a new sentence and the memories near it      reading.jsonl   questions about the user
    typed.jsonl     messages as people type; nano's 100 too      sealed.jsonl    as many, that nobody looks at
    small_talk.txt  greetings and remarks

No data of training may have a message, a name or a town of these.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from models.skills.evaluation.facts import Chat
from models.skills.evaluation.replies import Asked
from models.skills.evaluation.words import Group

HERE = "models.skills.evaluation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One new sentence against the memories that are near it."""

    memories: Sequence[str]
    new: str
    op: str
    memory: int | None = None  # place of the memory that is meant; None: none
    merged: Group = ()  # what the text of an UPDATE must have
    also: Sequence[str] = ()  # ops that are as good


def harder() -> list[Chat]:
    """Chats of one to eight turns with what lasts in them."""
    return [as_chat(one) for one in lines("harder.jsonl")]


def no_facts() -> list[Chat]:
    """Chats that have nothing to keep."""
    return [as_chat(one) for one in lines("no_facts.jsonl")]


def changes() -> list[Change]:
    """What *evolve* is asked."""
    return [Change(**one) for one in lines("evolve.jsonl")]


def asked(*, known: bool) -> list[Asked]:
    """Questions about the user that the memories answer, or (`known` False) that they don't."""
    every = [as_asked(one) for one in lines("reading.jsonl")]
    return [one for one in every if bool(one.expect) == known]


def typed() -> list[tuple[str, Chat | Asked]]:
    """The messages as people type them, each with its task: "observe", "answer" or "abstain"."""
    return [_typed(one) for one in [*lines("free_typed.jsonl", "models.nano"), *lines("typed.jsonl")]]


def sealed() -> list[tuple[str, Chat | Asked]]:
    """The same of the set that nobody looks at."""
    return [_typed(one) for one in lines("sealed.jsonl")]


def small_talk() -> list[str]:
    """Greetings and remarks."""
    return (files(HERE) / "small_talk.txt").read_text(encoding="utf-8").splitlines()


def lines(name: str, package: str = HERE) -> list[dict[str, Any]]:
    """The objects of a file."""
    text = (files(package) / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def as_chat(told: dict[str, Any]) -> Chat:
    """A chat of the files: `user` for a message that is answered with "I see.", else `turns`."""
    turns = told.get("turns") or [told["user"], "I see."]
    groups = {
        field: [tuple(one) for one in told.get(name, [])]
        for field, name in (("facts", "expect"), ("maybe", "maybe"), ("never", "not"))
    }
    return Chat(turns=turns, date=told.get("date", "2026-03-05"), **groups)


def as_asked(told: dict[str, Any]) -> Asked:
    """A question of the files; a rejected word alone is a group of its own."""
    return Asked(
        turns=told.get("turns") or [told["user"]],
        memories=told.get("memories", []),
        expect=tuple(told.get("expect", [])),
        reject=[(one,) if isinstance(one, str) else tuple(one) for one in told.get("reject", [])],
    )


def _typed(told: dict[str, Any]) -> tuple[str, Chat | Asked]:
    task = told["task"]
    return task, as_chat(told) if task == "observe" else as_asked(told)
