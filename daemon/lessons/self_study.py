"""
Self-study: what the model asks itself about one memory, and answers with it in sight, in its own words.

    memory ──> ask: questions ──> the teacher answers each ──> filters ──> things asked for ──> a second sample agrees,
    and without the memory the answer is another ──> rephrase: more wordings, each answered alike ──> train, exam
    what held before, and at a time ──> ask_before, ask_time ──> the same way

What can't be checked is dropped. A memory that tells one thing takes a good model about a dozen calls, and none more
than `MOST_QUESTIONS` answers.
Source: TSUBASA, arXiv 2604.07894, "self-learning".
"""

from collections import Counter
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import compress
from typing import Protocol

from daemon.concurrency import together
from daemon.lessons.agreement import Answer, agree, has, invents, plain_words, quotes, same_language, told
from daemon.lessons.errors import NothingAsked
from daemon.lessons.paraphrases import ENOUGH, THINGS, Pair, Thing, as_lessons, split
from daemon.lessons.teacher import Teacher
from daemon.lessons.temporal import PERIODS, Time, dated_lines, sure_time
from daemon.memory.errors import ModelAnswerUnusable
from daemon.memory.recall import system_text
from daemon.text import content_words, normalised, numbers
from store.lessons import NewLesson
from store.memories import Memory

