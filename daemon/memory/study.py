"""
Study: lessons out of memories, in idle time.

    held memory ──> narrative ──> the model asks and answers ──> filters ──> lessons: train, exam

Promises: a lesson names the one memory it was made of, and its grounding tells no other (a night lays
others beside it, from those that hold then); nothing is stored here but by `study_missing` and `round_out`.
Knows nothing of training. Source: TSUBASA, arXiv 2604.07894, "self-learning"; several phrasings each,
because a fact seen in one surface form can't be asked for (Physics of Language Models 3.1).
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from daemon.engine.client import Engine, Sampling
from daemon.keeper import Keeper
from daemon.memory.content_words import content_words, normalised, value_words
from daemon.memory.errors import HOPELESS, MemoryWorkError, ModelAnswerUnusable
from daemon.memory.recall import system_text
from prompts.load import lines, load, schema
from store import lessons, memories
from store.lessons import NewLesson
from store.memories import Memory

LONGEST_ANSWER = 200  # characters
MAX_ANSWER_TOKENS = 768
MAX_REPLY_TOKENS = 48
EXAM_EVERY = 5  # of the abstain and general lessons, every fifth is held out
ABSTENTION = "I don't know that yet."
GENERAL_WORDS = frozenset(("favourite", "favorite", "live", "kind"))  # they don't say what is asked about
_PRESENT = {
    "bought": "buy",
    "met": "meet",
    "grew": "grow",
    "drove": "drive",
    "ate": "eat",
    "went": "go",
    "ran": "run",
}
BEFORE = "Before that:"  # how a narrative tells what a memory replaced


class NothingAsked(MemoryWorkError):
    """No question about a memory survived the filters."""

    def __init__(self, memory_id: int, line: str) -> None:
        super().__init__(
            f"The model found no usable question about memory {memory_id} ({line!r}). It can still be "
            f"recalled; reword it, or try a larger model, to have it learned."
        )


async def study(engine: Engine, keep: Keeper, memory: Memory) -> list[NewLesson]:
    """
    Lessons about `memory`, at least one; with two or more of a kind, the last is held out for the exam.

    Raises:
        ModelAnswerUnusable: the model's pairs can't be read.
        NothingAsked: no pair survived the filters.
    """
    (line,) = await keep.run(memories.narratives, [memory])
    answer = await engine.complete(
        [{"role": "system", "content": load("ask")}, {"role": "user", "content": line}],
        sampling=Sampling(max_tokens=MAX_ANSWER_TOKENS),
        schema=schema("ask"),
        adapter="base",
        background=True,
    )
    now, _, before = line.partition(BEFORE)
    made = [
        NewLesson(
            question=question,
            answer=reply,
            grounding=system_text([line]),
            kind=_kind(reply, now, before),
            split="train",
            memory_ids=(memory.id,),
        )
        for question, reply in _usable(_pairs(answer.text), line)
    ]
    if not made:
        raise NothingAsked(memory.id, line)
    return [
        *_split([one for one in made if one.kind == "fact"]),
        *_split([one for one in made if one.kind == "before"]),
    ]


async def study_missing(engine: Engine, keep: Keeper) -> tuple[int, list[str]]:
    """Store lessons for every held memory without any; how many, and why some memories gave none."""
    made, failures = 0, []
    for memory in await keep.run(lessons.unstudied):
        try:
            made += len(await keep.run(lessons.add, await study(engine, keep, memory)))
        except HOPELESS as error:
            failures.append(str(error))
    return made, failures


async def round_out(engine: Engine, keep: Keeper) -> int:
    """Add the abstain and general lessons that are missing; returns how many."""
    known = {normalised(one.question) for one in await keep.run(lessons.holding) if not one.memory_ids}
    said = await keep.run(mentioned)
    added = []
    for place, question in enumerate(lines("abstain")):
        if normalised(question) not in known and not is_mentioned(question, said):
            added.append(_standing(question, ABSTENTION, "abstain", place))
    for place, question in enumerate(lines("small_talk")):
        if normalised(question) not in known:
            added.append(_standing(question, await _own_answer(engine, question), "general", place))
    await keep.run(lessons.add, [one for one in added if one.answer])
    return len(added)


def mentioned(db: Any) -> set[str]:
    """Every content word of what is held; runs in the keeper's thread."""
    return {word for memory in memories.holding(db) for word in content_words(memories.narrative(db, memory))}


def is_mentioned(question: str, said: set[str]) -> bool:
    """Whether any memory may answer `question`: then it is no lesson in abstaining. Rather once too often."""
    asked = [word for word in content_words(question) if word not in GENERAL_WORDS]
    roots = {_root(word) for word in said}
    return not asked or any(_root(word) in roots for word in asked)


def _root(word: str) -> str:
    """Enough of a word to tell that "studied" answers "study"."""
    return _PRESENT.get(word, word)[:4]


async def _own_answer(engine: Engine, question: str) -> str:
    answer = await engine.complete(
        [{"role": "user", "content": question}],
        sampling=Sampling(max_tokens=MAX_REPLY_TOKENS),
        adapter="base",
        background=True,
    )
    return answer.text.strip()


def _standing(question: str, answer: str, kind: str, place: int) -> NewLesson:
    split = "exam" if place % EXAM_EVERY == EXAM_EVERY - 1 else "train"
    return NewLesson(question=question, answer=answer, grounding=None, kind=kind, split=split)


def _pairs(answer: str) -> list[tuple[str, str]]:
    try:
        return [(str(pair["q"]).strip(), str(pair["a"]).strip()) for pair in json.loads(answer)]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelAnswerUnusable("ask", answer, "it is no whole list of questions and answers") from error


def _usable(pairs: Sequence[tuple[str, str]], line: str) -> list[tuple[str, str]]:
    """Pairs whose short answer says something of `line` that the question doesn't, and no name or number beyond."""
    told = set(content_words(line))
    kept: dict[str, tuple[str, str]] = {}
    for question, answer in pairs:
        asked, said = set(content_words(question)), set(content_words(answer))
        informs = bool(said & told - asked) and value_words(answer) <= told | asked
        if informs and len(answer) <= LONGEST_ANSWER and normalised(question):
            kept.setdefault(normalised(question), (question, answer))
    return list(kept.values())


def _kind(answer: str, now: str, before: str) -> str:
    """ "before" when the answer tells only what the memory replaced."""
    told = set(content_words(answer))
    only_before = told & set(content_words(before)) - set(content_words(now))
    only_now = told & set(content_words(now)) - set(content_words(before))
    return "before" if only_before and not only_now else "fact"


def _split(made: Sequence[NewLesson]) -> list[NewLesson]:
    """The last phrasing is held out; the second-last too where at least four are left."""
    held_out = 0 if len(made) < 2 else 1 if len(made) < 6 else 2
    first = len(made) - held_out
    return [one if place < first else replace(one, split="exam") for place, one in enumerate(made)]
