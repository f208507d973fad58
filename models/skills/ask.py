"""Ask: a dated memory, and five questions that it answers, some about what was before."""

import json
import random
import re
from collections.abc import Sequence

from models.skills.items import Item, repeating, say
from models.skills.slots import Filler, day, facts, memories
from prompts.load import task

CHANGED = 0.4  # share of the memories that can change and tell what was before
PAIRS = 5
BY_HAND = 0.35  # share of the memories that tell more than one thing


def item(rng: random.Random, share: float) -> Item:
    """A dated memory -> question and answer pairs."""
    line, pairs = _by_hand(rng) if rng.random() < BY_HAND else _of_a_fact(rng)
    questions = [as_written(asked) for asked, _ in pairs]

    def reply(asked: Sequence[str]) -> str:
        told = [{"q": question, "a": answer} for question, (_, answer) in zip(asked, pairs, strict=True)]
        return json.dumps(told, ensure_ascii=False)

    messages = [*task("ask", taught=True), say("user", line), say("assistant", reply(questions))]
    return Item(task="ask", messages=messages, others={len(messages) - 1: repeating(questions, reply)})


def _by_hand(rng: random.Random) -> tuple[str, list[tuple[str, str]]]:
    """The line of a memory that tells several things, and pairs about them."""
    one, filler = rng.choice(memories()), Filler(rng=rng)
    pairs = [(filler.fill(asked), filler.fill(answer)) for asked, answer in rng.sample(one.pairs, PAIRS)]
    return f"{day(rng)}: {filler.fill(one.text)}", pairs


def _of_a_fact(rng: random.Random) -> tuple[str, list[tuple[str, str]]]:
    """The line of a fact, sometimes with what was before, and pairs about it."""
    fact, filler, on = rng.choice(facts()), Filler(rng=rng), day(rng)
    line, now = f"{on}: {filler.fill(fact.text)}", filler
    before: list[tuple[str, str]] = []
    if fact.renews and fact.before_ask and rng.random() < CHANGED:
        now = filler.renewed(fact)
        line = f"{on}: {now.fill(fact.text)} Before that: {filler.fill(fact.text)}"
        some = _some(rng, fact.before_ask, 2)
        before = [(filler.fill(asked), filler.pick(fact.before_answer)) for asked in some]
    elif fact.event and fact.when_ask and rng.random() < 0.7:
        before = [(filler.pick(fact.when_ask), f"{filler.fill(fact.answer[0]).rstrip('.')} on {on}.")]
    some = _some(rng, fact.ask, PAIRS - len(before))
    pairs = [(now.fill(asked), now.pick((fact.answer[0], *fact.answer))) for asked in some]
    return line, [*pairs, *before]


def _some(rng: random.Random, texts: tuple[str, ...], n: int) -> list[str]:
    return rng.sample(texts, min(n, len(texts)))


def as_written(text: str) -> str:
    """A question as it is written, not as it is typed: with capitals and a mark at its end."""
    text = re.sub(r"\bi\b", "I", text)
    return text[0].upper() + text[1:] + ("" if text[-1] in ".?!" else "?")
