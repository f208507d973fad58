"""
General lessons: what the model itself says to what has nothing to do with the user, so that it stays what it is.

    prompts/small_talk.txt   for a tiny model, which knows nothing else: all of it every night
    prompts/general.toml     for all others: knowledge, reasoning, writing, code, languages, advice, manners

Each prompt is answered once, by the base model, and every fifth is held out for the exam. A larger model needs long for
all of them: some are made in an idle spell, some before a night, and a night teaches a part, each night the next one.
What is said to the assistant itself ("Who are you?") is the nearest to questions about the user, and in every night.
"""

import re
from collections.abc import Sequence
from functools import cache
from itertools import chain, zip_longest

from daemon.concurrency import together
from daemon.core import Core
from daemon.engine.check_model import is_circling
from daemon.engine.client import Completion, Engine, Message, Sampling
from daemon.text import normalised
from prompts.load import lines, table
from store import lessons
from store.lessons import Lesson, NewLesson

MAX_SMALL_TOKENS = 48  # of a tiny model's small talk
MAX_REPLY_TOKENS = 64
NEAREST = "manners"  # the category that is in every night
BEFORE_A_NIGHT = 45  # answers that are made before a night
IN_A_SPELL = 12  # and in one idle spell
FEWEST = 20  # of the other categories that a night teaches, where there are so many
EXAM_EVERY = 5  # of each kind of lesson that comes of no memory, every fifth is held out
_ITEM = re.compile(r"^\s*\d+[.)]", re.MULTILINE)  # what an entry of a numbered list begins with
_SYMBOL = re.compile(r"([^\w\s.\-=_*#|~])\1{7}")  # a picture again and again, no line that is drawn
_END = re.compile(r"[.!?…](?=\s)|[。！？؟।]|\n")  # of a sentence, in any script


async def general_lessons(
    engine: Engine, there: Sequence[Lesson], *, most: int = BEFORE_A_NIGHT
) -> list[NewLesson]:
    """
    General lessons that are missing `there`, not yet stored.

    Args:
        most: answers to make; of a tiny model's few short ones all are made.
    """
    tiny = (await engine.info()).tiny
    known = {normalised(one.question) for one in there if one.kind == "general"}
    asked = [
        (place, question)
        for place, question in enumerate(lines("small_talk") if tiny else prompts())
        if normalised(question) not in known
    ][: None if tiny else most]
    if tiny:
        answers = await together(_small_talk(engine, question) for _, question in asked)
    else:
        answers = await together(
            own_answer(engine, [{"role": "user", "content": question}], seed=place)
            for place, question in asked
        )
    return [
        NewLesson(
            question=question,
            answer=answer,
            grounding=None,
            kind="general",
            split=split_at(place),
        )
        for (place, question), answer in zip(asked, answers, strict=True)
        if answer
    ]


async def add_general(core: Core) -> int:
    """Make some of the general lessons that are missing; how many. A tiny model's are made before its night."""
    info, run = await core.engine.info(), core.store_thread.run
    if info.tiny:
        return 0
    there = await run(lessons.holding, by=(info.sha256,))
    made = await general_lessons(core.engine, there, most=IN_A_SPELL)
    return len(await run(lessons.add, made, by=info.sha256))


def tonights_part(held: Sequence[Lesson], turn: int) -> list[Lesson]:
    """
    `held` with its manners and a part of its other general lessons to train: with as much to say as those about
    memories have, at least `FEWEST`; with each turn the next ones. None is held out: they would drown the loss of those
    about memories.
    """
    every = [one for one in held if one.kind == "general" and one.split == "train"]
    manners = {one.id for one in every if one.question in table("general")[NEAREST]}
    general = [one for one in every if one.id not in manners]
    facts = [one for one in held if one.memory_ids and one.kind != "reading" and one.split == "train"]
    count = min(len(general), max(FEWEST, _share(_length(facts), _length(general), len(general))))
    first = turn * count
    chosen = {general[(first + place) % len(general)].id for place in range(count)}
    return [one for one in held if one.kind != "general" or one.id in chosen | manners]


def goes_nowhere(text: str) -> bool:
    """Whether it goes in circles, be it in a list whose numbers alone go on, or in pictures."""
    return is_circling(text) or is_circling(_ITEM.sub("", text)) or _SYMBOL.search(text) is not None


async def own_answer(
    engine: Engine,
    messages: Sequence[Message],
    *,
    seed: int,
    longest: int = MAX_REPLY_TOKENS,
    sampled: bool = False,
) -> str:
    """
    What the base model itself answers: its likeliest words; sampled where those go in circles or say nothing.

    Args:
        seed: of the sampling.
        longest: tokens; a longer answer is cut after a sentence.
        sampled: another answer than the likeliest one is wanted.
    """
    loose = Sampling(max_tokens=longest, temperature=0.7, top_p=0.9, seed=seed)
    said = await _completed(engine, messages, loose if sampled else Sampling(max_tokens=longest))
    if not sampled and (goes_nowhere(said.text) or not said.text.strip()):
        said = await _completed(engine, messages, loose)
    text = said.text.strip()
    ends = [match.end() for match in _END.finditer(text)] if said.finish == "length" else []
    return text[: ends[-1]].strip() if ends and 2 * ends[-1] > len(text) else text


def split_at(place: int) -> str:
    """Whether a lesson that comes of no memory is trained or held out, by its place among its kind."""
    return "exam" if place % EXAM_EVERY == EXAM_EVERY - 1 else "train"


@cache
def prompts() -> tuple[str, ...]:
    """All general prompts: the manners, then one of each other category after the other."""
    told: dict[str, list[str]] = table("general")
    others = zip_longest(*(told[name] for name in told if name != NEAREST))
    return (*told[NEAREST], *(one for one in chain.from_iterable(others) if one))


def _share(wanted: int, all_of_them: int, count: int) -> int:
    """How many of `count` have the length `wanted`, if all have `all_of_them`."""
    return -(-wanted * count // all_of_them) if all_of_them else 0


def _length(some: Sequence[Lesson]) -> int:
    """Bytes of the answers: about in proportion to their tokens, whatever the script."""
    return sum(len(one.answer.encode()) for one in some)


async def _small_talk(engine: Engine, question: str) -> str:
    return (await _asked(engine, question, Sampling(max_tokens=MAX_SMALL_TOKENS))).text.strip()


async def _asked(engine: Engine, question: str, sampling: Sampling) -> Completion:
    return await _completed(engine, [{"role": "user", "content": question}], sampling)


async def _completed(engine: Engine, messages: Sequence[Message], sampling: Sampling) -> Completion:
    return await engine.complete(messages, sampling=sampling, adapter="base", background=True)
