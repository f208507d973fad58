"""
Abstention: questions that no memory answers, asked by the model itself, with what it says to them.

    a few memories ──> ask_untold: questions ──> recall: what else bears on each ──> the teacher, with all that in
    sight ──> does it say that it does not know? ──> abstain; some also reading

Such a lesson names all memories that lay before the teacher. Where recall finds others by now, the teacher is asked
anew: what is answered goes. An answer that claims something is sampled again, then the question is dropped.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from daemon.concurrency import together
from daemon.core import Core
from daemon.lessons.agreement import carries, invents, same_language, told
from daemon.lessons.general import EXAM_EVERY
from daemon.lessons.teacher import Teacher
from daemon.memory.recall import recall, system_text
from daemon.text import normalised
from store.lessons import OWN, Lesson, NewLesson

FEWEST, MOST = 8, 100  # questions: as many as memories that are taught, within these
A_NIGHT = 24  # new questions that are answered in one round, at most, and old ones that are answered anew
IN_VAIN = 8  # questions in a row that give no lesson, after which the model is asked no more
SHOWN = 3  # memories that lie before the model when it asks
SAMPLED = 2  # times that it is asked again where it claims something
READ_OF_TEN = 3  # questions of ten that are asked with memories in the student's own sight, too


@dataclass(kw_only=True)
class Untold:
    """Lessons to add, and those that don't fit any more."""

    made: list[NewLesson] = field(default_factory=list)
    unfit: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unknown:
    """A question to which the teacher knows no answer."""

    question: str
    answer: str  # that it does not know
    beside: dict[int, str]  # lines of the taught memories that lay before it, by id


async def untold(
    core: Core, teacher: Teacher, there: Sequence[Lesson], lines: Mapping[int, str], *, seed: int
) -> Untold:
    """
    What is missing of the lessons in abstaining.

    Args:
        there: all lessons that hold.
        lines: the narrative of each memory that holds, by id.
        seed: another one makes other questions.
    """
    own = {id for lesson in there if lesson.kind in OWN for id in lesson.memory_ids}
    work = _Abstention(core, teacher, {id: line for id, line in lines.items() if id in own})
    asked = {normalised(one.question) for one in there if not one.abstains}
    found = Untold()
    fitting = 0
    for question, same in _by_question(there).items():
        keep, made = (None, []) if question in asked else await work.look_again(same)
        found.unfit |= {one.id for one in same} - set(keep or ())
        found.made += made
        fitting += bool(keep or made)
        if keep or made:
            work.count(same[-1].split if keep else made[0].split)
    room = min(max(len(work.lines), FEWEST), MOST) - fitting
    known = asked | _by_question(there).keys()
    found.made += await work.new(min(room, A_NIGHT), known, seed)
    return found


