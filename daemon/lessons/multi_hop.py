"""
Multi-hop lessons: questions that need two memories, asked by the model itself with both in sight.

Each memory is in one couple at most, and each lesson names both; its answer tells something of each.
"""

import random
from collections.abc import Mapping, Sequence
from contextlib import aclosing

from daemon.concurrency import in_order
from daemon.lessons.agreement import Answer, agree, has, invents, same_language, told
from daemon.lessons.paraphrases import BEFORE
from daemon.lessons.teacher import Teacher
from daemon.memory.recall import system_text
from daemon.text import content_words
from store.lessons import Lesson, NewLesson

MOST = 50  # couples
A_NIGHT = 8  # couples that are asked about in one round
IN_VAIN = 3  # couples in a row that give no lesson, after which the model is asked no more


async def couples(
    teacher: Teacher, there: Sequence[Lesson], lines: Mapping[int, str], *, seed: int
) -> list[NewLesson]:
    """
    Lessons over two memories each, for some that have lessons of their own and are in no couple yet.

    Args:
        there: all lessons that hold.
        lines: the narrative of each memory that holds, by id.
        seed: another one couples others.
    """
    coupled = {one.memory_ids for one in there if one.kind == "two"}
    taken = {id for ids in coupled for id in ids}
    able = sorted({one.memory_ids[0] for one in there if one.kind == "fact"} & lines.keys() - taken)
    random.Random(seed).shuffle(able)
    pairs = list(zip(able[::2], able[1::2], strict=False))[: max(min(A_NIGHT, MOST - len(coupled)), 0)]
    made: list[NewLesson] = []
    in_vain = 0
    jobs = (_couple(teacher, first, second, lines) for first, second in pairs)
    async with aclosing(in_order(jobs, at_once=IN_VAIN)) as every:
        async for new in every:
            made, in_vain = made + new, 0 if new else in_vain + 1
            if in_vain >= IN_VAIN:
                break
    return made


async def _couple(teacher: Teacher, first: int, second: int, lines: Mapping[int, str]) -> list[NewLesson]:
    """Lessons over two memories: of three wordings or more, the last is held out."""
    both = sorted((lines[first], lines[second]), key=lambda line: line[:10])
    sources = [_sentence(lines[id]) for id in (first, second)]
    asked = [
        one
        for one in await teacher.questions("ask_both", "\n".join(both))
        if same_language(one, " ".join(sources))
    ]
    answers = await teacher.answers(asked, both)
    good = [(q, a) for q, a in zip(asked, answers, strict=True) if _tells_both(q, a, sources, both)]
    if not good:
        return []
    question, answer = good[0]
    again = await teacher.answer(question, both, seed=1)
    whole = " ".join(sources)
    said = [Answer(question=question, text=one, tells=told(one, question, whole)) for one in (answer, again)]
    if not agree(said[0], said[1], whole):
        return []
    return [
        NewLesson(
            question=question,
            answer=answer,
            grounding=system_text(both),
            kind="two",
            split="exam" if place == len(good) - 1 and place > 1 else "train",
            memory_ids=(first, second),
        )
        for place, (question, answer) in enumerate(good)
    ]


def _tells_both(question: str, answer: str, sources: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether the answer says something of each source that neither the question nor the other source has."""
    if not answer or invents(answer, question, *lines):
        return False
    return all(
        any(not has(content_words(other), word) for word in told(answer, question, source))
        for source, other in zip(sources, sources[::-1], strict=True)
    )


def _sentence(line: str) -> str:
    """A narrative less its day and what was before."""
    return line.partition(": ")[2].partition(BEFORE)[0]
