"""
Tonight's lessons as tokens: the engine cuts them, with the template and the vocabulary of the very model that serves.

    teacher  [system: grounding] [user: question] -> answer
    student                      [user: question] -> answer      (kind "reading": the same as the teacher)

Lessons of different memories that answer the student's prompt otherwise are all left out: which one is right can't be
known here, and a student of both would say either.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from daemon.engine.client import Engine, Message
from daemon.processes.foreground_gate import ForegroundGate
from daemon.progress import Progress
from daemon.text import normalised
from store.lessons import Lesson
from store.text import pairs

AT_ONCE = 64  # lessons between two looks at the gate
ALIKE = ("abstain", "general")  # kinds in which other words for one question are no contradiction


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenisedLesson:
    """One lesson as the trainer gets it: nothing of its words."""

    id: int
    kind: str
    split: str
    teacher: list[int]  # the prompt with the grounding
    student: list[int]  # the prompt that the student reads
    answer: list[int]  # with the end of the turn


def without_contradictions(lessons: Sequence[Lesson]) -> list[Lesson]:
    """`lessons` without those that answer one prompt of the student otherwise than a lesson of other memories does."""
    asked: dict[tuple[str, ...], list[Lesson]] = defaultdict(list)
    for lesson in lessons:
        if lesson.kind not in ALIKE:
            asked[_prompt(lesson)].append(lesson)
    doubtful = {
        prompt
        for prompt, group in asked.items()
        if any(_contradict(one, other) for one, other in combinations(group, 2))
    }
    return [lesson for lesson in lessons if lesson.kind in ALIKE or _prompt(lesson) not in doubtful]


async def tokenised(
    engine: Engine,
    lessons: Sequence[Lesson],
    on_progress: Callable[[Progress], None] = lambda progress: None,
    gate: ForegroundGate | None = None,
) -> list[TokenisedLesson]:
    """
    The lessons in their order, as the tokens of the model that `engine` serves. It works while the gate is open.

    Raises:
        TemplateRefused: the model's template can't write one of them.
        NightEnded: the gate ended the night.
        ChildCrashed: the engine died; ask again.
    """
    done: list[TokenisedLesson] = []
    for start in range(0, len(lessons), AT_ONCE):
        if gate is not None:
            await gate.wait_until_open()
        on_progress(Progress(done=start, total=len(lessons), unit="lessons", note="preparing the lessons"))
        done += await _cut(engine, lessons[start : start + AT_ONCE])
    return done


async def _cut(engine: Engine, lessons: Sequence[Lesson]) -> list[TokenisedLesson]:
    teachers = await engine.tokenise([(_turns(one.grounding, one.question), one.answer) for one in lessons])
    alone = [one for one in lessons if _is_alone(one)]
    students = iter(await engine.tokenise([(_turns(None, one.question), None) for one in alone]))
    return [
        TokenisedLesson(
            id=one.id,
            kind=one.kind,
            split=one.split,
            teacher=teacher,
            student=next(students)[0] if _is_alone(one) else teacher,
            answer=answer,
        )
        for one, (teacher, answer) in zip(lessons, teachers, strict=True)
    ]


def _is_alone(lesson: Lesson) -> bool:
    """Whether the student reads another prompt than the teacher."""
    return lesson.grounding is not None and lesson.kind != "reading"


def _turns(grounding: str | None, question: str) -> list[Message]:
    system = [] if grounding is None else [{"role": "system", "content": grounding}]
    return [*system, {"role": "user", "content": question}]


def _prompt(lesson: Lesson) -> tuple[str, ...]:
    """Equal for two lessons in which the student is asked the same."""
    seen = lesson.grounding or "" if lesson.kind == "reading" else ""
    return lesson.kind, lesson.split, seen, lesson.question


def _contradict(one: Lesson, other: Lesson) -> bool:
    """Whether they are of other memories, and neither answer has all the words of the other."""
    mine, theirs = _words(one.answer), _words(other.answer)
    return set(one.memory_ids) != set(other.memory_ids) and not (mine <= theirs or theirs <= mine)


def _words(answer: str) -> frozenset[str]:
    return frozenset(pairs(normalised(answer)).split()) or frozenset({answer})
