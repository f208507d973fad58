"""Training items, as the trainer takes them."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from models.skills.slots import Fact, Filler, facts

Messages = list[dict[str, str]]
OWNERS = frozenset(
    {"relative", "kid", "woman", "man", "name", "name2", "fname", "mname", "petname", "animal"}
)
PEOPLE = frozenset({"relative", "kid", "woman", "man"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """
    One chat; the assistant's turns are the targets.

    `others`: what could have been said instead, by the place of the turn in `messages`. The token where the right reply
    goes another way than one of these decides something.
    """

    task: str
    messages: Messages
    others: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


def say(role: str, content: str) -> dict[str, str]:
    """One message."""
    return {"role": role, "content": content}


def repeating(
    questions: Sequence[str], reply: Callable[[Sequence[str]], str], *before: str
) -> tuple[str, ...]:
    """
    What a reply with several questions could have been: at each place, one that was there already.

    Args:
        reply: makes a reply of so many questions.
        before: questions that no reply may have.
    """
    found = []
    for place in range(len(questions)):
        for again in (*before, *questions[:place]):
            found.append(reply([*questions[:place], again, *questions[place + 1 :]]))
    return tuple(found)


def about(name: str, text: str) -> str:
    """`text` with `name` in the user's place."""
    return text.replace("The user", name).replace("the user", name)


def several(rng: random.Random, n: int, taken: set[str]) -> list[tuple[Fact, Filler]]:
    """`n` facts that can hold together; a third are near misses: about the same person, or the same of another."""
    held: list[tuple[Fact, Filler]] = []
    while len(held) < n:
        new, filler = rng.choice(facts()), Filler(rng=rng, taken=taken)
        if held and rng.random() < 0.35:
            new, filler = near_miss(rng, *rng.choice(held))
        if can_hold(new, filler, held):
            held.append((new, filler))
    return held


def can_hold(new: Fact, filler: Filler, held: list[tuple[Fact, Filler]]) -> bool:
    """Whether `new` says something that `held` neither says nor excludes."""
    text = filler.fill(new.text)
    for one, other in held:
        if one.key != new.key:
            continue
        owners = _owners(one) & _owners(new)
        same_owner = all(other.values.get(kind) == filler.values.get(kind) for kind in owners)
        if same_owner if (one.single or new.single) else other.fill(one.text) == text:
            return False
    return True


def _owners(one: Fact) -> frozenset[str]:
    """The slots that say whose fact it is; the one slot of a fact, and names beside them, are what it tells."""
    if len(one.kinds) == 1:
        return frozenset()
    names = {"name", "name2"} | ({"petname"} if "animal" in one.kinds else set())
    return one.kinds & OWNERS - names


def near_miss(rng: random.Random, held: Fact, filler: Filler) -> tuple[Fact, Filler]:
    """Another fact about the same person or pet, the same of another, or the same kind of fact with other values."""
    filler.fill(held.text)
    way = rng.random()
    if way < 0.4:
        owners = sorted(held.kinds & OWNERS)
        others = [one for one in facts() if one.key != held.key and not one.kinds.isdisjoint(owners)]
        return _sharing(rng, filler, held, others, owners)
    if way < 0.65:
        told = sorted(held.kinds - OWNERS)
        others = [one for one in facts() if _is_of_other(one, held) and not one.kinds.isdisjoint(told)]
        return _sharing(rng, filler, held, others, told)
    return held, Filler(rng=rng, taken=filler.taken)


def _is_of_other(one: Fact, other: Fact) -> bool:
    """Whether one is about the user and the other about somebody else."""
    return one.kinds.isdisjoint(PEOPLE) != other.kinds.isdisjoint(PEOPLE)


def _sharing(
    rng: random.Random, filler: Filler, held: Fact, others: list[Fact], kinds: list[str]
) -> tuple[Fact, Filler]:
    """One of `others` with the values that `held` has in `kinds`; where there is none, `held` with other values."""
    if not others:
        return held, Filler(rng=rng, taken=filler.taken)
    shared = {name: filler.values[name] for name in kinds}
    return rng.choice(others), Filler(rng=rng, values=shared, taken=filler.taken)