class _Abstention:
    """One round of questions that are not answered."""

    def __init__(self, core: Core, teacher: Teacher, lines: Mapping[int, str]) -> None:
        """`lines`: of the memories that are taught, by id, oldest first."""
        self._core, self._teacher, self.lines = core, teacher, lines
        self._looked = 0  # questions that were answered anew
        self._questions = self._held_out = 0  # that fit so far

    def count(self, split: str) -> None:
        """One more question fits."""
        self._questions += 1
        self._held_out += split == "exam"

    def _split(self) -> str:
        """
        Of the next question: of every few one is held out, and of the first few two.

        No exam goes without one, and none is decided by a single one where there are more.
        """
        is_due = EXAM_EVERY * self._held_out <= self._questions
        return "exam" if is_due or self._held_out < 2 <= self._questions else "train"

    async def look_again(self, same: Sequence[Lesson]) -> tuple[set[int] | None, list[NewLesson]]:
        """Of lessons with one question: ids of those that still fit; where others bear on it by now, new ones."""
        newest = [one for one in same if one.memory_ids == same[-1].memory_ids]
        question, ids = newest[0].question, set(newest[0].memory_ids)
        bearing, others = await self._bearing_on(question)
        kept = {one.id for one in newest}
        if bearing <= ids and (not others or self._looked >= A_NIGHT):
            return kept, []
        self._looked += 1
        unknown = None
        if self._looked <= A_NIGHT:
            unknown = await self._unknown(question, ids & self.lines.keys())
        made = self._lessons(unknown) if unknown else []
        return (kept, []) if made and bearing <= ids else (None, made)

    async def new(self, room: int, known: Collection[str], seed: int) -> list[NewLesson]:
        """Lessons about at most `room` questions that are not `known`."""
        chance, ids = random.Random(seed), list(self.lines)
        chance.shuffle(ids)
        made: list[NewLesson] = []
        done, in_vain = set(known), 0
        for start in range(0, len(ids), SHOWN):
            shown = ids[start : start + SHOWN]
            if room <= 0 or in_vain >= IN_VAIN:
                break
            told_here = "\n".join(self.lines[id] for id in shown)
            asked = await self._teacher.questions("ask_untold", told_here, seed=seed)
            new = [one for one in asked if normalised(one) not in done and same_language(one, told_here)]
            done |= {normalised(one) for one in new}
            for unknown in await together(self._unknown(one, set(shown)) for one in new[: room + IN_VAIN]):
                in_vain = 0 if unknown else in_vain + 1
                if unknown and room > 0:
                    made += self._lessons(unknown)
                    self.count(made[-1].split)
                    room -= 1
        return made

    async def _unknown(self, question: str, ids: Collection[int]) -> _Unknown | None:
        """`question` beside the memories of `ids` and what bears on it, where the teacher knows no answer."""
        bearing, others = await self._bearing_on(question)
        beside = {id: line for id, line in self.lines.items() if id in {*ids, *bearing}}
        answer = await self._abstains(question, [*others, *beside.values()])
        if answer and others:  # these are not taught: what it says without them
            answer = await self._abstains(question, list(beside.values()))
        return _Unknown(question=question, answer=answer, beside=beside) if answer else None

    def _lessons(self, unknown: _Unknown) -> list[NewLesson]:
        """One lesson or two."""
        split, is_read = self._split(), crc32(unknown.question.encode()) % 10 < READ_OF_TEN
        return [
            NewLesson(
                question=unknown.question,
                answer=unknown.answer,
                grounding=system_text(list(unknown.beside.values())),
                kind=kind,
                split=split,
                memory_ids=tuple(unknown.beside),
                abstains=True,
            )
            for kind in (["abstain", "reading"] if is_read else ["abstain"])
        ]

    async def _bearing_on(self, question: str) -> tuple[set[int], list[str]]:
        """The taught memories that recall lays beside `question`, and the lines of what else it does."""
        found = await recall(self._core.store_thread, self._core.embedder, question)
        known = set(self.lines.values())
        return {one.id for one in found.memories} & self.lines.keys(), [
            one for one in found.lines if one not in known
        ]

    async def _abstains(self, question: str, lines: Sequence[str]) -> str:
        """What the teacher says, where it says that it does not know; else ""."""
        for seed in (None, *range(1, SAMPLED + 1)):
            answer = await self._teacher.answer(question, lines, seed=seed)
            claims = invents(answer, question) or any(_repeats(answer, question, one) for one in lines)
            if answer and not claims and same_language(answer, question):
                if not await self._teacher.knows(question, answer):
                    return answer
        return ""


def _repeats(answer: str, question: str, line: str) -> bool:
    """Whether the answer tells something of a memory."""
    sentence = line.partition(": ")[2]
    return any(carries(word, sentence) for word in told(answer, question, sentence))


def _by_question(there: Sequence[Lesson]) -> dict[str, list[Lesson]]:
    """Lessons in abstaining, oldest first, put together where they ask the same."""
    found: dict[str, list[Lesson]] = {}
    for lesson in there:
        if lesson.abstains:
            found.setdefault(normalised(lesson.question), []).append(lesson)
    return found