MOST_QUESTIONS = 60  # that are answered for one memory
ASKED, REPHRASED = 2, 2  # times that it is asked for questions, and for more wordings of each thing, at most
ASKED_AGAIN = 3  # times, sampled, that it is asked for questions once more where a thing has too few wordings
AGAIN = 2  # samples of which one must tell the same as the likeliest answer
ANOTHER_LANGUAGE = "in another language"
NOT_TOLD = "the answer is not in the memory"
OTHER_TIME = "the answer tells of another time"
NO_ANSWER = "no short answer"
REPEATS = "the answer repeats the memory"
UNSURE = "asked again, the answer was another"
KNOWN = "known without the memory"
UNLIKE = "another wording asked for something else"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is asked about, and how it may be answered."""

    kind: str  # "fact" | "before" | "as_of"
    lines: tuple[str, ...]  # what the teacher has in sight
    source: str  # the sentence that answers
    instead: str = ""  # what held at other times: no answer tells of it alone
    time: Time | None = None  # named by each question
    may_compare: bool = False  # an answer may tell of other times, too
    common: frozenset[str] = frozenset()  # words that many of the questions have

    def answer(self, question: str, text: str) -> Answer:
        """`text` as an answer to `question`, with what it tells of the source."""
        return Answer(
            question=question, text=text, tells=told(text, question, self.source, common=self.common)
        )

    @property
    def only(self) -> frozenset[str]:
        """Words that tell the source from what held at other times."""
        others = content_words(self.instead)
        return frozenset(word for word in content_words(self.source) if not has(others, word))

    @property
    def wrong(self) -> frozenset[str]:
        """Words of what held at other times alone."""
        own = content_words(self.source)
        return frozenset(word for word in content_words(self.instead) if not has(own, word))


class _Ask(Protocol):
    """Has the teacher ask: the same for the same seed, the likeliest questions without one."""

    def __call__(self, *, seed: int | None) -> Awaitable[list[str]]: ...


@dataclass(slots=True, kw_only=True)
class _Group:
    """Pairs that ask for the same, what the first of them tells, and what asked for it."""

    subject: Subject
    pairs: list[Pair]
    ask: _Ask

    def says(self, question: str, text: str, plain: Collection[str]) -> bool:
        """Whether `text`, as an answer to `question`, tells the same; `plain`: words that carry no value."""
        first = self.subject.answer(self.pairs[0].question, self.pairs[0].answer)
        other = self.subject.answer(question, text)
        return bool(text) and agree(first, other, self.subject.source, plain=plain)


@dataclass(slots=True, kw_only=True)
class _Study:
    """One memory under study."""

    teacher: Teacher
    dropped: Counter[str] = field(default_factory=Counter)  # questions, by reason
    answered: int = 0
    said: list[str] = field(default_factory=list)  # questions and answers

    @property
    def plain(self) -> frozenset[str]:
        """Words of questions and answers that carry no value."""
        return plain_words(self.said)

    async def pairs(
        self, questions: Sequence[str], subjects: Sequence[Subject], *, draft: str = ""
    ) -> list[tuple[Subject, Pair]]:
        """
        The questions with the teacher's answers, as far as these may be taught.

        Args:
            subjects: what a question may be about, with the same lines in sight; the first that fits counts.
            draft: a guess of the answers.
        """
        asked = [one for one in questions if self._may_be_asked(one, subjects)]
        asked = asked[: MOST_QUESTIONS - self.answered]
        self.answered += len(asked)
        answers = await self.teacher.answers(asked, subjects[0].lines, draft=draft)
        self.said += [*asked, *answers]
        found = []
        for question, answer in zip(asked, answers, strict=True):
            whys = [why_not(question, answer, one) for one in subjects]
            if None in whys:
                found.append((subjects[whys.index(None)], Pair(question=question, answer=answer)))
            else:
                self.dropped[whys[0] or NOT_TOLD] += 1
        return found

    async def groups(self, ask: _Ask, seed: int | None, subjects: Sequence[Subject]) -> list[_Group]:
        """
        What is asked for, with the teacher's answers: the thing with most wordings first, none that is not sure.
        """
        questions = await ask(seed=seed)
        common = _common(questions)
        pairs = await self.pairs(questions, [replace(one, common=common) for one in subjects])
        groups: list[_Group] = []
        for subject, pair in pairs:
            alike = (
                one
                for one in groups
                if one.subject == subject and one.says(pair.question, pair.answer, self.plain)
            )
            if (group := next(alike, None)) is None:
                groups.append(_Group(subject=subject, pairs=[pair], ask=ask))
            else:
                group.pairs.append(pair)
        groups = sorted(groups, key=lambda one: -len(one.pairs))[:THINGS]
        sure = await together(self.is_sure(one) for one in groups)
        return list(compress(groups, sure))

    def _may_be_asked(self, question: str, subjects: Sequence[Subject]) -> bool:
        is_same = same_language(question, subjects[0].source)
        self.dropped[ANOTHER_LANGUAGE] += not is_same
        return is_same

    async def is_sure(self, group: _Group) -> bool:
        """Whether the teacher says it twice, and only with the memory in sight."""
        first, lines = group.pairs[0], group.subject.lines
        samples = (self.teacher.answer(first.question, lines, seed=seed) for seed in range(1, AGAIN + 1))
        unaided, *again = await together([self.teacher.answer(first.question, ()), *samples])
        if not any(group.says(first.question, one, self.plain) for one in again):
            self.dropped[UNSURE] += len(group.pairs)
            return False
        if group.says(first.question, unaided, self.plain):
            self.dropped[KNOWN] += len(group.pairs)
            return False
        return True

    async def reword(self, group: _Group, others: Sequence[_Group]) -> None:
        """Add wordings to `group` until there are enough, or the model has no more."""
        rephrase = partial(self.teacher.questions, "rephrase", group.pairs[0].question)
        tries: list[tuple[_Ask, int | None]] = [(rephrase, seed) for seed in (None, *range(1, REPHRASED))]
        tries += [(group.ask, seed) for seed in range(ASKED, ASKED + ASKED_AGAIN)]
        for ask, seed in tries:
            if len(group.pairs) >= ENOUGH:
                return
            await self._add(group, await _readable(ask, seed), others)

    async def _add(self, group: _Group, asked: Sequence[str], others: Sequence[_Group]) -> None:
        """Those of the questions that are new and that the teacher answers like the group's first."""
        known = {normalised(pair.question) for one in (group, *others) for pair in one.pairs}
        new = [one for one in asked if normalised(one) not in known]
        found = await self.pairs(new, [group.subject], draft=group.pairs[0].answer)
        alike = [pair for _, pair in found if group.says(pair.question, pair.answer, self.plain)]
        self.dropped[UNLIKE] += len(found) - len(alike)
        group.pairs += alike


async def _readable(ask: _Ask, seed: int | None) -> list[str]:
    """The questions, none where what was written can't be read."""
    try:
        return await ask(seed=seed)
    except ModelAnswerUnusable:
        return []


