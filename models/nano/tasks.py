"""
Training and test items: chats in the shape the daemon sends, each with the answers a good model gives.

    facts -> observe | evolve | ask | answer | abstain | chat | drill -> messages (the assistant's are the targets)

Promises: an item is a function of its random generator; the prompts are the daemon's own files.
"""

import json
import random
from dataclasses import replace

from models.nano import phrases
from models.nano.facts import Coin, Fact
from models.nano.items import THANKS, Messages, answer, changed, fact, facts, memories, missing, question, say
from models.nano.relations import relations
from models.nano.sessions import observe, of_somebody
from models.nano.words import coin
from prompts.load import load

__all__ = ["ask", "chat", "drill", "evolve", "grounded", "observe", "superseded"]


def evolve(rng: random.Random, make: Coin = coin, *, n: int | None = None, rounds: int = 1) -> Messages:
    """Numbered memories and a new sentence -> the memory meant, op, merged text; `rounds` > 1 in training only."""
    held = [
        _held(rng, one, make) for one in facts(rng, rng.randint(1, 5) if n is None else n, make, history=0.0)
    ]
    lines = [f"{text} ({i})" for i, (text, _) in enumerate(held, 1)]
    messages = [say("system", load("evolve"))]
    for turn in range(rounds):
        new, index, op, text = _compared(rng, held, make)
        messages.append(say("user", "\n".join([*lines, f"New: {new}"]) if turn == 0 else f"New: {new}"))
        messages.append(
            say(
                "assistant",
                json.dumps({"memory": ["", *lines][index], "op": op, "text": text}, ensure_ascii=False),
            )
        )
    return of_somebody(rng, messages, make) if rng.random() < 0.1 else messages


def _held(rng: random.Random, one: Fact, make: Coin) -> tuple[str, Fact]:
    """How the memory of a fact may be worded: as usual, otherwise, vaguer, fuller."""
    relation, way = one.relation, rng.random()
    if relation.less and way < 0.2:
        return one.fill(relation.less), replace(one, extra=-2)
    if relation.more and one.extra < 0 and way < 0.15:
        one = replace(one, extra=rng.randrange(len(relation.more)), detail=make(rng, "name"))
    if relation.same and one.extra < 0 and way > 0.85:
        return one.fill(rng.choice(relation.same)), one
    return one.sentence(), one


def _compared(rng: random.Random, held: list[tuple[str, Fact]], make: Coin) -> tuple[str, int, str, str]:
    """A new sentence about one of the memories, or about nothing in them: sentence, index, op, merged text."""
    way = rng.random()
    at = rng.randrange(len(held))
    text, one = held[at]
    relation = one.relation
    if way < 0.28:
        return _added(rng, [f for _, f in held], make), 0, "ADD", ""
    if one.extra == -2:  # "The user has a dog."
        if way < 0.7:
            new = one.fill(rng.choice((relation.memory, relation.memory, *relation.same)))
            return new, at + 1, "UPDATE", new
        return text, at + 1, "IGNORE", ""
    if way < 0.55 and relation.single:
        return changed(rng, replace(one, extra=-1), make).sentence(), at + 1, "RECONCILE", ""
    if way < 0.78 and relation.more and one.extra == -1:
        fuller = replace(one, extra=rng.randrange(len(relation.more)), detail=make(rng, "name")).sentence()
        return fuller, at + 1, "UPDATE", fuller
    if relation.less and rng.random() < 0.3:
        return one.fill(relation.less), at + 1, "IGNORE", ""
    known = rng.choice((one.fill(relation.memory), *(one.fill(same) for same in relation.same), text))
    return known, at + 1, "IGNORE", ""


def _added(rng: random.Random, held: list[Fact], make: Coin) -> str:
    """A sentence about something that no memory tells; often a near miss, sometimes a second value that holds too."""
    known = {(f.relation.key, f.word) for f in held}
    several = [f for f in held if not f.relation.single]
    if several and rng.random() < 0.3:
        return fact(rng, make, rng.choice(several).relation).sentence()
    while True:
        new = fact(rng, make)
        near = rng.choice(held)
        if rng.random() < 0.5:
            roles = [r for r in relations() if near.word and near.word in r.words]
            new = (
                fact(rng, make, rng.choice(roles), word=near.word)
                if roles and rng.random() < 0.5
                else fact(rng, make, near.relation)
            )
        if (new.relation.key, new.word) not in known:
            return new.sentence()


