"""
Verification of unlearning: what was forgotten has to be gone from the weights, now and in what the next night makes.

    forget ──> facts, in this memory only ──> the generation that answers now ──> report
                        `──> the rebuilt candidate, before it may be adopted ──> the night's record; wiped

The forgotten questions and answers never touch a disk, are as few as MOST, and are wiped once a night has probed them
and found nothing; results have numbers and our own words only, so that they may be kept. Forgetting never fails with
a probe. `weight_probes.py` says how one fact is probed.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from daemon.engine.client import Engine
from daemon.engine.errors import AdapterRefused
from daemon.exam import acceptance
from daemon.forgetting import weight_probes
from daemon.forgetting.weight_probes import LEAST_SPREAD, Fact, Finding, Verdict
from daemon.processes.errors import ChildError
from daemon.store_thread import StoreThread
from store import generations, memories, nights
from store.database import Connection

log = logging.getLogger(__name__)

MOST = 64  # facts; of more, these are probed
NOW_S = 120.0  # seconds the probes after a `forget` may take
NIGHT_S = 1800.0
NO_TIME = "there was no time for it"
UNLEARNED = "no generation had learned it"
BASE = "the base model answers, which has learned nothing of you"
LOST = (
    "it was forgotten before the daemon was started last, and the questions about it were kept in its memory only; "
    "no lesson about it was among those that this generation learned"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What the probes found in one generation."""

    generation: int  # 0 = the base model
    findings: tuple[Finding, ...] = ()
    beyond: int = 0  # facts that were too many
    why: str = ""  # where there are no findings

    @property
    def verdict(self) -> Verdict:
        """ "left" if anything is; "gone" if something was probed, or nothing could have been learned."""
        found = {finding.verdict for finding in self.findings}
        if "left" in found:
            return "left"
        return "gone" if "gone" in found or self.why in (BASE, UNLEARNED) else "not probed"

    def numbers(self) -> dict[str, int | float]:
        """
        Counts of facts, and of the one that stands out most: JSON-able, without a text.

        "lost" is 1 where the questions were lost with an earlier process of the daemon.
        """
        counts = {name: sum(one.verdict == name for one in self.findings) for name in ("gone", "left")}
        skipped = len(self.findings) - sum(counts.values()) + self.beyond
        numbers: dict[str, int | float] = {**counts, "not_probed": skipped, "lost": int(self.why == LOST)}
        asked = [one for one in self.findings if one.verdict != "not probed"]
        worst = max(asked, key=lambda one: (one.verdict == "left", one.stands_out), default=None)
        if worst is not None:
            numbers |= {
                "phrasings": worst.phrasings,
                "told": sum(one.told for one in asked),
                "controls": worst.controls,
                "rank": worst.rank,
                "margin_nats": round(worst.margin, 2),
                "spread_nats": round(worst.spread, 2),
            }
        return numbers

    def sentence(self, *, is_preview: bool = False) -> str:
        """The same for a person; `is_preview`: nothing was forgotten yet."""
        if self.findings and self.verdict != "not probed":
            return format_numbers(self.generation, self.numbers(), is_preview=is_preview)
        if is_preview and self.why == UNLEARNED:
            return "Nothing of it can be in the weights: no generation has learned it."
        why = self.why or (self.findings[0].why if self.findings else "there was nothing to ask")
        known = "Not probed" if self.verdict == "not probed" else "Nothing of it can be"
        return f"{known} in the weights: {why}."

    def to_json(self, *, is_preview: bool = False) -> dict[str, Any]:
        """For the wire; `is_preview`: nothing was forgotten yet."""
        return {
            "verdict": self.verdict,
            "generation": self.generation,
            "says": self.sentence(is_preview=is_preview),
            "numbers": self.numbers(),
        }


NOTHING_LEARNED = ProbeResult(generation=0, why=UNLEARNED)


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
        self.found: ProbeResult | None = None  # in the candidate of the last night
        self.last: ProbeResult | None = None  # of the generation that answered after the last `forget`

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
            return self.last.to_json()
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
            self.found = ProbeResult(generation=generation, why=LOST) if lost else None
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
    ) -> ProbeResult:
        """
        Probe these facts in a loaded generation; those that there is no time for are not probed.

        Args:
            without: memories that count as forgotten already.

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
            stored = await self._store_thread.run(_stored, without)
            try:
                found.append(
                    await asyncio.wait_for(
                        weight_probes.examine(self._engine, fact, stored, adapter=sha256), left_s
                    )
                )
            except TimeoutError:
                found.append(late)
        return ProbeResult(generation=generation, findings=tuple(found))

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
    ) -> ProbeResult:
        found = await self.probe(sha256, generation, facts, within_s=within_s)
        return replace(found, beyond=self._beyond)

    async def _probe_now(self, now_live: int, adapter: str | None) -> None:
        if adapter is None:
            self.last = ProbeResult(generation=0, why=BASE)
            return
        try:
            self.last = await self._probe_all(adapter, now_live, self.facts, NOW_S)
        except ChildError as error:
            log.warning("What was forgotten could not be probed in generation %d: %s", now_live, error)
            self.last = ProbeResult(generation=now_live, why=f"the engine could not do it ({error})")


def _stored(db: Connection, without: Collection[int]) -> dict[int, str]:
    stored = [one for one in memories.holding(db) if one.id not in without]
    return dict(zip([one.id for one in stored], memories.narratives(db, stored), strict=True))


def _forgotten_before(db: Connection, started: datetime, generation: int) -> bool:
    """Whether generations were tainted between the one before this and the start of this daemon."""
    older = [one.made_at for one in generations.all(db) if one.id < generation]
    since = older[-1] if older else None
    return nights.forgotten_between(db, since, started).generations > 0


def format_numbers(generation: int, numbers: Mapping[str, int | float], *, is_preview: bool = False) -> str:
    """What numbers of a `ProbeResult` say, also from a record; `is_preview`: of what may be forgotten."""
    if numbers.get("lost"):
        return f"Not probed in the weights: {LOST}."
    if "rank" not in numbers:
        return "What was forgotten was not probed in the weights."
    if is_preview:
        shows = (
            "shows what would be forgotten" if numbers["left"] else "shows nothing of what would be forgotten"
        )
    else:
        shows = "still shows what was forgotten" if numbers["left"] else "shows nothing of what was forgotten"
    told, skipped = numbers["told"], numbers["not_probed"]
    tells = f"{told or 'no'} greedy answer{'s tell' if told > 1 else ' tells'} it"
    out = numbers["margin_nats"] / max(numbers["spread_nats"], LEAST_SPREAD)
    likely = (
        f"as an answer it comes {_th(int(numbers['rank']))} of {numbers['controls'] + 1} beside "
        f"{numbers['controls']} that nobody ever taught ({out:+.1f} standard deviations)"
    )
    rest = f"; {skipped} {'facts were' if skipped > 1 else 'fact was'} not probed" if skipped else ""
    return f"Probed: generation {generation} {shows}: {tells}, and {likely}{rest}."


def _th(rank: int) -> str:
    """ "1st", "2nd", "11th"."""
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{rank}{endings.get(rank % 10, 'th') if rank % 100 not in (11, 12, 13) else 'th'}"
