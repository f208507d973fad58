"""
The kinds of background work: tending quiet chats, nights, and indexing what was imported.

Promises: what the last round did, and how far the present one is, can be asked at any time.
Knows nothing of queues and retries: `jobs.py` does.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from daemon.embedder import Embedder
from daemon.engine.client import Engine
from daemon.keeper import Keeper
from daemon.memory import observe
from daemon.memory.pipeline import Tended, tend
from daemon.memory.recall import index_missing
from daemon.night.night import NightReport, Progress, run_night
from store import chats, jobs, lessons, vectors
from store.jobs import Job

log = logging.getLogger(__name__)

NIGHT_ENDS_AFTER = timedelta(hours=5)  # a night not begun by then waits for the next one


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
        self._given_up: frozenset[int] = frozenset()  # memories that the last round could not make lessons of
        self.last: Tended | None = None

    async def due(self) -> dict[str, Any] | None:
        """A payload when a chat has gone quiet, or a memory has no lessons yet."""
        if not self._by_itself:
            return None
        now = datetime.now(UTC)
        before = now - timedelta(seconds=self._quiet_s)
        if await self._keeper.run(chats.quiet, before=before, version=observe.VERSION, now=now):
            return {}
        return {} if await self._unstudied() - self._given_up else None

    async def work(self, job: Job) -> None:
        """One round; a payload {"quiet_s": 0} takes every chat."""
        quiet_s = float(job.payload.get("quiet_s", self._quiet_s))
        self.last = await tend(
            self._keeper,
            self._engine,
            self._embedder,
            now=datetime.now(UTC),
            quiet_s=quiet_s,
            way=self._way,
            given_up=self._given_up,
        )
        if self.last.failures:  # their words are the user's: none of the log's business
            log.warning("Memory work: %d parts were given up", len(self.last.failures))
        if self.last.unsure:
            log.info("Memory work: the model was not sure of %d sentences; left out", self.last.unsure)
        self._given_up = await self._unstudied()

    def forget(self) -> None:
        """Drop what the last report quotes of chats and memories."""
        if self.last is not None:
            self.last = replace(self.last, failures=())

    async def _unstudied(self) -> frozenset[int]:
        return frozenset(memory.id for memory in await self._keeper.run(lessons.unstudied))


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


class Nights:
    """Runs a night when one is due or asked for."""

    def __init__(self, keeper: Keeper, engine: Engine, *, model_path: Path, at: str, by_itself: bool) -> None:
        """`at`: local time of day, "03:00"; `by_itself`: False = only when asked."""
        self._keeper = keeper
        self._engine = engine
        self._model_path = model_path
        self._at = time.fromisoformat(at)
        self._by_itself = by_itself
        self.progress: Progress | None = None  # of the night that runs; None when none does
        self.last: NightReport | None = None  # of the latest night, once it is done
        self._last_job: int | None = None  # the job that `last` reports of

    async def due(self) -> dict[str, Any] | None:
        """A payload that names the night, when it is time for one that has not been run."""
        if not self._by_itself:
            return None
        last = await self._keeper.run(jobs.latest, "night", having="night")  # one that was asked for has none
        day = night_due(datetime.now(), self._at, last.payload["night"] if last else None)
        return {"night": day} if day else None

    async def work(self, job: Job) -> None:
        """One night, to its report."""
        self.progress = Progress(done=0, total=0, unit="", note="beginning")
        self.last, self._last_job = None, job.id
        try:
            self.last = await run_night(
                self._keeper,
                self._engine,
                model_path=self._model_path,
                recipe=job.payload.get("recipe"),
                on_progress=self._note,
                seed=int(job.payload.get("seed", 0)),
                by_itself="night" in job.payload,
            )
        finally:
            self.progress = None
        log.info("Night: %s", self.last.reason)

    def as_json(self) -> Mapping[str, Any]:
        """Progress, and the last report with the id of its job, for the wire."""
        return {
            "progress": asdict(self.progress) if self.progress else None,
            "last": asdict(self.last) | {"job": self._last_job} if self.last else None,
        }

    def forget(self) -> None:
        """Drop the questions and answers that the last report quotes."""
        if self.last is not None:
            self.last = replace(self.last, exam={**self.last.exam, "missed": []})

    def _note(self, progress: Progress) -> None:
        self.progress = progress


def _unindexed(db: Any) -> bool:
    return vectors.reindexing(db) is not None or any(vectors.missing(db, kind) for kind in vectors.KINDS)


def night_due(now: datetime, at: time, last: str | None) -> str | None:
    """The local day of the night that should begin now; None outside its hours, or if `last` was it."""
    begins = datetime.combine(now.date(), at)
    if begins > now:
        begins -= timedelta(days=1)  # after midnight, a night of 23:00 is still yesterday's
    day = begins.date().isoformat()
    return None if now - begins > NIGHT_ENDS_AFTER or day == last else day
