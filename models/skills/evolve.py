"""
Evolve: what a new sentence does to the memories that are nearest to it.

    one to five memories, near misses among them, and "New: ..." ──> the memory meant, op, merged text
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from models.skills.items import PEOPLE, Item, about, can_hold, near_miss, say, several
from models.skills.slots import Fact, Filler, cases, facts, scenes, values
from prompts.load import task

NAMED = 0.07  # share about a person with a name
ROUNDS = (1, 3, 5, 7, 9)  # new sentences of an item, at most
LEARNT = 0.2  # of the run: from here on there are as many memories as there will be
CASES = 0.4  # share of the memories that were written for this task
OPS = {
    "UPDATE": 0.3,
    "RECONCILE": 0.3,
    "IGNORE": 0.24,
    "ADD": 0.16,
}  # IGNORE or ADD where no memory takes the op


@dataclass(frozen=True, slots=True)
class Held:
    """A memory; `way`: worded as usual ("plain"), otherwise ("same"), vaguer ("less"), fuller ("more")."""

    text: str
    fact: Fact
    filler: Filler
    way: str


Choice = tuple[str, int, str, str]  # the new sentence; which memory, 0 none; op; merged text


def item(rng: random.Random, share: float) -> Item:
    """Numbered memories and new sentences, several in a row -> a choice for each."""
    taken: set[str] = set()
    most = 2 + round(3 * min(1.0, share / LEARNT))
    held = _memories(rng, rng.randint(1, most), taken)
    lines = [one.text for one in held]
    if len(lines) < most and rng.random() < 0.25:  # one that nothing new is said about
        lines.append(_of_a_scene(rng, taken))
    lines = [f"{text} ({at})" for at, text in enumerate(lines, 1)]
    news = {choice[0]: choice for choice in (_compared(rng, held) for _ in range(rng.choice(ROUNDS)))}
    if rng.random() < NAMED:
        name = rng.choice(values()["name"])
        lines = [about(name, line) for line in lines]
        news = {
            about(name, new): (about(name, new), at, op, about(name, text))
            for new, at, op, text in news.values()
        }
    messages, others = task("evolve", taught=True), dict[int, tuple[str, ...]]()
    for number, choice in enumerate(news.values()):
        new, at, op, text = choice
        asked = f"New: {new}"
        messages.append(say("user", asked if number else "\n".join([*lines, asked])))
        others[len(messages)] = tuple(_otherwise(lines, choice))
        messages.append(say("assistant", _reply(["", *lines][at], op, text)))
    return Item(task="evolve", messages=messages, others=others)


def _reply(memory: str, op: str, text: str) -> str:
    return json.dumps({"memory": memory, "op": op, "text": text}, ensure_ascii=False)


def _otherwise(lines: Sequence[str], choice: Choice) -> Iterator[str]:
    """The same reply with another memory, and with another op."""
    _, chosen, right, text = choice
    for at, memory in enumerate(["", *lines]):
        if at != chosen:
            yield _reply(memory, right, text)
    for op in OPS:
        if op != right:
            yield _reply(["", *lines][chosen], op, text)


def _memories(rng: random.Random, many: int, taken: set[str]) -> list[Held]:
    cases_of_it = rng.sample(cases(), sum(rng.random() < CASES for _ in range(many)))
    told = [(one, Filler(rng=rng, taken=taken)) for one in cases_of_it]
    for one, filler in several(rng, many - len(told), taken):
        if not told or not any(_alike(one.text, other.text) for other in cases_of_it):
            told.append((one, filler))
    return [_held(rng, *one) for one in rng.sample(told, len(told))]


def _alike(one: str, other: str) -> bool:
    """Whether two sentences begin alike, so that they may tell of one thing."""
    first, second = one.split(), other.split()
    n = 5 if first[3:4] and first[3] in ("a", "an", "the", "to", "{a") else 4
    return first[:n] == second[:n]


def _held(rng: random.Random, one: Fact, filler: Filler) -> Held:
    way = rng.random()
    if one.less and way < 0.2:
        return Held(filler.pick(one.less), one, filler, "less")
    if one.more and way < 0.3:
        return Held(filler.fill(rng.choice(one.more)[1]), one, filler, "more")
    if one.same and way < 0.45:
        return Held(filler.pick(one.same), one, filler, "same")
    return Held(filler.fill(one.text), one, filler, "plain")


def _compared(rng: random.Random, held: list[Held]) -> Choice:
    """A new sentence about one of the memories, or about nothing in them."""
    op = rng.choices(tuple(OPS), tuple(OPS.values()))[0]
    able = [at for at, one in enumerate(held) if op in _ops(one)]
    if op != "ADD" and not able and rng.random() < 0.6:
        op, able = "IGNORE", list(range(len(held)))
    if not able:
        return _added(rng, held), 0, "ADD", ""
    at = rng.choice(able)
    one = held[at]
    if op == "RECONCILE":
        return _over(rng, one), at + 1, op, ""
    if op == "IGNORE":
        return _again(rng, one), at + 1, op, ""
    if one.way == "less":
        new = one.filler.pick((one.fact.text, one.fact.text, *one.fact.same))
        return new, at + 1, op, one.filler.fill(one.fact.text)
    detail, merged = rng.choice(one.fact.more)
    return one.filler.fill(detail), at + 1, op, one.filler.fill(merged)


def _ops(one: Held) -> set[str]:
    """What a new sentence can do to this memory."""
    fact, ops = one.fact, {"IGNORE"}
    if one.way == "less" or (fact.more and one.way != "more"):
        ops.add("UPDATE")
    if one.way != "less" and (fact.ended or (fact.single and fact.renews)):
        ops.add("RECONCILE")
    return ops


def _over(rng: random.Random, one: Held) -> str:
    """A sentence after which the memory holds no more."""
    fact, filler = one.fact, one.filler
    if fact.ended and (not (fact.single and fact.renews) or rng.random() < 0.3):
        return filler.pick(fact.ended)
    return filler.renewed(fact).pick((fact.text, fact.text, *fact.same))


def _again(rng: random.Random, one: Held) -> str:
    """What the memory says already, worded otherwise or vaguer."""
    fact, filler = one.fact, one.filler
    if one.way == "less":
        texts: tuple[str, ...] = fact.less
    else:
        texts = (fact.text, *fact.same, *fact.same, *(fact.less if rng.random() < 0.3 else ()))
    for _ in range(8):
        new = filler.pick(texts)
        if new != one.text:
            break
    return new


def _added(rng: random.Random, held: list[Held]) -> str:
    """A sentence about something that no memory tells, often a near miss."""
    told = [(one.fact, one.filler) for one in held if one.fact.key != "case"]
    vague = {one.fact.key for one in held if one.way == "less"}
    near = [one for one in held if one.fact.apart]
    taken = held[0].filler.taken
    while True:
        if near and rng.random() < 0.5:
            one = rng.choice(near)
            new = one.filler.pick(one.fact.apart)
            if not any(_alike(new, other.text) for other in held if other is not one):
                return new
        if rng.random() < 0.2:
            new = _of_a_scene(rng, taken)
            if not any(_alike(new, one.text) for one in held):
                return new
        fact, filler = rng.choice(facts()), Filler(rng=rng, taken=taken)
        if told and rng.random() < 0.6:
            fact, filler = near_miss(rng, *rng.choice(told))
        new = filler.fill(fact.text)
        free = fact.key not in vague and can_hold(fact, filler, told)
        if free and not any(_joins(one, fact, filler) for one in held):
            return new


def _joins(one: Held, fact: Fact, filler: Filler) -> bool:
    """Whether what `fact` tells would be a detail of a held memory: a trait beside a name, or one of its `more`."""
    if one.fact.key == "case" and _alike(filler.fill(fact.text), one.text):
        return True
    people = one.fact.kinds & fact.kinds & PEOPLE
    same = any(one.filler.values.get(kind) == filler.values.get(kind) for kind in people)
    if same and one.fact.key == "relative name" != fact.key:
        return True
    details = {_skeleton(detail) for detail, both in one.fact.more if detail != both}
    own = same or fact.kinds.isdisjoint(PEOPLE)
    return own and not details.isdisjoint(_skeleton(text) for text in (fact.text, *fact.same))


@cache
def _skeleton(text: str) -> str:
    """`text` without what its slots are called."""
    return re.sub(r"\{[^}]*\}", "{}", text)


def _of_a_scene(rng: random.Random, taken: set[str]) -> str:
    """What lasts in a scene."""
    scene = rng.choice([one for one in scenes() if one.facts])
    return Filler(rng=rng, taken=taken).fill(rng.choice(scene.facts)[0])
