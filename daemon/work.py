"""
The kinds of background work: tending quiet chats, and indexing what was imported; nights are in `night/nights.py`.

Promises: what the last round did, and what of the chats could not be read, can be asked at any time.
Knows nothing of queues and retries: `jobs.py` does.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from daemon.embedding.client import Embedder
from daemon.engine.client import Engine
from daemon.idle_work import Tended, tend
from daemon.lessons.eligibility import waiting
from daemon.memory import observe
from daemon.memory.recall import index_missing
from daemon.store_thread import Keeper
from daemon.text import counted
from store import chats, lessons, partly, vectors
from store.jobs import Job

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """How many parts of chats (each a day of one) could not be read, or not all of them."""

    parts: int
    in_vain: int  # of these, so many were tried again, in vain
    doubted: int  # others that were read, but for sentences of which the model was not sure


class Tending:
    """Reads chats that have gone quiet: observe, evolve, study."""

    def __init__(
        self,
        keeper: Keeper,
        engine: Engine,
        embedder: Embedder,
        *,
        quiet_s: float,
        by_itself: bool,
        way: str = "safe",
    ) -> None:
        """`by_itself`: False = only when asked; `way`: how memories evolve."""
        self._keeper = keeper
        self._engine = engine
        self._embedder = embedder
        self._quiet_s = quiet_s
        self._by_itself = by_itself
        self._way = way
        self._given_up: frozenset[int] = frozenset()  # memories that no lessons could be made of
        self._unread: Unread | None = None  # None: to be counted anew
        self.last: Tended | None = None

    async def due(self) -> dict[str, Any] | None:
        """A payload when a chat has gone quiet, or a memory that need not wait has no lessons yet."""
        if not self._by_itself:
            return None
        now = datetime.now(UTC)
        before = now - timedelta(seconds=self._quiet_s)
        if await self._keeper.run(chats.quiet, before=before, version=observe.VERSION, now=now):
            return {}
        return {} if await self._keeper.run(_to_study, self._given_up) else None

    async def work(self, job: Job) -> None:
        """One round; a payload {"quiet_s": 0} takes every chat, {"again": True} tries again what can't be read."""
        quiet_s = float(job.payload.get("quiet_s", self._quiet_s))
        again = bool(job.payload.get("again"))
        self.last = await tend(
            self._keeper,
            self._engine,
            self._embedder,
            now=datetime.now(UTC),
            quiet_s=quiet_s,
            way=self._way,
            given_up=() if again else self._given_up,
            again=again,
        )
        self._unread = None
        self._given_up |= self.last.given_up
        _log(self.last)

    async def unread(self) -> Unread:
        """What could not be read, by this observer; counted once after each round."""
        if self._unread is None:
            self._unread = await self._keeper.run(_unread)
        return self._unread

    def forget(self) -> None:
        """Drop what the last report quotes of chats and memories."""
        self._unread = None
        if self.last is not None:
            self.last = replace(self.last, failures=())


def _log(last: Tended) -> None:
    """What was given up, in numbers: the words are the user's, none of the log's business."""
    if last.partly:
        parts = counted(last.partly, "part of a chat", "parts of chats")
        log.warning("Memory work: %s could not be read, or not all of it", parts)
    if last.given_up:
        held = counted(len(last.given_up), "memory", "memories")
        log.warning("Memory work: no lessons could be made of %s", held)
    if last.unsure:
        log.info("Memory work: the model was not sure of %s; left out", counted(last.unsure, "sentence"))


def _unread(db: Any) -> Unread:
    marked = partly.counted(db)
    in_vain = marked[observe.TWICE]
    return Unread(parts=marked[observe.PARTLY] + in_vain, in_vain=in_vain, doubted=marked[observe.DOUBTED])


class Indexing:
    """Gives vectors to memories and messages that lack one; ordered after an import, so as not to wait."""

    def __init__(self, keeper: Keeper, embedder: Embedder) -> None:
        self._keeper = keeper
        self._embedder = embedder

    async def due(self) -> dict[str, Any] | None:
        """A payload when a memory or a message has no vector."""
        return {} if await self._keeper.run(_unindexed) else None

    async def work(self, job: Job) -> None:
        """Index all that is missing, also what comes meanwhile: an order of that moment stands for this job."""
        while await index_missing(self._keeper, self._embedder):
            pass


def _to_study(db: Any, given_up: Collection[int]) -> bool:
    """Whether a round would study any memory: not one that was given up or waits."""
    ids = {memory.id for memory in lessons.unstudied(db)} - set(given_up)
    return bool(ids and ids - {one.memory_id for one in waiting(db, date.today(), among=ids)})


def _unindexed(db: Any) -> bool:
    return vectors.reindexing(db) is not None or any(vectors.missing(db, kind) for kind in vectors.KINDS)
