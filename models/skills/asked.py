"""
Questions with memories beside, written by hand: what takes more than finding one memory, and remarks in between.

    data/asked_c.toml ──> memories and rounds of question and answer ──> slots filled, some other memories beside
"""

import random
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from models.skills.slots import Fact, Filler, slots_of

_DATED = re.compile(r"\d{4}-\d\d-\d\d(?: to \d{4}-\d\d-\d\d)?: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An entry of asked_c.toml; all texts hold slots and alternatives."""

    rounds: tuple[tuple[str, ...], ...]  # a question, and its answers, of which one is chosen
    memories: tuple[str, ...] = ()  # in order; with a day in front where it matters
    chat: tuple[str, ...] = ()  # turns of the user and the assistant before the memories
    alone: bool = False  # no other memories may stand beside these


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """An entry with its slots filled."""

    memories: tuple[str, ...]
    chat: tuple[str, ...]
    rounds: tuple[tuple[str, str], ...]  # question and answer


def play(rng: random.Random, one: Asked) -> Played:
    """`one` with its slots filled, without its last rounds at times; the user makes slips of the keyboard."""
    filler = Filler(rng=rng)
    memories = tuple(filler.fill(text) for text in one.memories)
    chat = tuple(filler.fill(text) if at % 2 else filler.user(text) for at, text in enumerate(one.chat))
    kept = one.rounds[: rng.choice((len(one.rounds) - 1, *[len(one.rounds)] * 4)) or 1]
    rounds = tuple((filler.user(asked), filler.pick(answers)) for asked, *answers in kept)
    return Played(memories=memories, chat=chat, rounds=rounds)


def remark(rng: random.Random) -> tuple[str, str]:
    """What people say in between, and a short reply: "thanks!", "You're welcome!"."""
    filler = Filler(rng=rng)
    said, *replies = rng.choice(_table()["remarks"])
    return filler.user(said), filler.pick(replies)


def unknown(rng: random.Random) -> str:
    """How not knowing is said, in more words than "I don't know that yet."."""
    return Filler(rng=rng).pick(_table()["unknown"])


def wrapped(rng: random.Random, question: str) -> str:
    """A question as people wrap it: often as it is, sometimes with a word or a sentence before or after it."""
    opener, closer = (str(rng.choice(_table()[name])) for name in ("openers", "closers"))
    if opener and not opener.endswith((". ", "! ", "? ")) and not question.startswith(("I ", "I'")):
        question = question[0].lower() + question[1:]
    if closer and question[-1].isalnum():
        question += "?"
    return opener + question + closer


def noted(rng: random.Random) -> str:
    """A reply to what the user tells that fits good news and bad."""
    return Filler(rng=rng).pick(_table()["noted"])


@cache
def entries() -> tuple[Asked, ...]:
    """All entries of asked_c.toml. Raises TypeError: one has a field that there is none of, or no rounds."""
    return tuple(_entry(**one) for one in _table()["asked"])


def _entry(
    *,
    rounds: Sequence[Sequence[str]],
    memories: Sequence[str] = (),
    chat: Sequence[str] = (),
    alone: bool = False,
) -> Asked:
    return Asked(
        rounds=tuple(tuple(one) for one in rounds), memories=tuple(memories), chat=tuple(chat), alone=alone
    )


def is_dated(memory: str) -> bool:
    """Whether a memory has its day in front: "2026-03-05: The user ..."."""
    return _DATED.match(memory) is not None


@cache
def _table(name: str = "asked_c") -> dict[str, Any]:
    return tomllib.loads((files("models.skills") / "data" / f"{name}.toml").read_text(encoding="utf-8"))


def untold(fact: Fact) -> tuple[tuple[str, str], ...]:
    """Questions near a fact that it does not answer, and the reply."""
    return (*fact.untold, *((question, answer) for question, answer in _near("untold", fact)))


def pairs(fact: Fact) -> tuple[tuple[str, str], ...]:
    """Questions that only one answer fits, such as yes, and that answer."""
    return (*fact.pairs, *((question, answer) for question, answer in _near("pairs", fact)))


def reply(rng: random.Random, fact: Fact, filler: Filler) -> str:
    """What a good model says when the fact is told."""
    found = (*fact.reply, *_near("reply", fact))
    return filler.pick(found) if found and rng.random() < 0.8 else noted(rng)


def _near(what: str, fact: Fact) -> list[Any]:
    """What near_c.toml has for the fact, as far as its slots go; nothing for one without any ("is retired")."""
    found = _table("near_c")[what].get(fact.key, []) if fact.kinds else []
    return [one for one in found if fits(one if isinstance(one, str) else " ".join(one), fact)]


def fits(text: str, fact: Fact) -> bool:
    """Whether a fact's filler can fill `text`; a slot with a 3 is any value that is not the fact's."""
    return {kind.removesuffix("3") for kind in slots_of(text)} <= fact.kinds


def near_texts() -> dict[str, tuple[str, ...]]:
    """All texts of near_c.toml by the key of their facts, unfilled."""
    found: dict[str, tuple[str, ...]] = {}
    for table in _table("near_c").values():
        for key, listed in table.items():
            parts = [part for one in listed for part in ([one] if isinstance(one, str) else one)]
            found[key] = (*found.get(key, ()), *parts)
    return found


def quiet() -> frozenset[str]:
    """Keys of facts that bear on few questions."""
    return frozenset(_table()["quiet"])


@cache
def kin() -> dict[str, str]:
    """Words for people, each with the one that stands for all that may mean the same person."""
    return {word: group[0] for group in _table()["kin"] for word in group}


def summing_up() -> list[str]:
    """Beginnings of a question for all that is known of somebody."""
    return list(_table()["summing_up"])


def roles() -> frozenset[str]:
    """Keys of facts that say who somebody is."""
    return frozenset(_table()["roles"])


@cache
def alike(key: str) -> frozenset[str]:
    """Keys of facts that may answer a question about a fact of `key`."""
    return frozenset({key}.union(*(group for group in _table()["alike"] if key in group)))
