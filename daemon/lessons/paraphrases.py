"""
Paraphrases: a thing that is asked for in several wordings, some to train and one held out for the exam.

A fact seen in one surface form can't be asked for (Physics of Language Models 3.1); what is kept for the exam is
another wording of a thing that is trained.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.memory.errors import ModelAnswerUnusable
from daemon.text import content_words
from store.lessons import NewLesson
from store.memories import Memory

LONGEST_ANSWER = 200  # characters
TRAINED = 4  # wordings of each thing that are trained, at least
MOST_TRAINED = 8
ENOUGH = TRAINED + 1  # one is held out
FEWEST = 3  # wordings of a thing of which one is held out
THINGS = 4  # things asked for in one memory, at most
BEFORE = "Before that:"  # how a narrative tells what a memory replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A question and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What several pairs ask for: one value, now, before or at a time."""

    kind: str  # "fact" | "before" | "as_of"
    pairs: tuple[Pair, ...]  # in the order they came


def split(pairs: Sequence[Pair], turn: int) -> tuple[list[Pair], list[Pair]]:
    """
    What is trained of the wordings of one thing, and what is held out for the exam.

    Held out is one of the first wordings that has other words than all others; nothing of a thing with few wordings.

    Args:
        turn: another one is held out for another number.
    """
    words = [frozenset(content_words(pair.question)) for pair in pairs]
    able = [at for at in range(min(len(pairs), ENOUGH)) if words.count(words[at]) == 1]
    held_out = able[turn % len(able)] if able and len(pairs) >= FEWEST else None
    left = [pair for at, pair in enumerate(pairs) if at != held_out]
    return left[:MOST_TRAINED], [] if held_out is None else [pairs[held_out]]


def as_lessons(
    thing: Thing, train: Sequence[Pair], exam: Sequence[Pair], memory: Memory, grounding: str | None
) -> list[NewLesson]:
    """The lessons of one thing, those that are trained first."""
    return [
        NewLesson(
            question=pair.question,
            answer=pair.answer,
            grounding=grounding,
            kind=thing.kind,
            split=part,
            memory_ids=(memory.id,),
        )
        for part, pairs in (("train", train), ("exam", exam))
        for pair in pairs
    ]


def read_pairs(answer: str) -> list[Pair]:
    """The pairs in the model's answer; raises `ModelAnswerUnusable`."""
    try:
        return [
            Pair(question=str(pair["q"]).strip(), answer=str(pair["a"]).strip())
            for pair in json.loads(answer)
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelAnswerUnusable("ask", answer, "it is no whole list of questions and answers") from error
