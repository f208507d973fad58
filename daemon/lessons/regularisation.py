"""
Regularisation: lessons that come of no single memory, so that the student stays what the base model is.

    abstain   what was never said: see `abstention.py`
    general   what has nothing to do with the user: see `general.py`
    two       questions over two memories: see `multi_hop.py`
    reading   questions with memories in the student's own sight: to read them, or to say that they don't tell

Bounded in number; what is there already is not made again; all that is missing is stored together or none. A question
that a memory may answer by now is left out of the night, and dropped here unless a generation has learned it.
"""

from collections.abc import Mapping, Sequence

from daemon.engine.client import Engine
from daemon.lessons.abstention import (
    ABSTENTION,
    NameOnly,
    fits,
    is_unanswerable,
    mentioned_words,
    name_only_questions,
    near_misses,
)
from daemon.lessons.general import EXAM_EVERY, general_lessons
from daemon.lessons.known_facts import KnownFacts, read
from daemon.lessons.multi_hop import multi_hop_lessons
from daemon.store_thread import StoreThread
from daemon.text import normalised
from prompts.load import lines
from store import lessons, memories
from store.database import Connection
from store.errors import NoSuchMemory
from store.lessons import Lesson, NewLesson

MOST_READ = 200  # of the newest memories
UNREAD_EVERY = 10  # questions to abstain from, of which one is asked with other memories in sight, too


async def add_regularisation(engine: Engine, store_thread: StoreThread) -> int:
    """Add the lessons of regularisation that are missing; returns how many."""
    general = await general_lessons(engine, await store_thread.run(lessons.holding))
    while True:
        there = await store_thread.run(lessons.holding)
        said, narratives = await store_thread.run(mentioned_words), await store_thread.run(current_lines)
        facts, unknown = KnownFacts(narratives.values()), name_only_questions(narratives)
        abstain = [one for one in there if one.answer == ABSTENTION]
        fitting = [one for one in abstain if fits(one, said, unknown, facts)]
        await store_thread.run(lessons.drop, {one.id for one in abstain} - {one.id for one in fitting})
        wanted = [
            *_abstain(said, facts),
            *general,
            *_near(unknown, there),
            *_near_misses(there, fitting, facts),
            *_reading(there),
            *multi_hop_lessons(there),
        ]
        known = {_key(one) for one in there}
        added = {_key(one): one for one in reversed(wanted) if _key(one) not in known}
        try:
            return len(await store_thread.run(lessons.add, list(reversed(added.values()))))
        except NoSuchMemory:  # forgotten meanwhile: look again at what is left
            continue


def current_lines(db: Connection) -> dict[int, str]:
    """The narrative of each memory that holds, by its id, oldest first; runs in the store's thread."""
    found = sorted(memories.holding(db), key=lambda memory: (memory.valid_from, memory.id))
    return dict(
        zip([one.id for one in found], memories.narratives(db, found, trust=lessons.TAUGHT), strict=True)
    )


def _key(lesson: Lesson | NewLesson) -> tuple[str, str, tuple[int, ...]]:
    return (lesson.kind, normalised(lesson.question), tuple(sorted(lesson.memory_ids)))


def _abstain(said: set[str], facts: KnownFacts) -> list[NewLesson]:
    """What was never said, asked alone; and some of it with memories in sight."""
    asked = [one for one in enumerate(lines("abstain")) if is_unanswerable(one[1], said, facts)]
    return [
        *(_lesson(question, ABSTENTION, "abstain", place) for place, question in asked),
        *(
            _lesson(question, ABSTENTION, "reading", place // UNREAD_EVERY)
            for place, question in asked
            if place % UNREAD_EVERY == 0
        ),
    ]


def _near(found: Sequence[NameOnly], there: Sequence[Lesson]) -> list[NewLesson]:
    """What was never said of people who are known, and learned of, by name."""
    studied = {lesson.memory_ids[0] for lesson in there if lesson.kind in lessons.OWN}
    return [
        _lesson(one.question, ABSTENTION, "abstain", one.memory_id + place, memory_ids=(one.memory_id,))
        for place, one in enumerate(found)
        if one.memory_id in studied
    ]


def _near_misses(there: Sequence[Lesson], fitting: Sequence[Lesson], facts: KnownFacts) -> list[NewLesson]:
    """What is taught, asked about what was never said; as much as is missing."""
    fixed = {normalised(question) for question in lines("abstain")}
    made = (one for one in fitting if one.kind == "abstain" and normalised(one.question) not in fixed)
    asked = (read(one.question) for one in made)
    return [
        _lesson(
            one.question,
            ABSTENTION,
            "reading" if one.is_read else "abstain",
            one.place,
            memory_ids=one.memory_ids,
        )
        for one in near_misses(there, facts, {one.key for one in asked if one})
    ]


def _reading(there: Sequence[Lesson]) -> list[NewLesson]:
    """One question about each memory: the last that it is taught by."""
    last: Mapping[int, Lesson] = {
        lesson.memory_ids[0]: lesson for lesson in there if lesson.kind == "fact" and lesson.split == "train"
    }
    return [
        _lesson(
            last[id].question,
            last[id].answer,
            "reading",
            id,
            memory_ids=(id,),
            grounding=last[id].grounding,
        )
        for id in sorted(last)[-MOST_READ:]
    ]


def _lesson(
    question: str,
    answer: str,
    kind: str,
    place: int,
    *,
    memory_ids: tuple[int, ...] = (),
    grounding: str | None = None,
) -> NewLesson:
    split = "exam" if place % EXAM_EVERY == EXAM_EVERY - 1 else "train"
    return NewLesson(
        question=question,
        answer=answer,
        grounding=grounding,
        kind=kind,
        split=split,
        memory_ids=memory_ids,
    )
