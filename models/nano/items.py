"""
Facts and the questions about them: what `tasks.py` makes chats of.

Promises: everything is a function of the random generator given; the prompts are the daemon's own files.
"""

import random
from dataclasses import replace
from datetime import date, timedelta

from models.nano import phrases
from models.nano.facts import UNKNOWN, Coin, Fact
from models.nano.relations import Relation, relations
from models.nano.words import coin
from prompts.load import load

Messages = list[dict[str, str]]
THANKS = "Good to know, thank you."


def fact(
    rng: random.Random, make: Coin = coin, relation: Relation | None = None, *, word: str | None = None
) -> Fact:
    """A random fact, of `relation` when given."""
    relation = relation or rng.choices(relations(), [r.weight for r in relations()])[0]
    word = rng.choice(relation.words) if word is None else word
    return Fact(
        relation=relation, word=word, value=make(rng, relation.kind), number=make(rng, "number"), on=day(rng)
    )


def day(rng: random.Random) -> date:
    """A day between 2022 and 2028."""
    return date(2022, 1, 1) + timedelta(days=rng.randrange(365 * 7))


def changed(rng: random.Random, held: Fact, make: Coin = coin) -> Fact:
    """The same fact with a new value, the old one kept as history, some days later."""
    value = make(rng, held.relation.kind)
    while value == held.value:
        value = make(rng, held.relation.kind)
    return replace(
        held,
        value=value,
        old=held.value,
        number=held.number,
        extra=-1,
        on=held.on + timedelta(days=rng.randint(1, 300)),
    )


def facts(rng: random.Random, n: int, make: Coin = coin, *, history: float = 0.2) -> list[Fact]:
    """`n` facts about different things; a share `history` of those that can change have changed."""
    held: list[Fact] = []
    taken: set[tuple[str, str]] = set()
    while len(held) < n:
        new = fact(rng, make)
        if held and rng.random() < 0.35:  # a near miss: the same role or the same relation
            near = rng.choice(held)
            roles = [r for r in relations() if near.word in r.words and r is not near.relation and near.word]
            new = (
                fact(rng, make, rng.choice(roles), word=near.word)
                if roles and rng.random() < 0.4
                else fact(rng, make, near.relation)
            )
        if (new.relation.key, new.word) in taken:
            continue
        taken.add((new.relation.key, new.word))
        if new.relation.before and rng.random() < history:
            new = changed(rng, new, make)
        elif new.relation.more and rng.random() < 0.3:
            new = replace(new, extra=rng.randrange(len(new.relation.more)), detail=make(rng, "name"))
        held.append(new)
    return held


def memories(held: list[Fact], rng: random.Random, *, quoted: float = 0.0) -> dict[str, str]:
    """
    The system turn that recall adds: usually oldest first, sometimes in any order.

    Args:
        quoted: share of the lines that are what the user said, word for word, instead of a memory of it.
    """
    order = sorted(held, key=lambda f: f.on) if rng.random() < 0.6 else rng.sample(held, len(held))
    lines = [_said(rng, f) if rng.random() < quoted else f.line() for f in order]
    return {"role": "system", "content": "\n".join([load("recall"), *(f"- {line}" for line in lines)])}


def _said(rng: random.Random, one: Fact) -> str:
    """The line of a message that tells this fact; what changed or happened on a day is told by its memory."""
    if one.old or one.relation.event:
        return one.line()
    return f"{one.on}: The user said: {phrases.told(rng, [one], one.on)[0]}"


def say(role: str, content: str) -> dict[str, str]:
    """One message."""
    return {"role": role, "content": content}


def question(
    rng: random.Random, held: list[Fact], make: Coin = coin, *, plain: bool = False
) -> tuple[str, str]:
    """A question about one of the facts, and its answer."""
    about = rng.choice(held)
    relation = about.relation
    dress = (lambda text: text) if plain else (lambda text: phrases.dress_question(rng, text))
    way = rng.random()
    if about.old and way < 0.5:
        return dress(about.fill(rng.choice(relation.before))), about.fill(relation.before_answer, about.old)
    if relation.event and way < 0.35:
        when = rng.choice(phrases.table()["when"][relation.key])
        return dress(about.fill(when)), f"{about.fill(relation.answer)[:-1]} on {about.on}."
    if relation.who and way < 0.12:
        return dress(f"Who is {about.value}?"), about.fill(relation.who)
    return dress(about.fill(rng.choice(relation.questions))), answer(about)


def answer(about: Fact) -> str:
    """What a good model says about the fact now: the memory, spoken to the user."""
    if about.extra < 0:
        return about.fill(about.relation.answer)
    return spoken(about.sentence())


def spoken(sentence: str) -> str:
    """A memory sentence turned to the user: "The user lives in" becomes "You live in"."""
    for ours, yours in phrases.table()["spoken"]:
        if sentence.startswith(ours):
            return str(yours) + sentence[len(ours) :]
    raise ValueError(f"no spoken form for {sentence!r}")


def missing(rng: random.Random, held: list[Fact], make: Coin = coin) -> tuple[str, str]:
    """A question that the facts don't answer; often a near miss."""
    known = {(f.relation.key, f.word) for f in held}
    if rng.random() < 0.05:
        return phrases.dress_question(rng, f"Who is {make(rng, 'name')}?"), UNKNOWN
    stale = [f for f in held if f.relation.before and not f.old]
    if stale and rng.random() < 0.2:
        about = rng.choice(stale)
        return phrases.dress_question(rng, about.fill(rng.choice(about.relation.before))), UNKNOWN
    while True:
        other = fact(rng, make)
        if held and rng.random() < 0.5:
            near = rng.choice(held)
            other = fact(rng, make, near.relation) if rng.random() < 0.6 else other
        if (other.relation.key, other.word) not in known and not _answered_anyway(other, held):
            break
    asked = (
        other.relation.before if other.relation.before and rng.random() < 0.15 else other.relation.questions
    )
    return phrases.dress_question(rng, other.fill(rng.choice(asked))), UNKNOWN


def _answered_anyway(other: Fact, held: list[Fact]) -> bool:
    """Whether a held fact of another kind answers the question too (a like and a favourite, a home and an address)."""
    keys = {f.relation.key for f in held}
    groups = (
        {"like", "favourite", "hobby", "dislike"},
        {"city", "address", "hometown", "college"},
        {"job", "employer"},
        {"plan", "visited", "city"},
        {"language", "college", "instrument", "hobby"},
        {"met", "name"},
        {"allergy", "dislike"},
    )
    return any(other.relation.key in group and keys & group for group in groups)
