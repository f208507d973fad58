"""
What a synthetic user's year leaves behind, kept in four ways, and what each lays beside a question.

    tellings, small talk ──> raw        every message of the year
                        ├──> append     each observation a memory of its own
                        ├──> evolved    the model decides what it changes (checked; "paper": not)
                        └──> oracle     the same, decided by what is true

Promises: recall, ranking and stores are the daemon's own; observations are the true sentences, so that the ways of
keeping are compared and not how well nano observes. Knows nothing of adapters and scores.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any

from bench.users import Fact, User
from daemon.core import Core
from daemon.embedding.client import Embedder
from daemon.engine.client import Engine
from daemon.memory import ranking
from daemon.memory.evolve import evolve
from daemon.memory.indexing import index_missing
from daemon.memory.observe import Observation
from daemon.memory.recall import quote, recall, system_text
from daemon.store_thread import StoreThread
from prompts.load import lines
from store import chats, imports, memories, message_queries
from store.chats import NewMessage
from store.database import open_store, rows
from store.memories import Memory

SMALL_TALK = 2  # messages of small talk before each telling
LONGEST = 1800  # tokens of a prompt: nano reads 2,048

Beside = Callable[[str], Awaitable[str | None]]  # question -> system turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One fact told on one day."""

    fact: Fact
    at: int  # the how-manieth telling of it
    on: date
    said: str


def year(user: User) -> list[Telling]:
    """All tellings, oldest first."""
    chance = random.Random("year")
    told = [
        Telling(fact=fact, at=at, on=one.on, said=fact.statement(at, chance))
        for fact in user.facts
        for at, one in enumerate(fact.told)
    ]
    return sorted(told, key=lambda one: one.on)


class Stores:
    """The stores of one user, in a folder."""

    def __init__(self, folder: Path, engine: Engine, embedder: Embedder) -> None:
        self._folder = folder
        self._engine = engine
        self._embedder = embedder
        self._open: dict[str, StoreThread] = {}

    async def fill(self, user: User) -> None:
        """Live through the user's year."""
        told = year(user)
        for name in ("raw", "append", "evolved", "paper", "oracle"):
            store_thread = StoreThread(partial(open_store, self._folder / f"{name}.db", b"k" * 32))
            await store_thread.open()
            self._open[name] = store_thread
            sessions = _sessions(told, SMALL_TALK if name == "raw" else 0)
            await store_thread.run(imports.record_import, "year", "year", sessions, datetime.now(UTC))
            ids = {text: id for id, text in await store_thread.run(rows, "select id, text from messages")}
            if name == "oracle":
                await store_thread.run(_by_oracle, told, ids)
            elif name != "raw":
                way = {"append": "off", "evolved": "safe"}.get(name, name)
                await index_missing(store_thread, self._embedder)
                core = Core(store_thread=store_thread, engine=self._engine, embedder=self._embedder)
                for one in told:
                    await evolve(core, _observation(one, ids), way=way)
            await index_missing(store_thread, self._embedder)

    def memories(self, name: str, k: int) -> Beside:
        """Recall of `k` memories."""

        async def beside(question: str) -> str | None:
            found = await recall(self._open[name], self._embedder, question, k=k, max_k=k)
            return system_text(found.lines)

        return beside

    def raw(self, k: int) -> Beside:
        """The `k` messages that rank first, oldest first; as many as the model can read."""

        async def beside(question: str) -> str | None:
            store_thread = self._open["raw"]
            (vector,) = await self._embedder.embed(
                [ranking.without_names(question, await store_thread.run(message_queries.speakers))]
            )
            told = await store_thread.run(_quoted, question, vector, k)
            while (
                await self._engine.count([{"role": "system", "content": system_text(_in_order(told)) or ""}])
                > LONGEST
            ):
                told = told[: len(told) - 2]
            return system_text(_in_order(told))

        return beside

    async def held(self, name: str) -> int:
        """How many memories hold."""
        return len(await self._open[name].run(memories.holding))

    async def close(self) -> None:
        """Close all stores."""
        for store_thread in self._open.values():
            await store_thread.close()


def _sessions(told: list[Telling], small_talk: int) -> list[list[NewMessage]]:
    """One chat for each telling, of the user's messages only: what the assistant said is quoted to nobody."""
    chance = random.Random("small talk")
    sessions = []
    for number, one in enumerate(told):
        texts = [*chance.sample(lines("small_talk"), small_talk), one.said]
        at = datetime.combine(one.on, time(12), UTC)
        sessions.append(
            [
                NewMessage(role="user", text=text, external_id=f"{number}:{place}", said_at=at)
                for place, text in enumerate(texts)
            ]
        )
    return sessions


def _observation(one: Telling, ids: dict[str, int]) -> Observation:
    return Observation(
        text=one.fact.sentence(one.at), day=one.on, told_on=one.on, sources=(ids[one.said],), trust="user"
    )


def _by_oracle(db: Any, told: list[Telling], ids: dict[str, int]) -> None:
    holds: dict[tuple[str, str], Memory] = {}
    for one in told:
        key, text = one.fact.key, one.fact.sentence(one.at)
        sources = [ids[one.said]]
        holds[key] = (
            memories.reconcile(db, holds[key], text, told_on=one.on, sources=sources)
            if key in holds
            else memories.add(db, text, told_on=one.on, sources=sources)
        )


def _quoted(db: Any, question: str, vector: Any, k: int) -> list[tuple[date, str]]:
    found = [chats.get(db, turn.message_id) for turn in ranking.nearest_turns(db, question, vector, k)]
    return [(one.said_at.date(), quote(one, question)) for one in found]


def _in_order(told: list[tuple[date, str]]) -> list[str]:
    return [text for _, text in sorted(told, key=lambda one: one[0])]
