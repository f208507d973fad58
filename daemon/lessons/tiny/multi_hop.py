"""
Multi-hop lessons: questions over two memories, of the questions about each.

    "What's my sister's name?" + "Where do I live?" ──> "What's my sister's name, and where do I live?"
                                                       "Your sister is called Priya, and you live in Oslo."

Each memory is in one pair at most, and each lesson names both. English only.
"""

import re
from collections.abc import Sequence

from daemon.lessons.tiny.paraphrases import bare
from daemon.memory.recall import recalled_lines, system_text
from daemon.text import normalised
from store.lessons import Lesson, NewLesson

MOST = 50  # pairs of memories
WORDINGS = (
    ("train", False),
    ("train", True),
    ("exam", False),
)  # of one couple: its part, and who comes first
_ASKS = re.compile(
    r"(?:what|where|who|whom|which|when|how|do|does|did|is|are|in which|at which|on which)\b", re.I
)
_BEGINS = re.compile(r"(?:You|Your|It|In|At|On|The|An?|They|She|He|Their|Her|His|With|By|Since)\b")


def multi_hop_lessons(stored: Sequence[Lesson]) -> list[NewLesson]:
    """Lessons over two memories each, for those that have lessons of their own and are in no couple yet."""
    coupled = {id for lesson in stored if lesson.kind == "two" for id in lesson.memory_ids}
    room = MOST - len({lesson.memory_ids for lesson in stored if lesson.kind == "two"})
    able: dict[int, list[Lesson]] = {}
    for lesson in stored:
        if _can_be_joined(lesson) and lesson.memory_ids[0] not in coupled:
            able.setdefault(lesson.memory_ids[0], []).append(lesson)
    made: list[NewLesson] = []
    waiting: list[list[Lesson]] = []
    for _, mine in sorted(able.items()):
        other = next((one for one in waiting if not _asks_alike(one, mine)), None)
        if other is None:
            waiting.append(mine)
        elif room > 0:
            waiting.remove(other)
            room -= 1
            made += _couple(other, mine)
    return made


def _can_be_joined(lesson: Lesson) -> bool:
    asks = _ASKS.match(lesson.question) and lesson.question.endswith("?") and "?" not in lesson.question[:-1]
    plain = lesson.answer.count(".") <= 1 and not re.search("[,:]", lesson.question)
    return bool(lesson.kind == "fact" and lesson.split == "train" and lesson.grounding and asks and plain)


def _asks_alike(some: Sequence[Lesson], others: Sequence[Lesson]) -> bool:
    return not {bare(one.question) for one in some}.isdisjoint(bare(one.question) for one in others)


def _couple(one: Sequence[Lesson], other: Sequence[Lesson]) -> list[NewLesson]:
    """Up to three wordings; none is asked twice."""
    made: dict[str, NewLesson] = {}
    for turn, (split, is_turned) in enumerate(WORDINGS):
        first, second = one[turn % len(one)], other[turn % len(other)]
        if is_turned:
            first, second = second, first
        lines = {line for lesson in (first, second) for line in recalled_lines(lesson.grounding or "")}
        lesson = NewLesson(
            question=f"{first.question[:-1]}, and {second.question[0].lower()}{second.question[1:]}",
            answer=_joined(first.answer, second.answer),
            grounding=system_text(sorted(lines)),
            kind="two",
            split=split,
            memory_ids=(first.memory_ids[0], second.memory_ids[0]),
        )
        made.setdefault(normalised(lesson.question), lesson)
    return list(made.values())


def _joined(first: str, second: str) -> str:
    """ "You live in Oslo." and "Your dog is called Rex." as one sentence; names keep their capital."""
    begins = second[0].lower() + second[1:] if _BEGINS.match(second) else second
    return f"{first.rstrip('.')}, and {begins}"
