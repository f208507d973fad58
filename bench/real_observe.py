"""
What is read out of typed messages: facts found, made up, and spare, by the daemon's own reading.

    message ──> observe(), as a taught model is asked and as others are ──> entries ──> judged by their content

The 45 messages of nano's hand-typed set, judged as `models.skills.evaluation` does. Both ways without the daemon's
doubts (`unsure`) and checks; how much each sentence surprised the model is told apart.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from bench.real_reading import typed
from bench.real_setting import Setting
from daemon.engine.client import Completion, Engine, EngineInfo
from daemon.memory.errors import ModelAnswerUnusable
from daemon.memory.observe import Noted, observe, read
from models.skills.evaluation.cases import as_chat
from models.skills.evaluation.facts import Chat, Sentence, judge
from models.skills.evaluation.setting import AT_ONCE
from store.chats import Message


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
    cases = setting.some([as_chat(one) for one in typed("observe")])
    ways = {"one_sentence": True, "examples": False}
    return {name: await _way(setting, cases, as_taught=taught) for name, taught in ways.items()}


async def _way(setting: Setting, cases: Sequence[Chat], *, as_taught: bool) -> dict[str, Any]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(case: Chat) -> list[Noted]:
        reader = Reader(engine.child)
        reader.as_taught, reader.answers = as_taught, []
        async with gate:
            await observe(
                reader,
                [_message(1, "user", case.turns[0]), _message(2, "assistant", case.turns[1])],
                day=date.fromisoformat(case.date),
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


def _scores(setting: Setting, cases: Sequence[Chat], every: Sequence[Sequence[Noted]]) -> dict[str, Any]:
    found = wanted = right = 0
    nats: dict[str, list[float]] = {"found": [], "maybe": [], "spare": [], "made_up": []}
    for case, noted in zip(cases, every, strict=True):
        verdict = judge(case, [Sentence(text=one.text) for one in noted])
        kinds, fine = verdict.kinds, verdict.is_right(case)
        found, wanted = found + len(verdict.found), wanted + len(case.facts)
        right += fine
        for kind, one in zip(kinds, noted, strict=True):
            nats[kind].append(one.surprise)
        if not fine:
            said = [f"{kind} {one.surprise:.2f} {one.text}" for kind, one in zip(kinds, noted, strict=True)]
            setting.wrong.append("\n   ".join([f"observe: {case.turns[0]}", *said]))
    return {
        "facts": wanted,
        "found": found / wanted if wanted else 0.0,
        "made_up": len(nats["made_up"]),
        "spare": len(nats["spare"]),
        "messages_right": right / len(cases),
        "surprise": {kind: _quartiles(values) for kind, values in nats.items()},
    }


def _quartiles(values: Sequence[float]) -> list[float]:
    """Least, quartiles and most; nothing of nothing."""
    ordered = sorted(values)
    return [round(ordered[(len(ordered) - 1) * part // 4], 3) for part in range(5)] if ordered else []


def _message(id: int, role: str, text: str) -> Message:
    return Message(
        id=id, chat_id=1, parent_id=None, role=role, speaker="", text=text, said_at=datetime.now(UTC),
        source="api", external_id=None, observed_by=None, hash="",
    )  # fmt: skip