def ask(rng: random.Random, make: Coin = coin) -> Messages:
    """A dated memory -> question and answer pairs: five, or three about now and three about before."""
    about = facts(rng, 1, make, history=0.3)[0]
    relation = about.relation
    now = relation.questions[: 3 if about.old else 5]
    pairs = [{"q": about.fill(q), "a": answer(about)} for q in now]
    if about.old:
        pairs += [
            {"q": about.fill(q), "a": about.fill(relation.before_answer, about.old)}
            for q in relation.before[:3]
        ]
    return [
        say("system", load("ask")),
        say("user", about.line()),
        say("assistant", json.dumps(pairs, ensure_ascii=False)),
    ]


def grounded(
    rng: random.Random, make: Coin = coin, *, n: int | None = None, rounds: int = 1, unknown: float = 0.2
) -> Messages:
    """Memories in a system turn, then `rounds` questions; a share `unknown` has no answer in them."""
    held = facts(rng, rng.randint(1, 10) if n is None else n, make)
    messages: Messages = []
    if rng.random() < 0.2:  # the chat so far stands in front of the memories
        said, reply = phrases.small_talk(rng, make)
        messages += [say("user", said), say("assistant", reply)]
    messages.append(memories(held, rng, quoted=0.6 if rng.random() < 0.3 else 0.0))
    for _ in range(rounds):
        asked, reply = missing(rng, held, make) if rng.random() < unknown else question(rng, held, make)
        if rng.random() < 0.06:
            asked, reply = phrases.small_talk(rng, make)
        messages += [say("user", asked), say("assistant", reply)]
    return messages


def superseded(rng: random.Random, make: Coin = coin) -> Messages:
    """Two memories of one thing, the older first, neither closed: the newer holds now, the older held before."""
    held = facts(rng, rng.randint(1, 5), make, history=0.0)
    able = [f for f in held if f.relation.before and f.extra < 0]
    if not able:
        return superseded(rng, make)
    old = rng.choice(able)
    new = replace(changed(rng, old, make), old="")
    turn = memories(sorted([*held, new], key=lambda f: f.on), random.Random(0))
    if turn["content"].index(old.line()) > turn["content"].index(new.line()):
        return superseded(rng, make)
    now = (new.fill(rng.choice(old.relation.questions)), answer(new))
    then = (old.fill(rng.choice(old.relation.before)), old.fill(old.relation.before_answer))
    messages = [turn]
    for asked, reply in rng.sample([now, then], 2):
        messages += [say("user", phrases.dress_question(rng, asked)), say("assistant", reply)]
    return messages


def chat(rng: random.Random, make: Coin = coin) -> Messages:
    """A conversation without memories: small talk, things told and asked again, questions that can't be known."""
    told: list[Fact] = []
    messages: Messages = []
    for new in facts(rng, rng.randint(1, 4), make, history=0.1):
        way = rng.random()
        if way < 0.3:
            asked, reply = phrases.small_talk(rng, make)
        elif way < 0.5:
            asked, reply = missing(rng, [replace(f, old="-") for f in told], make)
        elif way < 0.65 and told:
            about = rng.choice(told)
            asked, reply = (
                phrases.dress_question(rng, about.fill(rng.choice(about.relation.questions))),
                answer(about),
            )
        else:
            told.append(new)
            asked, reply = phrases.told(rng, [new], new.on)[0], THANKS
        messages += [say("user", asked), say("assistant", reply)]
    return messages


def drill(rng: random.Random, make: Coin = coin) -> Messages:
    """Say it again: coined words repeated, so that the copying circuit forms early."""
    words = [make(rng, rng.choice(("name", "thing", "town"))) for _ in range(rng.randint(1, 14))]
    line = rng.choice((", ", " ", "\n", ". ", "; ")).join(words)
    return [say("user", line), say("assistant", line), say("user", "again"), say("assistant", line)]