async def study(teacher: Teacher, memory: Memory, line: str, earlier: Sequence[Memory]) -> list[NewLesson]:
    """
    Lessons about `memory`, at least one: of each thing asked for, at least four wordings to train where the model has
    them, and one that is held out for the exam.

    Args:
        line: its narrative.
        earlier: what held in its place before, oldest first.

    Raises:
        ModelAnswerUnusable: the model's questions can't be read.
        NothingAsked: no question survived the filters.
    """
    work = _Study(teacher=teacher)
    before = earlier[-1].text if earlier else ""
    subjects = [Subject(kind="fact", lines=(line,), source=memory.text, instead=before)]
    if before:
        subjects.append(Subject(kind="before", lines=(line,), source=before, instead=memory.text))
    about = partial(teacher.about, line)
    found: list[_Group] = []
    for seed in (None, *range(1, ASKED)):
        if not _of_kind("fact", found):
            found = await work.groups(about, seed, subjects)
    if not _of_kind("fact", found):
        raise NothingAsked(memory.id, line, _worded(work.dropped))
    past = [(one, "ask_time") for one in _at_times(memory, line, earlier)]
    if before and not _of_kind("before", found):
        past.append((replace(subjects[1], may_compare=True), "ask_before"))
    for subject, task in past:
        ask = partial(teacher.questions, task, _changes(memory, earlier, subject.time))
        found += await work.groups(ask, None, [subject])
    for group in found:
        await work.reword(group, [one for one in found if one is not group])
    return [one for group in found for one in _lessons(group, memory)]


def why_not(question: str, answer: str, subject: Subject) -> str | None:
    """Why a pair may not be taught; None when it may."""
    if not answer:
        return NO_ANSWER
    if normalised(answer) == normalised(subject.source):
        return REPEATS
    if not any(same_language(answer, one) for one in (question, subject.source)) and not quotes(
        answer, question, subject.source
    ):
        return ANOTHER_LANGUAGE
    said = content_words(answer)
    asked = content_words(question)
    tells_wrong = any(has(said, word) and not has(asked, word) for word in subject.wrong)
    if tells_wrong and not subject.may_compare:
        return OTHER_TIME
    if subject.time and str(subject.time.day.year) not in numbers(question):
        return OTHER_TIME
    says = subject.answer(question, answer).tells
    if not says or (subject.kind != "fact" and says.isdisjoint(subject.only)):
        return NOT_TOLD
    return NOT_TOLD if invents(answer, question, *subject.lines) else None


def _common(questions: Sequence[str]) -> frozenset[str]:
    """Words that a third of the questions have, and two at least: hardly what they ask for."""
    words = [content_words(one) for one in questions]
    every = {word for some in words for word in some}
    counts = {word: sum(has(some, word) for some in words) for word in every}
    return frozenset(word for word, count in counts.items() if count > 1 and 3 * count >= len(words))


def _of_kind(kind: str, groups: Sequence[_Group]) -> list[_Group]:
    return [one for one in groups if one.subject.kind == kind]


def _at_times(memory: Memory, line: str, earlier: Sequence[Memory]) -> list[Subject]:
    """What held at each time that is sure."""
    found = []
    lines = tuple(dated_lines(memory, line, earlier))
    for old in [memory, *earlier[-PERIODS:]] if earlier else []:
        others = [one for one in (memory, *earlier) if one.id != old.id]
        if time := sure_time(old, others):
            instead = " ".join(one.text for one in others)
            found.append(Subject(kind="as_of", lines=lines, source=old.text, instead=instead, time=time))
    return found


def _changes(memory: Memory, earlier: Sequence[Memory], time: Time | None) -> str:
    """What changed, as the machine tasks are shown it; and the time that is asked about."""
    lines = [f"{old.valid_from} to {old.valid_to}: {old.text}" for old in earlier[-PERIODS:]]
    return "\n".join([*lines, f"since {memory.valid_from}: {memory.text}", *([str(time)] if time else [])])


def _lessons(group: _Group, memory: Memory) -> list[NewLesson]:
    thing = Thing(kind=group.subject.kind, pairs=tuple(group.pairs))
    return as_lessons(thing, *split(group.pairs, memory.id), memory, system_text(list(group.subject.lines)))


def _worded(dropped: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in dropped.most_common() if count)
