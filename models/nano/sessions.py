"""
Sessions: dated chats, and what lasts in them. The items of *observe*.

    facts, small talk, promises, sometimes two people with names ──> a chat ──> dated sentences, often none

Promises: every sentence was said in the chat. Knows nothing of the other tasks.
"""

import json
import random
from dataclasses import replace

from models.nano import phrases
from models.nano.facts import UNKNOWN, Coin, Fact
from models.nano.items import Messages, day, fact, facts, say
from models.nano.words import coin
from prompts.load import load

NAMED = 0.1  # share of chats between two people with names
PROMISE = 0.1  # chance of a promise of the assistant before each fact
MANY = (0, 0, 1, 1, 1, 2, 2, 3, 4, 6)  # facts in a chat


def observe(rng: random.Random, make: Coin = coin, *, n: int | None = None) -> Messages:
    """A dated chat -> the list of what lasts in it."""
    on = day(rng)
    left = [_vague(rng, one) for one in facts(rng, rng.choice(MANY) if n is None else n, make)]
    named = bool(left) and rng.random() < NAMED
    people = tuple(_name(rng, make) for _ in range(2)) if named else ("user", "assistant")
    lines: list[str] = []
    sentences: list[str] = []
    while left or not lines:
        way = rng.random()
        if not named and way < PROMISE:
            asked, said, sentence = phrases.promise(rng, make)
            lines += [f"user: {asked}", f"assistant: {said}"]
            sentences.append(f"today: {sentence}")
        elif not named and (not left or way < 0.35):
            lines += _chatter(rng, make)
        else:
            many = 2 if rng.random() < 0.25 else 1
            speaker, other = rng.sample(people, 2) if named else people
            text, dated = phrases.told(rng, left[:many], on)
            left = left[many:]
            sentences += [about(speaker, one) if named else one for one in dated]
            lines += [f"{speaker}: {text}", f"{other}: {rng.choice(phrases.table()['replies'])}"]
    if not named and rng.random() < 0.3:
        lines += _chatter(rng, make)
    return [
        say("system", load("observe")),
        say("user", "\n".join([*lines, "Date:", str(on)])),
        say("assistant", json.dumps(sentences, ensure_ascii=False)),
    ]


def about(name: str, text: str) -> str:
    """`text` with `name` in the user's place."""
    return text.replace("The user", name).replace("the user", name)


def of_somebody(rng: random.Random, messages: Messages, make: Coin) -> Messages:
    """The same chat about a person with a name; the system turn stays."""
    name = _name(rng, make)
    return [
        one if one["role"] == "system" else {**one, "content": about(name, one["content"])}
        for one in messages
    ]


def _name(rng: random.Random, make: Coin) -> str:
    return make(rng, "name").split()[0].capitalize()


def _vague(rng: random.Random, one: Fact) -> Fact:
    """Sometimes the user only says that there is a dog."""
    if not one.relation.less or one.old or rng.random() > 0.12:
        return one
    return replace(
        one,
        relation=replace(one.relation, memory=one.relation.less, statements=one.relation.less_said, more=()),
    )


def _chatter(rng: random.Random, make: Coin) -> list[str]:
    if rng.random() < 0.3:
        asked = fact(rng, make)
        reply = asked.fill(asked.relation.answer) if rng.random() < 0.6 else UNKNOWN
        said = phrases.dress_question(rng, asked.fill(rng.choice(asked.relation.questions)))
    else:
        said, reply = phrases.small_talk(rng, make)
    return [f"user: {said}", f"assistant: {reply}"]
