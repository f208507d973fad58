"""
What a night asks of the model besides questions about one memory, to make and check its lessons.

    rephrase     a question          -> other wordings         ask_before  what changed        -> what was before
    ask_untold   memories            -> what they leave open   ask_time    the same and a time -> what was so then
    ask_both     two memories        -> what needs both        knows       question and answer -> does it tell?
"""

import json
import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from models.skills.ask import as_written
from models.skills.gaps import gap
from models.skills.items import Item, repeating, say
from models.skills.recall import grounded
from models.skills.slots import MONTHS, Fact, Filler, day, facts
from models.skills.told import Told, known
from prompts.load import task

TASK = "lessons"  # all of them, in the mixture
WORDINGS, UNTOLD, OF_BOTH, OF_BEFORE = 5, 5, 3, 4  # questions in one reply
TRUE, FALSE = json.dumps({"knows": True}), json.dumps({"knows": False})
BEFORE = " before?"  # how a question about the past ends that a time can be named in


def item(rng: random.Random, share: float) -> Item:
    """One of the tasks; `share` of the run changes nothing."""
    makers = (rephrase, untold, knows, both, before, at_a_time)
    made: Callable[[random.Random], Item] = rng.choices(makers, (30, 30, 18, 10, 8, 4))[0]
    return made(rng)


def rephrase(rng: random.Random) -> Item:
    """A question about the user -> the same in other words."""
    fact = rng.choice([one for one in facts() if len(one.ask) > WORDINGS])
    filler = Filler(rng=rng)
    first, *others = (as_written(filler.fill(one)) for one in rng.sample(fact.ask, WORDINGS + 1))
    return _listing("rephrase", first, others, first)


def untold(rng: random.Random) -> Item:
    """One to three memories -> questions that they leave open, most of them near misses."""
    held = known(rng, rng.choice((1, 2, 3, 3)), set())
    found: dict[str, None] = {}
    while len(found) < UNTOLD:
        found[as_written(gap(rng, held).question)] = None
    return _listing("ask_untold", _lines(held), list(found))


def knows(rng: random.Random) -> Item:
    """A question and what was answered -> whether that tells it."""
    wanted = rng.random() < 0.5
    while True:
        some = [one for one in grounded(rng, 0.5).rounds if (one.is_open if not wanted else one.values)]
        if some:
            one = rng.choice(some)
            break
    told = say("user", f"Question: {one.asked}\nAnswer: {one.answer}")
    reply, other = (TRUE, FALSE) if wanted else (FALSE, TRUE)
    messages = [*task("knows", taught=True), told, say("assistant", reply)]
    return Item(task=TASK, messages=messages, others={len(messages) - 1: (other,)})


def both(rng: random.Random) -> Item:
    """Two memories -> questions that need both."""
    while True:
        held = [one for one in known(rng, 2, set()) if not one.is_vague]
        if len(held) == 2 and held[0].fact.key != held[1].fact.key:
            break
    asked = []
    for at in range(OF_BOTH):
        first, second = (
            as_written(one.filler.fill(rng.choice(one.fact.ask))) for one in (held[at % 2], held[1 - at % 2])
        )
        asked.append(f"{first.rstrip('?.')}, and {_small(second)}")
    return _listing("ask_both", _lines(held), asked)


def before(rng: random.Random) -> Item:
    """What changed -> questions about what was before."""
    fact = rng.choice([one for one in facts() if one.renews and len(one.before_ask) > 1])
    lines, filler, _ = _changed(rng, fact)
    some = rng.sample(fact.before_ask, min(OF_BEFORE, len(fact.before_ask)))
    return _listing("ask_before", lines, [as_written(filler.fill(one)) for one in some])


def at_a_time(rng: random.Random) -> Item:
    """What changed, and a time -> questions about that time."""
    fact = rng.choice([one for one in facts() if one.renews and _timeless(one)])
    lines, filler, on = _changed(rng, fact)
    is_month = rng.random() < 0.5
    time = on.isoformat()[:7] if is_month else on.isoformat()
    month = MONTHS[on.month - 1]
    when = f"in {month} {on.year}" if is_month else f"on {on.day} {month} {on.year}"
    asked = []
    for text in _timeless(fact):
        question = as_written(filler.fill(text)).removesuffix(BEFORE)
        asked += [f"{question} {when}?", f"{when[0].upper()}{when[1:]}, {_small(question)}?"]
    rng.shuffle(asked)
    return _listing("ask_time", f"{lines}\n{time}", asked[:OF_BEFORE])


def _timeless(fact: Fact) -> list[str]:
    return [text for text in fact.before_ask if text.endswith(BEFORE)]


def _changed(rng: random.Random, fact: Fact) -> tuple[str, Filler, date]:
    """The lines of a fact that became another, the older one's values, and a day on which that held."""
    filler, since = Filler(rng=rng), day(rng)
    old = filler.fill(fact.text)
    long = rng.randint(60, 900)
    now, on = since + timedelta(days=long), since + timedelta(days=rng.randint(35, long))
    new = filler.renewed(fact).fill(fact.text)
    return f"{since} to {now}: {old}\nsince {now}: {new}", filler, on


def _lines(held: Sequence[Told]) -> str:
    return "\n".join(text for _, text in sorted(line for one in held for line in one.lines))


def _listing(name: str, text: str, questions: Sequence[str], *before: str) -> Item:
    def reply(asked: Sequence[str]) -> str:
        return json.dumps(asked, ensure_ascii=False)

    messages = [*task(name, taught=True), say("user", text), say("assistant", reply(questions))]
    others = {len(messages) - 1: repeating(questions, reply, *before)}
    return Item(task=TASK, messages=messages, others=others)


def _small(question: str) -> str:
    """A question in the middle of a sentence."""
    return (
        question
        if question.startswith("I ") or question.startswith("I'")
        else question[0].lower() + question[1:]
    )
