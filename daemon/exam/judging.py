"""
How answers are judged: right or not, and whether they say that it is not known.

    exact      a tiny model is taught fixed answers in English, and must give them
    content    any other model says what it knows in its own words and language: what the lesson's answer tells beyond
               the question must be in the reply. It is no right answer when it doubts, and an abstention when it gives
               no value.

Where words alone don't decide (None), likelihood does: after three questions that were answered, and after three that
were met with not knowing, where is the base less surprised by the reply? Lessons of the night give both, in the
model's own words, so that no list of wordings is needed in any language.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Protocol

from daemon.engine.check_model import is_sane, is_speech
from daemon.engine.client import Completion, Engine, Message
from daemon.exam.questions import KNOWLEDGE, Question
from daemon.lessons.agreement import extra, has, same_language, told
from daemon.lessons.general import prompts
from daemon.lessons.tiny.abstention import is_abstention
from daemon.text import UNCASED, content_words, normalised, numbers
from store.lessons import Lesson

SHOTS = 3
EVERYDAY = 3  # a word of so many general texts is one of every day
OFTEN = 0.2  # of the abstentions: a word of so many, and of no answer, is one of doubt


class Judge(Protocol):
    """Judges by words; None: they don't decide."""

    def correct(self, question: Question, said: str) -> bool | None: ...
    def abstains(self, question: Question, said: str) -> bool | None: ...
    async def claims(self, engine: Engine, question: str, said: str) -> bool: ...
    def is_sound(self, said: Completion) -> bool: ...


def is_correct(answer: str, expected: str) -> bool:
    """Exact match, letter case, spacing and punctuation aside."""
    return normalised(answer) == normalised(expected)


class ExactJudge:
    """Of a tiny model's answers."""

    def correct(self, question: Question, said: str) -> bool | None:
        """Whether it is the answer."""
        return is_correct(said, question.wanted)

    def abstains(self, question: Question, said: str) -> bool | None:
        """Whether it is a usual wording."""
        return is_abstention(said)

    async def claims(self, engine: Engine, question: str, said: str) -> bool:
        """Never asked: exact words always decide."""
        return not is_abstention(said)

    def is_sound(self, said: Completion) -> bool:
        """Whether it is speech that comes to its end, as all answers of a tiny model do."""
        return is_sane(said)


class ContentJudge:
    """Of any other model's answers."""

    def __init__(self, lessons: Sequence[Lesson], narratives: Mapping[int, str]) -> None:
        """`lessons`: tonight's; `narratives`: the line of each memory that holds, by id."""
        lines = {id: line.partition(": ")[2] for id, line in narratives.items()}
        self._told = {
            lesson.id: " ".join(lines[id] for id in lesson.memory_ids if id in lines) for lesson in lessons
        }
        self._abstained = [one for one in lessons if one.abstains]
        self._answered = [one for one in lessons if one.kind in KNOWLEDGE and not one.abstains]
        self._wordings = {normalised(one.answer) for one in self._abstained}
        self._of_abstaining = {word for one in self._wordings for word in content_words(one)}
        self._everyday = _everyday(lessons)
        self._of_memories = frozenset(content_words(" ".join(lines.values()))) - self._everyday
        self._doubt = self._words_of_doubt()

    def correct(self, question: Question, said: str) -> bool | None:
        """Whether it tells what the answer tells beyond the question."""
        if is_correct(said, question.wanted):
            return True
        if question.abstains:
            return self.abstains(question, said)
        reply = content_words(said)
        more = {*reply}.difference(content_words(question.text), content_words(question.wanted))
        if not all(has(reply, word) for word in self._value(question)) or more & self._doubt:
            return False
        return None if more else True

    def abstains(self, question: Question, said: str) -> bool | None:
        """Whether it gives no number and nothing of the memories, and is worded as an abstention of tonight."""
        if normalised(said) in self._wordings:
            return True
        known = {*content_words(question.text), *self._of_abstaining}
        if set(numbers(said)) - set(numbers(question.text)) or not said.strip():
            return False
        return False if self._of_memories & (set(content_words(said)) - known) else None

    async def claims(self, engine: Engine, question: str, said: str) -> bool:
        """Whether the base expects the reply rather among answers than among abstentions."""
        words = set(content_words(said)) - self._everyday
        answered = [one for one in self._answered if words.isdisjoint(content_words(one.answer))]
        shots = [_shots(some, question) for some in (answered or self._answered, self._abstained)]
        if not all(shots):
            return False
        asked = {"role": "user", "content": question}
        (as_answer,), (as_abstention,) = [
            await engine.score([*turns, asked], [said], adapter="base") for turns in shots
        ]
        return as_answer.nats < as_abstention.nats

    def is_sound(self, said: Completion) -> bool:
        """Whether it is speech; how long it is says nothing."""
        return is_speech(said)

    def _value(self, question: Question) -> Collection[str]:
        """The words of the right answer that carry what is asked for, as far as code can tell."""
        source = self._told.get(question.lesson_id or 0, "")
        value = told(question.wanted, question.text, source, common=self._everyday)
        found = value or extra(question.wanted, question.text) or content_words(question.wanted)
        letters = set(
            question.text
        )  # a pair with one of the question's is not of the value alone: 在上 of 在上海
        return [word for word in found if not UNCASED.search(word) or letters.isdisjoint(word)] or found

    def _words_of_doubt(self) -> frozenset[str]:
        counted = Counter(word for one in self._wordings for word in set(content_words(one)))
        enough = max(1.0, OFTEN * len(self._wordings))
        answers = {word for one in self._answered for word in content_words(f"{one.question} {one.answer}")}
        return frozenset(word for word, count in counted.items() if count >= enough) - answers


def _everyday(lessons: Sequence[Lesson]) -> frozenset[str]:
    """Words that are nobody's own: those of several general prompts and answers."""
    texts = [*prompts(), *(one.answer for one in lessons if one.kind == "general")]
    counted = Counter(word for text in texts for word in set(content_words(text)))
    return frozenset(word for word, count in counted.items() if count >= EVERYDAY)


def _shots(some: Sequence[Lesson], question: str) -> list[Message]:
    """Some lessons as turns of a chat: those in the language of the question first, always the same ones."""
    others: Mapping[str, Lesson] = {one.question: one for one in some if one.question != question}
    chosen = sorted(
        others.values(),
        key=lambda one: (not same_language(question, one.question), sha256(one.question.encode()).digest()),
    )
    return [
        {"role": role, "content": text}
        for one in chosen[:SHOTS]
        for role, text in (("user", one.question), ("assistant", one.answer))
    ]
