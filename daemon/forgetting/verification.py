"""
What was forgotten and has to be gone from the weights: probed now, and again in what the next night makes.

    forget ──> facts, in this memory only ──> the generation that answers now ──> report
                        `──> the rebuilt candidate, before it may be adopted ──> the night's record; wiped

Promises: the forgotten questions and answers never touch a disk, are as few as MOST, and are wiped once a night
has probed them and found nothing; reports have numbers and our own words only. Forgetting neither waits for a
probe nor fails with one. Knows nothing of how a fact is probed: `weight_probes.py` does.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from daemon.engine.client import Engine
from daemon.engine.errors import AdapterRefused
from daemon.exam import acceptance
from daemon.forgetting import weight_probes
from daemon.forgetting.probe_result import BASE, LOST, Probed, as_json
from daemon.forgetting.weight_probes import Fact, Finding
from daemon.processes.errors import ChildError
from daemon.store_thread import StoreThread
from store import generations, memories, nights
from store.database import Connection

log = logging.getLogger(__name__)

MOST = 64  # facts; of more, these are probed
NOW_S = 120.0  # seconds the probes after a `forget` may take
NIGHT_S = 1800.0
NO_TIME = "there was no time for it"


class Unlearning:
    """The facts that wait for the next night, and the probes after the last `forget`."""

    def __init__(self, store_thread: StoreThread, engine: Engine, *, night_s: float = NIGHT_S) -> None:
        self._store_thread = store_thread
        self._engine = engine
        self._night_s = night_s  # that a night's probes may take
        self._facts: list[Fact] = []
        self._settled: list[Fact] = []  # by the last night: gone, or never to be probed
        self._beyond = 0
        self._task: asyncio.Task[None] | None = None
        self._since = datetime.now(UTC)
        self.found: Probed | None = None  # in the candidate of the last night
        self.last: Probed | None = None  # of the generation that answered after the last `forget`

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What waits."""
        return tuple(self._facts)

    def begin(self, forgotten: Sequence[Fact], now_live: int) -> None:
        """Keep what a generation had learned and is to forget; probe the one that answers now, in the background."""
        room = MOST - len(self._facts)
        self._facts += forgotten[:room]
        self._beyond += len(forgotten[room:])
        self.last = None
        if self._task is not None:
            self._task.cancel()
        adapter = self._engine.live if now_live else None
        self._task = asyncio.create_task(self._probe_now(now_live, adapter))

    async def result(self, wait_s: float) -> dict[str, Any]:
        """What the latest probes found, after waiting so long at most; JSON-able."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=wait_s)
        if self.last is not None:
            return as_json(self.last)
        running = self._task is not None and not self._task.done()
        says = "The probes of the weights are still under way." if running else "Nothing was probed yet."
        return {
            "verdict": "under way" if running else "not probed",
            "generation": None,
            "says": says,
            "numbers": {},
        }

    async def rule(self, verdict: acceptance.Verdict, generation: int, adapter: bytes) -> acceptance.Verdict:
        """
        The verdict on what a night has made, once it was probed: refused where it shows what was forgotten.

        Raises:
            AdapterUnknown: something that it learned from was forgotten meanwhile.
            ChildError: a probe could not be made.
        """
        self.found, self._settled = None, []
        facts = self.facts
        if not facts:
            lost = await self._store_thread.run(_forgotten_before, self._since, generation)
            self.found = Probed(generation=generation, why=LOST) if lost else None
            return verdict
        try:
            sha256 = await self._engine.load(adapter)
            try:
                self.found = await self._probe_all(sha256, generation, facts, self._night_s)
            finally:
                await self._engine.unload(sha256)
        except AdapterRefused:  # as its exam has found
            return verdict
        if self.found.verdict != "left":
            pairs = zip(facts, self.found.findings, strict=True)
            self._settled = [fact for fact, finding in pairs if finding.why != NO_TIME]
            return verdict
        return replace(verdict, adopt=False, reason=self.found.sentence())

    def record(self) -> dict[str, dict[str, int | float]]:
        """What `rule` found, for the night's record: numbers only; nothing where nothing was forgotten."""
        return {"forgotten": self.found.numbers()} if self.found is not None else {}

    async def probe(
        self,
        sha256: str,
        generation: int,
        facts: Sequence[Fact],
        *,
        within_s: float,
        without: Collection[int] = (),
    ) -> Probed:
        """
        Probe these facts in a loaded generation; those that there is no time for are not probed.

        Args:
            without: held memories that count as forgotten already.

        Raises:
            ChildError: the engine could not do it.
        """
        end = time.monotonic() + within_s
        found = []
        for fact in facts:
            late = Finding(memory_id=fact.memory_id, verdict="not probed", why=NO_TIME)
            if (left_s := end - time.monotonic()) <= 0:
                found.append(late)
                continue
            held = await self._store_thread.run(_held, without)
            try:
                found.append(
                    await asyncio.wait_for(
                        weight_probes.examine(self._engine, fact, held, adapter=sha256), left_s
                    )
                )
            except TimeoutError:
                found.append(late)
        return Probed(generation=generation, findings=tuple(found))

    def wipe(self) -> None:
        """A night is over: drop what its candidate was probed for, unless it still knew something of it."""
        if self._settled:
            self._facts = [fact for fact in self._facts if fact not in self._settled]
            self._settled, self._beyond = [], 0

    async def stop(self) -> None:
        """Give up what is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _probe_all(
        self, sha256: str, generation: int, facts: Sequence[Fact], within_s: float
    ) -> Probed:
        found = await self.probe(sha256, generation, facts, within_s=within_s)
        return replace(found, beyond=self._beyond)

    async def _probe_now(self, now_live: int, adapter: str | None) -> None:
        if adapter is None:
            self.last = Probed(generation=0, why=BASE)
            return
        try:
            self.last = await self._probe_all(adapter, now_live, self.facts, NOW_S)
        except ChildError as error:
            log.warning("What was forgotten could not be probed in generation %d: %s", now_live, error)
            self.last = Probed(generation=now_live, why=f"the engine could not do it ({error})")


def _held(db: Connection, without: Collection[int]) -> dict[int, str]:
    held = [one for one in memories.holding(db) if one.id not in without]
    return dict(zip([one.id for one in held], memories.narratives(db, held), strict=True))


def _forgotten_before(db: Connection, started: datetime, generation: int) -> bool:
    """Whether generations were tainted between the one before this and the start of this daemon."""
    older = [one.made_at for one in generations.all(db) if one.id < generation]
    since = older[-1] if older else None
    return nights.forgotten_between(db, since, started).generations > 0
