"""
Observe: the few lasting facts that a quiet chat has, as dated stand-alone sentences.

    messages of one day ──> their writers' own words ──> windows at turn borders ──> the model, under a grammar
                                                              observations with source, day and trust <──┘

Only what users and assistants said themselves is read, never a system or tool turn, a quote or a pasted document: so
neither a recalled memory nor a stranger's page is observed. The base model answers, never an adapter. A window that
can't be read takes nothing from the others.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from daemon.engine.client import Completion, Engine, Sampling
from daemon.memory.attribution import attribute
from daemon.memory.errors import HOPELESS, ModelAnswerUnusable
from daemon.memory.strip_quotes import shortened, strip_quotes
from daemon.text import content_words, normalised
from prompts.load import load, schema
from store.chats import Message

VERSION = "observe-2"  # raise it when sessions should be observed again
PARTLY = f"{VERSION} partly"  # a session that could not be read, or not all of it
TWICE = f"{VERSION} partly twice"  # nor when it was tried again
DOUBTED = f"{VERSION} doubted"  # it was read, and sentences left out that surprised the model; again, it would invent
WINDOW_TURNS = 20  # turns that one question to the model may hold
AGAIN_TURNS = 2  # the same where it is tried again: shorter ones are easier
OVERLAP_TURNS = (
    4  # turns of a window that the next one begins with: what was said of them may stand further on
)
MAX_ANSWER_TOKENS = 768
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_DATED = re.compile(r"\s*(today|yesterday|\d{4}-\d{1,2}-\d{1,2})\s*:\s*(.*)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One candidate for a memory."""

    text: str  # one stand-alone sentence, without its date
    day: date  # when it came to hold (valid from)
    told_on: date  # when it was told: the day of the session
    sources: tuple[int, ...]  # ids of the messages it was drawn from
    trust: str = "user"  # "user" | "assistant" | "import" | "untrusted"
    read: tuple[int, ...] = ()  # ids of all messages that the model saw when it wrote this


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was observed in one session."""

    found: tuple[Observation, ...]
    unsure: int  # sentences that were left out because the model itself found them unlikely
    failures: tuple[str, ...] = ()  # why windows could not be read


async def observe(
    engine: Engine, messages: Sequence[Message], *, day: date, turns: int = WINDOW_TURNS
) -> Observed:
    """
    What the user told in `messages` (one session, of `day`) that will still matter; often nothing.

    A model that reads what it was not made for writes nonsense, and knows it: every token surprises it. Such
    sentences are left out.

    Args:
        turns: that one question to the model may hold.

    Source: TSUBASA, arXiv 2604.07894, "observations".
    """
    info = await engine.info()
    reading = _Reading(engine=engine, day=day, room=max(64, info.n_ctx // 2), unsure=info.unsure)
    spoken = await asyncio.to_thread(_spoken, messages)
    found: dict[str, Observation] = {}
    failures = []
    for window in _windows(spoken, turns):
        try:
            for observation in await reading.window(window, longest=reading.room):
                found.setdefault(normalised(observation.text), observation)
        except HOPELESS as error:
            failures.append(str(error))
    return Observed(found=tuple(found.values()), unsure=reading.left_out, failures=tuple(failures))


def _spoken(messages: Sequence[Message]) -> list[Message]:
    """What users and assistants said themselves."""
    spoken = (
        replace(one, text=strip_quotes(one.text)) for one in messages if one.role in ("user", "assistant")
    )
    return [one for one in spoken if one.text]


def _windows(spoken: Sequence[Message], turns: int) -> Iterator[Sequence[Message]]:
    overlap = min(OVERLAP_TURNS, turns // 2)
    for start in range(0, max(1, len(spoken) - overlap), turns - overlap):
        yield spoken[start : start + turns]


@dataclass(kw_only=True)
class _Reading:
    """One session being read."""

    engine: Engine
    day: date
    room: int  # tokens that a question may have
    unsure: float  # nats per token from which on a sentence is left out
    left_out: int = 0

    async def window(self, window: Sequence[Message], *, longest: int) -> list[Observation]:
        """Observe `window`; beyond `room` tokens its halves, or a single turn cut to `longest` characters."""
        if not any(turn.role == "user" for turn in window):
            return []
        messages = [
            {"role": "system", "content": load("observe")},
            {"role": "user", "content": _as_text(window, self.day, longest)},
        ]
        halves = _halves(window)
        if await self.engine.count(messages) > self.room and (halves or longest > 64):
            parts, longest = (halves, longest) if halves else ([window], longest // 2)
            return [one for part in parts for one in await self.window(part, longest=longest)]
        answer = await self.engine.complete(
            messages,
            sampling=Sampling(max_tokens=min(MAX_ANSWER_TOKENS, self.room)),
            schema=schema("observe"),
            adapter="base",
            background=True,
        )
        if (
            answer.finish == "length" and halves
        ):  # the model lost its way in a long list; shorter ones are easier
            return [one for half in halves for one in await self.window(half, longest=longest)]
        text = _mended(answer.text) if answer.finish == "length" else answer.text
        found = (
            _observation(sentence, window, self.day) for sentence in self._sure(answer, _sentences(text))
        )
        return [one for one in found if one is not None]

    def _sure(self, answer: Completion, sentences: Sequence[str]) -> list[str]:
        """The sentences that did not surprise the model that wrote them."""
        places = [(found.start(), found.end()) for found in _STRING.finditer(answer.text)]
        sure = [
            sentence
            for sentence, place in zip(sentences, places, strict=False)
            if answer.surprise(*place) < self.unsure
        ]
        self.left_out += len(sentences) - len(sure)
        return [sentence for sentence in sure if content_words(_DATED.sub(r"\2", sentence))]


def _halves(window: Sequence[Message]) -> list[Sequence[Message]]:
    """Two parts that share a turn where there are four or more; none of a single turn."""
    if len(window) < 2:
        return []
    middle = len(window) // 2
    return [window[: middle + (len(window) > 3)], window[middle:]]


def _as_text(window: Sequence[Message], day: date, longest: int) -> str:
    turns = (f"{turn.speaker or turn.role}: {shortened(turn.text.strip(), longest)}" for turn in window)
    return "\n".join([*turns, "Date:", day.isoformat()])


def _mended(cut: str) -> str:
    """A list that was cut off, closed behind its last whole sentence."""
    whole = [found.end() for found in _STRING.finditer(cut)]
    return f"{cut[: whole[-1]]}]" if whole else "[]"


def _sentences(answer: str) -> list[str]:
    try:
        sentences = json.loads(answer)
    except ValueError as error:
        raise ModelAnswerUnusable("observe", answer, "it is no whole JSON") from error
    if not isinstance(sentences, list) or not all(isinstance(one, str) for one in sentences):
        raise ModelAnswerUnusable("observe", answer, "it is no list of sentences")
    return sentences


def _observation(sentence: str, window: Sequence[Message], day: date) -> Observation | None:
    """The sentence with its day and its source; None when it is nobody's word."""
    dated = _DATED.fullmatch(sentence)
    found = attribute((dated[2] if dated else sentence).strip(), window)
    if found is None:
        return None
    return Observation(
        text=found.text,
        day=_day_of(dated[1] if dated else "", told_on=day),
        told_on=day,
        sources=found.sources,
        trust=found.trust,
        read=tuple(turn.id for turn in window),
    )


def _day_of(written: str, *, told_on: date) -> date:
    """The day that the model wrote; the session's own where that is none, or lies in its future."""
    try:
        if written.lower() == "yesterday":
            return told_on - timedelta(days=1)
        day = date(*(int(part) for part in written.split("-")))
    except (ValueError, TypeError, OverflowError):
        return told_on
    return told_on if day - told_on > timedelta(days=1) else day
