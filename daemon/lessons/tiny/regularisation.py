"""
Regularisation of a tiny model: what was never said (`abstention.py`), and questions over two memories (`multi_hop.py`).

A question that a memory may answer by now is left out of the night. English only.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence

from daemon.lessons.general import split_at
from daemon.lessons.reading import reading_lessons
from daemon.lessons.tiny.abstention import (
    ABSTENTION,
    NameOnly,
    fits,
    is_unanswerable,
    name_only_questions,
    near_misses,
)
from daemon.lessons.tiny.known_facts import KnownFacts, read
from daemon.lessons.tiny.multi_hop import multi_hop_lessons
from daemon.lessons.tiny.paraphrases import bare
from daemon.text import normalised
from prompts.load import lines
from store.lessons import OWN, Lesson, NewLesson

UNREAD_EVERY = 10  # questions to abstain from, of which one is asked with other memories in sight, too


class Told:
    """What the memories tell, as far as it matters to what was never said."""

    def __init__(self, said: set[str], narratives: Mapping[int, str]) -> None:
        """`said`: every content word of all memories; `narratives`: line of each memory that holds, by id."""
        self.said = said
        self.facts = KnownFacts(narratives.values())
        self.unknown = name_only_questions(narratives)

    def unfit(self, stored: Sequence[Lesson]) -> set[int]:
        """Ids of the lessons in abstaining that a memory may answer."""
        abstain = (one for one in stored if one.abstains)
        return {one.id for one in abstain if not fits(one, self.said, self.unknown, self.facts)}


def regularisation(there: Sequence[Lesson], general: Sequence[NewLesson], told: Told) -> list[NewLesson]:
    """All that rounds out a night, also what is there already; `there`: all lessons that hold."""
    unfit = told.unfit(there)
    fitting = [one for one in there if one.abstains and one.id not in unfit]
    return [
        *_abstain(told),
        *general,
        *_near(told.unknown, there),
        *_near_misses(there, fitting, told.facts),
        *reading_lessons(there),
        *multi_hop_lessons(there),
    ]


def fit_for_tonight(teachable: Sequence[Lesson], told: Told) -> list[Lesson]:
    """`teachable` without lessons in abstaining that a memory may answer, or that ask what is taught tonight."""
    unfit = told.unfit(teachable)
    asked = {_asked(one.question) for one in teachable if one.kind in OWN}
    return [
        one
        for one in teachable
        if not one.abstains or (_asked(one.question) not in asked and one.id not in unfit)
    ]


def _asked(question: str) -> Hashable:
    """Equal for two questions that ask for the same, in so far as code can tell."""
    asked = read(question)
    return asked.key if asked and asked.about else bare(question)


def _abstain(told: Told) -> list[NewLesson]:
    """What was never said, asked alone; and some of it with memories in sight."""
    asked = [one for one in enumerate(lines("abstain")) if is_unanswerable(one[1], told.said, told.facts)]
    return [
        *(_unknown(question, "abstain", place) for place, question in asked),
        *(
            _unknown(question, "reading", place // UNREAD_EVERY)
            for place, question in asked
            if place % UNREAD_EVERY == 0
        ),
    ]


def _near(found: Sequence[NameOnly], there: Sequence[Lesson]) -> list[NewLesson]:
    """What was never said of people who are known, and learned of, by name."""
    studied = {lesson.memory_ids[0] for lesson in there if lesson.kind in OWN}
    return [
        _unknown(one.question, "abstain", one.memory_id + place, (one.memory_id,))
        for place, one in enumerate(found)
        if one.memory_id in studied
    ]


def _near_misses(there: Sequence[Lesson], fitting: Sequence[Lesson], facts: KnownFacts) -> list[NewLesson]:
    """What is taught, asked about what was never said; as much as is missing."""
    fixed = {normalised(question) for question in lines("abstain")}
    made = (one for one in fitting if one.kind == "abstain" and normalised(one.question) not in fixed)
    asked = (read(one.question) for one in made)
    found: Collection[tuple[str, ...]] = {one.key for one in asked if one}
    return [
        _unknown(one.question, "reading" if one.is_read else "abstain", one.place, one.memory_ids)
        for one in near_misses(there, facts, found)
    ]


def _unknown(question: str, kind: str, place: int, memory_ids: tuple[int, ...] = ()) -> NewLesson:
    return NewLesson(
        question=question,
        answer=ABSTENTION,
        grounding=None,
        kind=kind,
        split=split_at(place),
        memory_ids=memory_ids,
        abstains=True,
    )
