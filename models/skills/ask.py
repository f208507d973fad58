"""Ask: a dated memory, and five questions that it answers, some about what was before."""

import json
import random
import re

from models.skills.items import Item, say
from models.skills.slots import Filler, day, facts
from prompts.load import task

CHANGED = 0.4  # share of the memories that can change and tell what was before
PAIRS = 5


def item(rng: random.Random, share: float) -> Item:
    """A dated memory -> question and answer pairs."""
    fact, filler, on = rng.choice(facts()), Filler(rng=rng), day(rng)
    line, now = f"{on}: {filler.fill(fact.text)}", filler
    before: list[tuple[str, str]] = []
    if fact.renews and fact.before_ask and rng.random() < CHANGED:
        now = filler.renewed(fact)
        line = f"{on}: {now.fill(fact.text)} Before that: {filler.fill(fact.text)}"
        before = [
            (filler.fill(asked), filler.pick(fact.before_answer)) for asked in _some(rng, fact.before_ask, 2)
        ]
    elif fact.event and fact.when_ask and rng.random() < 0.7:
        before = [(filler.pick(fact.when_ask), f"{filler.fill(fact.answer[0]).rstrip('.')} on {on}.")]
    pairs = [
        (now.fill(asked), now.pick((fact.answer[0], *fact.answer)))
        for asked in _some(rng, fact.ask, PAIRS - len(before))
    ]
    told = [{"q": _question(asked), "a": answer} for asked, answer in [*pairs, *before]]
    reply = say("assistant", json.dumps(told, ensure_ascii=False))
    return Item(task="ask", messages=[*task("ask", taught=True), say("user", line), reply])


def _some(rng: random.Random, texts: tuple[str, ...], n: int) -> list[str]:
    return rng.sample(texts, min(n, len(texts)))


def _question(text: str) -> str:
    """A question as it is written, not as it is typed: with capitals and a mark at its end."""
    text = re.sub(r"\bi\b", "I", text)
    return text[0].upper() + text[1:] + ("" if text[-1] in ".?!" else "?")
