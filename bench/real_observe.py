"""
What is read out of typed messages: facts found, made up, and spare, by the daemon's own reading.

    message ──> observe(), as a taught model is asked and as others are ──> entries ──> compared by their content words

The 45 messages of nano's hand-typed set. Every fact wants a sentence of its own. A sentence is made up when it has a
name or number that nobody said, or tells no wanted fact and most of its content words are not in the message; else it
is spare. Both ways without the daemon's doubts (`unsure`) and checks; how much each sentence surprised the model is
told apart.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from bench.real_reading import typed
from bench.real_setting import AT_ONCE, Setting
from daemon.engine.client import Completion, Engine, EngineInfo
from daemon.memory.errors import ModelAnswerUnusable
from daemon.memory.observe import Noted, observe, read
from daemon.text import content_words, root, value_words
from store.chats import Message

ENOUGH = 0.5  # share of a sentence's content words that the message has, from which on it is not made up
GENERAL = frozenset(
    map(root, "user user's person name live work have own like love hate plan go get feel".split())
)


class Reader(Engine):
    """An engine whose model says of itself that it was taught or not, and is never in doubt; keeps its answers."""

    as_taught: bool
    answers: list[Completion]

    async def info(self) -> EngineInfo:
        """As the model's own, but for these two."""
        return replace(await super().info(), taught=self.as_taught, unsure=float("inf"))

    async def complete(self, *args: Any, **options: Any) -> Completion:
        """As the engine's, and kept."""
        answer = await super().complete(*args, **options)
        self.answers.append(answer)
        return answer


async def measure(setting: Setting) -> dict[str, Any]:
    """Facts found and sentences made up, with nano's one sentence and with worked examples."""
    cases = setting.some(typed("observe"))
    ways = {"one_sentence": True, "examples": False}
    return {name: await _way(setting, cases, as_taught=taught) for name, taught in ways.items()}


async def _way(setting: Setting, cases: Sequence[dict[str, Any]], *, as_taught: bool) -> dict[str, Any]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(case: dict[str, Any]) -> list[Noted]:
        reader = Reader(engine.child)
        reader.as_taught, reader.answers = as_taught, []
        async with gate:
            await observe(
                reader,
                [_message(1, "user", case["user"]), _message(2, "assistant", "I see.")],
                day=date.fromisoformat(case["date"]),
            )
        return [noted for answer in reader.answers for noted in _read(answer, as_taught)]

    async with setting.engine() as engine:
        every = await asyncio.gather(*map(one, cases))
    return _scores(setting, cases, every)


def _read(answer: Completion, as_taught: bool) -> list[Noted]:
    try:
        return read(answer, taught=as_taught)
    except ModelAnswerUnusable:
        return []


def _scores(
    setting: Setting, cases: Sequence[dict[str, Any]], every: Sequence[Sequence[Noted]]
) -> dict[str, Any]:
    found = wanted = right = 0
    nats: dict[str, list[float]] = {"found": [], "spare": [], "made_up": []}
    for case, noted in zip(cases, every, strict=True):
        kinds = judged(case, noted)
        hit = kinds.count("found")
        found, wanted = found + hit, wanted + len(case["expect"])
        fine = hit == len(case["expect"]) == len(noted)
        right += fine
        for kind, one in zip(kinds, noted, strict=True):
            nats[kind].append(one.surprise)
        if not fine:
            said = [f"{kind} {one.surprise:.2f} {one.text}" for kind, one in zip(kinds, noted, strict=True)]
            setting.wrong.append("\n   ".join([f"observe: {case['user']}", *said]))
    return {
        "facts": wanted,
        "found": found / wanted if wanted else 0.0,
        "made_up": len(nats["made_up"]),
        "spare": len(nats["spare"]),
        "messages_right": right / len(cases),
        "surprise": {kind: _quartiles(values) for kind, values in nats.items()},
    }


def judged(case: dict[str, Any], noted: Sequence[Noted]) -> list[str]:
    """Each entry as "found", "spare" or "made_up"; each wanted fact is found once, by a sentence of its own."""
    left = list(case["expect"])
    kinds = []
    said = {root(word) for word in content_words(case["user"])}
    spelt = {word for word in content_words(f"user date {case['user']} {case['date']}")}
    told = set[str]()
    for one in noted:
        low = one.text.lower()
        if value_words(one.text) - spelt:  # a name or number that nobody said
            kinds.append("made_up")
            continue
        new = [] if low in told else left
        told.add(low)
        fact = next((words for words in new if all(word.lower() in low for word in words)), None)
        if fact is not None:
            left.remove(fact)
            kinds.append("found")
            continue
        words = {root(word) for word in content_words(one.text)} - GENERAL
        kinds.append("spare" if words and len(words & said) >= ENOUGH * len(words) else "made_up")
    return kinds


def _quartiles(values: Sequence[float]) -> list[float]:
    """Least, quartiles and most; nothing of nothing."""
    ordered = sorted(values)
    return [round(ordered[(len(ordered) - 1) * part // 4], 3) for part in range(5)] if ordered else []


def _message(id: int, role: str, text: str) -> Message:
    return Message(
        id=id, chat_id=1, parent_id=None, role=role, speaker="", text=text, said_at=datetime.now(UTC),
        source="api", external_id=None, observed_by=None, hash="",
    )  # fmt: skip
