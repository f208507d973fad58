"""
Questions about the user that nothing known answers, most of them near misses.

    what is known ──> more of the same thing | the same of somebody else | before that | another thing ──> a question
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from models.skills import asked
from models.skills.items import OWNERS, can_hold, near_miss
from models.skills.slots import Filler, facts
from models.skills.told import Told, answers

TRIES = 60
_SWAPPED = OWNERS & {"relative", "woman", "man"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A question, what it lacks, and how to say that this isn't known; "" for the plain words."""

    question: str
    lacks: str = ""  # a memory that would answer it
    answer: str = ""
    about: Told | None = None  # the fact that it is near to and that doesn't answer it for sure


def gap(rng: random.Random, held: Sequence[Told]) -> Gap:
    """
    A question that none of `held` answers.

    Raises:
        RuntimeError: there is none, for too much is known.
    """
    makers = rng.choices((_more, _of_another, _before, _other, _any), (36, 25, 8, 13, 18), k=TRIES // 3)
    for make in (*makers, *[_any] * TRIES):
        found = make(rng, held)
        if found is not None and not answers(held, found.question, besides=found.about):
            return found
    raise RuntimeError(f"Can't find a question that {len(held)} facts leave open; make chats of fewer facts.")


def _more(rng: random.Random, held: Sequence[Told]) -> Gap | None:
    """More of a thing than was told: who, where, since when, or its name where only that there is one is known."""
    able = [one for one in held if one.way != "more" and (asked.untold(one.fact) or one.is_vague)]
    if not able:
        return None
    one = rng.choice(able)
    if one.is_vague:
        question = one.filler.fill(rng.choice(one.fact.ask))
        hidden = {value.lower() for value in one.filler.values.values()}
        if any(value in question.lower() for value in hidden - set(one.owner())):
            return None  # it would say what it asks for
        return Gap(question=question, lacks=one.filler.fill(one.fact.text), about=one)
    question, answer = rng.choice(asked.untold(one.fact))
    return Gap(question=one.filler.fill(question), answer=one.filler.fill(answer), about=one)


def _of_another(rng: random.Random, held: Sequence[Told]) -> Gap | None:
    """The same of another person or of the user."""
    able = [one for one in held if one.fact.kinds & _SWAPPED]
    if not able:
        return None
    one = rng.choice(able)
    owner = next(iter(sorted(one.fact.kinds & _SWAPPED)))
    rest = {kind: value for kind, value in one.filler.values.items() if kind in OWNERS - _SWAPPED}
    other = Filler(rng=rng, taken=set(one.filler.taken) | {one.filler.values[owner]})
    if other.fill(f"{{{owner}}}") == one.filler.values[owner]:
        return None
    question = other.fill(rng.choice(one.fact.ask))
    if any(value in question for value in rest.values()):
        return None
    return Gap(question=question, lacks=other.fill(one.fact.text))


def _before(rng: random.Random, held: Sequence[Told]) -> Gap | None:
    """What was before that, where nobody said so."""
    able = [one for one in held if one.fact.before_ask and not one.before and not one.is_vague]
    if not able:
        return None
    one = rng.choice(able)
    return Gap(question=one.filler.fill(rng.choice(one.fact.before_ask)), about=one)


def _other(rng: random.Random, held: Sequence[Told]) -> Gap | None:
    """Another thing about the same person or pet."""
    if not held:
        return None
    one = rng.choice(held)
    fact, filler = near_miss(rng, one.fact, one.filler)
    if fact.key == one.fact.key or not can_hold(fact, filler, [(two.fact, two.filler) for two in held]):
        return None
    return Gap(question=filler.fill(rng.choice(fact.ask)), lacks=filler.fill(fact.text))


def _any(rng: random.Random, held: Sequence[Told]) -> Gap | None:
    """A thing of which nothing is known."""
    fact, filler = rng.choice(facts()), Filler(rng=rng)
    alike = asked.alike(fact.key)
    if any(one.fact.key in alike or (fact.topic and one.fact.topic == fact.topic) for one in held):
        return None
    questions = (
        *fact.ask,
        *fact.ask,
        *(question for question, _ in asked.pairs(fact)),
        *fact.when_ask,
        *fact.before_ask,
    )
    return Gap(question=filler.fill(rng.choice(questions)), lacks=filler.fill(fact.text))
