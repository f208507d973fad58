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
from typing import Any

from daemon.concurrency import together
from daemon.embedding.choices import MINILM, Limits
from daemon.embedding.client import Embedder
from daemon.engine.client import Completion, Engine, EngineInfo, Sampling
from daemon.memory.attribution import attribute, likenesses
from daemon.memory.errors import HOPELESS, ModelAnswerUnusable
from daemon.memory.instructions import instructions
from daemon.memory.strip_quotes import shortened, strip_quotes
from daemon.text import content_words, normalised
from prompts.load import schema, task
from store.chats import Message
from store.memory_queries import KINDS

VERSION = "observe-2"  # raise it when sessions should be observed again
PARTLY = f"{VERSION} partly"  # a session that could not be read, or not all of it
TWICE = f"{VERSION} partly twice"  # nor when it was tried again
DOUBTED = f"{VERSION} doubted"  # it was read, and sentences left out that surprised the model; again, it would invent
WINDOW_TURNS = 20  # turns that one question to the model may hold
AGAIN_TURNS = 2  # the same where it is tried again: shorter ones are easier
OVERLAP_TURNS = 4  # turns of a window that the next one begins with: more may be said of them later
MAX_ANSWER_TOKENS = 768
SURE = 1.0  # nats by which a kind must be likelier than "fact", where it is asked for by itself
OWN = ("user", "import")  # whose word it is how things are done
_STRING = re.compile(r'("(?:[^"\\]|\\.)*")')  # an entry of a taught model's list
_ENTRY = re.compile(rf'\{{[^{{}}]*"fact"\s*:\s*{_STRING.pattern}\s*\}}')  # and of another's
_DATED = re.compile(r"\s*(today|yesterday|\d{4}-\d{1,2}-\d{1,2})\s*:\s*(.*)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One candidate for a memory."""

    text: str  # one stand-alone sentence, without its date
    day: date  # when it came to hold (valid from)
    told_on: date  # when it was told: the day of the session
    sources: tuple[int, ...]  # ids of the messages it was drawn from
    trust: str = "user"  # "user" | "assistant" | "import" | "untrusted"
    kind: str = "fact"  # one of `KINDS`: "standing" and "always" are how the user wants things done
    read: tuple[int, ...] = ()  # ids of all messages that the model saw when it wrote this


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One entry of the model's list."""

    text: str
    day: str  # as the model wrote it; "" for none
    turns: tuple[int, ...] | None  # places in the window that it has this from; a taught model names none
    surprise: float  # of the model at what it wrote: mean nats per token
    kind: str = "fact"  # one of `KINDS`; a taught model names none


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was observed in one session."""

    found: tuple[Observation, ...]
    unsure: int  # sentences that were left out because the model itself found them unlikely
    failures: tuple[str, ...] = ()  # why windows could not be read


async def observe(
    engine: Engine,
    messages: Sequence[Message],
    *,
    day: date,
    turns: int = WINDOW_TURNS,
    embedder: Embedder | None = None,
) -> Observed:
    """
    What the user told in `messages` (one session, of `day`) that will still matter; often nothing.

    A model that reads what it was not made for writes nonsense, and knows it: every token surprises it. Such
    sentences are left out.

    Args:
        turns: that one question to the model may hold.
        embedder: checks the turns that a model names; None: their numbers and names must do.

    Source: TSUBASA, arXiv 2604.07894, "observations".
    """
    reading = await _reading(engine, day, embedder)
    spoken = await asyncio.to_thread(_spoken, messages)
    windows = await together(reading.whole_window(window) for window in _windows(spoken, turns))
    found: dict[str, Observation] = {}
    for observation in (one for window in windows if not isinstance(window, str) for one in window):
        found.setdefault(normalised(observation.text), observation)
    kept = await _with_kinds(engine, reading.info, list(found.values()))
    failures = tuple(window for window in windows if isinstance(window, str))
    return Observed(found=tuple(kept), unsure=reading.left_out, failures=failures)


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
    info: EngineInfo
    opening: list[dict[str, str]]  # the turns that every question begins with
    room: int  # tokens that a question may have
    answer_tokens: int
    examples: frozenset[str]  # the facts in them, normalised
    embedder: Embedder | None = None
    left_out: int = 0

    async def whole_window(self, window: Sequence[Message]) -> list[Observation] | str:
        """What `window` has, or why it could not be read."""
        try:
            return await self.window(window, longest=self.room)
        except HOPELESS as error:
            return str(error)

    async def window(self, window: Sequence[Message], *, longest: int) -> list[Observation]:
        """Observe `window`; beyond `room` tokens its halves, or a single turn cut to `longest` characters."""
        if not any(turn.role == "user" for turn in window):
            return []
        taught = self.info.taught
        text = _as_text(window, self.day, longest, numbered=not taught)
        messages = [*self.opening, {"role": "user", "content": text}]
        halves = _halves(window)
        if await self.engine.count(messages) > self.room and (halves or longest > 64):
            parts, longest = (halves, longest) if halves else ([window], longest // 2)
            return [one for part in parts for one in await self.window(part, longest=longest)]
        answer = await self.engine.complete(
            messages,
            sampling=Sampling(max_tokens=self.answer_tokens),
            schema=schema("observe") if taught else _naming_turns(len(window)),
            adapter="base",
            background=True,
        )
        if answer.finish == "length" and halves:  # it lost its way in a long list; shorter ones are easier
            return [one for half in halves for one in await self.window(half, longest=longest)]
        noted = [one for one in self._sure(read(answer, taught=taught)) if not self._is_example(one, text)]
        found = await self._observations(noted, window)
        return [one for one in found if one is not None]

    async def _observations(
        self, noted: Sequence[Noted], window: Sequence[Message]
    ) -> list[Observation | None]:
        """What was noted with its day and its source; None for what is nobody's word."""
        if self.embedder is None or not any(one.turns for one in noted):
            return [_observation(one, window, self.day) for one in noted]
        cosines = await likenesses(self.embedder, [one.text for one in noted], window)
        limits = self.embedder.limits
        return [
            _observation(one, window, self.day, likeness=row, limits=limits)
            for one, row in zip(noted, cosines, strict=True)
        ]

    def _sure(self, noted: Sequence[Noted]) -> list[Noted]:
        """What did not surprise the model that wrote it."""
        sure = [one for one in noted if one.surprise < self.info.unsure]
        self.left_out += len(noted) - len(sure)
        return [one for one in sure if content_words(one.text)]

    def _is_example(self, noted: Noted, text: str) -> bool:
        """Whether it repeats a worked example, and the chat does not say the same."""
        if normalised(noted.text) not in self.examples:
            return False
        words, said = set(content_words(noted.text)), set(content_words(text))
        return 2 * len(words & said) < len(words)


async def _reading(engine: Engine, day: date, embedder: Embedder | None) -> _Reading:
    """How sessions are read with this model; chat and answer have as much room each, beside the worked examples."""
    info = await engine.info()
    opening = await instructions(engine, "observe")
    answers = [json.loads(turn["content"]) for turn in opening if turn["role"] == "assistant"]
    shown = 0 if info.taught else await engine.count(opening)
    room = max(64, (info.n_ctx - shown) // 2)
    return _Reading(
        engine=engine,
        day=day,
        info=info,
        opening=opening,
        room=shown + room,
        answer_tokens=min(MAX_ANSWER_TOKENS, room),
        examples=frozenset(normalised(entry["fact"]) for answer in answers for entry in answer),
        embedder=embedder,
    )


async def _with_kinds(engine: Engine, info: EngineInfo, found: list[Observation]) -> list[Observation]:
    """
    Each with its kind: a model that writes bare sentences is asked for it by itself, the likeliest of the words counts.

    A tiny one can't tell, so all is a fact of what it reads; any other has named the kinds already.
    """
    opening = task("kind", taught=False)
    if not info.taught or info.tiny or await engine.count(opening) > info.n_ctx // 2:
        return found
    return await together(_with_kind(engine, opening, one) for one in found)


async def _with_kind(engine: Engine, opening: Sequence[dict[str, str]], one: Observation) -> Observation:
    if one.trust not in OWN:
        return one
    question = [*opening, {"role": "user", "content": one.text}]
    scores = await engine.score(question, KINDS, adapter="base")
    nats = {kind: score.nats for kind, score in zip(KINDS, scores, strict=True)}
    likeliest = min(nats, key=lambda kind: nats[kind])
    return replace(one, kind=likeliest if nats["fact"] - nats[likeliest] > SURE else "fact")


def _halves(window: Sequence[Message]) -> list[Sequence[Message]]:
    """Two parts that share a turn where there are four or more; none of a single turn."""
    if len(window) < 2:
        return []
    middle = len(window) // 2
    return [window[: middle + (len(window) > 3)], window[middle:]]


def _as_text(window: Sequence[Message], day: date, longest: int, *, numbered: bool = False) -> str:
    turns = [f"{turn.speaker or turn.role}: {shortened(turn.text.strip(), longest)}" for turn in window]
    if numbered:
        turns = [f"{number} {turn}" for number, turn in enumerate(turns, start=1)]
    return "\n".join([*turns, "Date:", day.isoformat()])


def _naming_turns(count: int) -> dict[str, Any]:
    """The shape of an answer whose entries name the turns they come from, out of `count` that are shown."""
    shape = schema("observe_turns")
    shape["items"]["properties"]["turns"]["items"]["enum"] = list(range(1, count + 1))
    return shape


def read(answer: Completion, *, taught: bool) -> list[Noted]:
    """
    The entries of an answer, dated sentences of a taught model, objects of another; of one that was cut off, the whole
    ones. Raises `ModelAnswerUnusable`.
    """
    entries = list((_STRING if taught else _ENTRY).finditer(answer.text))
    text = answer.text
    if answer.finish == "length":
        text = f"{text[: entries[-1].end()]}]" if entries else "[]"
    try:
        told = json.loads(text)
    except ValueError as error:
        raise ModelAnswerUnusable("observe", text, "it is no whole JSON") from error
    try:
        if not isinstance(told, list):
            raise TypeError(told)
        surprises = (answer.surprise(found.start(1), found.end(1)) for found in entries)
        return [_noted(one, nats) for one, nats in zip(told, surprises, strict=True)]
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ModelAnswerUnusable("observe", text, "it is no list of sentences") from error


def _noted(entry: str | dict[str, Any], surprise: float) -> Noted:
    if isinstance(entry, str):
        dated = _DATED.fullmatch(entry)
        text, day = (dated[2], dated[1]) if dated else (entry, "")
        return Noted(text=text.strip(), day=day, turns=None, surprise=surprise)
    turns = tuple(sorted({int(number) - 1 for number in entry["turns"]}))
    kind = entry.get("kind")
    return Noted(
        text=entry["fact"].strip(),
        day=entry["day"],
        turns=turns,
        surprise=surprise,
        kind=kind if kind in KINDS else "fact",
    )


def _observation(
    noted: Noted,
    window: Sequence[Message],
    day: date,
    *,
    likeness: Sequence[float] | None = None,
    limits: Limits = MINILM,
) -> Observation | None:
    """What was noted with its day and its source; None when it is nobody's word."""
    found = attribute(noted.text, window, named=noted.turns, likeness=likeness, limits=limits)
    if found is None:
        return None
    return Observation(
        text=found.text,
        day=_day_of(noted.day, told_on=day),
        told_on=day,
        sources=found.sources,
        trust=found.trust,
        kind=noted.kind if found.trust in OWN else "fact",  # nobody else says how things are done
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
