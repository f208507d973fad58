"""
How people wrap what they say: openers, closers, two facts in one breath, lower case, slips, small talk.

Knows nothing of prompts and of the shape of items.
"""

import random
import tomllib
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from models.nano.facts import Fact

THANKS = "Good to know, thank you."


@cache
def table() -> dict[str, Any]:
    """The wordings in `phrases.toml`."""
    return tomllib.loads((files("models.nano") / "phrases.toml").read_text(encoding="utf-8"))


def dress_question(rng: random.Random, text: str) -> str:
    """`text` as people type it: sometimes opened, without capital or question mark, with a slip."""
    opener: str = rng.choice(table()["question_openers"]) if rng.random() < 0.4 else ""
    if opener or rng.random() < 0.15:
        text = _lower_first(text)
    if rng.random() < 0.15:
        text = text.rstrip("?.")
    elif rng.random() < 0.05:
        text += "?"
    return opener + text


def told(rng: random.Random, held: "list[Fact]", on: date) -> tuple[str, list[str]]:
    """One message that tells these facts on day `on`, and the dated sentences in it."""
    parts, sentences = [], []
    for one in held:
        said, when = _statement(rng, one, on)
        parts.append(said)
        sentences.append(f"{'today' if when == on else 'yesterday'}: {one.sentence()}")
    text = parts[0]
    for part in parts[1:]:
        text += rng.choice(table()["joins"]) + part
    if rng.random() < 0.5:
        text = rng.choice(table()["openers"]) + text
    text += _ending(rng)
    return _slip(rng, text, [w for f in held for w in (f.value, f.old, f.detail)]), sentences


def _ending(rng: random.Random) -> str:
    way = rng.random()
    if way < 0.7:
        return str(rng.choice(table()["closers"]))
    return str(rng.choice(table()["tails" if way < 0.9 else "bystanders"])).format(p=bystander(rng))


def bystander(rng: random.Random) -> str:
    """Somebody about whom nothing is told: "boss", "cat"."""
    return rng.choice(_bystanders())


@cache
def _bystanders() -> list[str]:
    words = tomllib.loads((files("models.nano") / "relations.toml").read_text(encoding="utf-8"))
    return [*words["people"], *words["pets"]]


def _statement(rng: random.Random, one: Fact, on: date) -> tuple[str, date]:
    relation = one.relation
    if one.extra >= 0:
        said = one.fill(relation.more_said[min(one.extra, len(relation.more_said) - 1)])
    elif one.old:
        said = one.fill(rng.choice(relation.changes))
    else:
        said = one.fill(rng.choice(relation.statements))
    if not relation.event:
        return said, on
    way = rng.random()
    if way < 0.35:
        return said + rng.choice((" yesterday", " last night")), on - timedelta(days=1)
    if way < 0.6:
        return said + rng.choice((" today", " this morning", " just now")), on
    return said, on


def promise(rng: random.Random, make: Callable[[random.Random, str], str]) -> tuple[str, str, str]:
    """What the user asks for, the assistant's promise, and the sentence that holds it."""
    one = rng.choice(table()["promise"])
    filled = {"v": make(rng, "thing"), "w": make(rng, "name"), "d": make(rng, "day")}
    asked, said, memory = (
        text.format(**filled) for text in (rng.choice(one["asked"]), one["said"], one["memory"])
    )
    return asked, said, memory


def small_talk(rng: random.Random, make: Callable[[random.Random, str], str]) -> tuple[str, str]:
    """A message without anything lasting, and the reply to it."""
    talk = rng.choices(table()["talk"], [2, 1, 2, 1, 1, 1, 3, 4])[0]
    text: str = rng.choice(talk["said"]).format(
        v=make(rng, "thing"),
        w=make(rng, "name"),
        a=rng.randint(1, 99),
        b=rng.randint(1, 99),
        p=bystander(rng),
    )
    if rng.random() < 0.3:
        text = text[0].upper() + text[1:]
    if rng.random() < 0.3:
        text += rng.choice(("!", ".", " :)", "..", " please"))
    if rng.random() < 0.15:
        text = rng.choice(("hi, ", "hey, ", "so, ", "ok, ", "well, ")) + text
    return text, talk["reply"]


def _lower_first(text: str) -> str:
    return text if text.startswith("I") and text[1:2] in " '" else text[0].lower() + text[1:]


def _slip(rng: random.Random, text: str, values: list[str]) -> str:
    """Sometimes with other capitals, or with one letter dropped outside the values."""
    if rng.random() < 0.25:
        text = text[0].upper() + text[1:]
    if rng.random() < 0.12:
        text = text.replace("I'm ", "im ").replace("I ", "i ") if not any("I " in v for v in values) else text
    if rng.random() < 0.05:
        words = text.split(" ")
        at = rng.randrange(len(words))
        if len(words[at]) > 4 and not any(words[at].strip(".,!?:;'") in v for v in values):
            cut = rng.randrange(1, len(words[at]) - 1)
            words[at] = words[at][:cut] + words[at][cut + 1 :]
        text = " ".join(words)
    return text
