"""
Memory consolidation: what is done with a chat that has gone quiet.

    quiet chat ──> its sessions (days) ──> observe, a few at once ──> evolve, by date ──> lessons of what is new

A message is marked as observed only after all that was observed in it is stored: a crash repeats work (exact repeats
are ignored) and loses none. What the model can't take, made unusable or was not sure of is reported and marked; what
could not be read is tried again once, in shorter pieces, when somebody asks.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

from daemon.concurrency import in_order
from daemon.core import Core
from daemon.lessons.eligibility import waiting
from daemon.lessons.general import add_general
from daemon.lessons.generation import authors, generate_missing
from daemon.memory.approval import propose
from daemon.memory.errors import HOPELESS
from daemon.memory.evolve import evolve
from daemon.memory.indexing import index_missing
from daemon.memory.observe import (
    AGAIN_TURNS,
    DOUBTED,
    PARTLY,
    TWICE,
    VERSION,
    WINDOW_TURNS,
    Observed,
    observe,
)
from daemon.text import counted
from store import chats, lessons, message_queries
from store.chats import Message
from store.database import Connection
from store.jobs import Job

AT_ONCE = 4  # parts of chats that are read: their answers share the model's batches
MOST_PARTS = 200  # of chats that one round reads: then their lessons are made, and others have a turn
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolidationReport:
    """What one round did."""

    chats: int
    observations: int
    ops: Mapping[str, int]  # count per op kind
    lessons: int
    unsure: int  # sentences left out because the model itself found them unlikely
    failures: tuple[str, ...]  # why parts of sessions were given up, and memories: words of the user's
    again: int = 0  # sessions that were tried again
    partly: int = 0  # sessions that could not be read now, or not all of them
    given_up: frozenset[int] = frozenset()  # ids of memories of which no lessons could be made now


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """How many parts of chats (each a day of one) could not be read, or not all of them."""

    parts: int
    in_vain: int  # of these, so many were tried again, in vain
    doubted: int  # others that were read, but for sentences of which the model was not sure
    waiting: int = 0  # others that a round under way has not come to yet
    done: int = 0  # by that round
    left_s: float | None = None  # until it is through, in seconds, as fast as it was so far


class MemoryConsolidation:
    """The job that reads quiet chats, and what its last round found."""

    def __init__(
        self,
        core: Core,
        *,
        quiet_s: float,
        by_itself: bool,
        way: str = "safe",
        learns: bool = True,
        approve: bool = False,
    ) -> None:
        """
        Args:
            by_itself: False = only when asked.
            way: how memories evolve.
            learns: whether lessons are made: no night teaches them to a model that can't learn.
            approve: what is observed waits for the user's word.
        """
        self._core = core
        self._quiet_s = quiet_s
        self._by_itself = by_itself
        self._way = way
        self._learns = learns
        self._approve = approve
        self._given_up: frozenset[int] = frozenset()  # memories that no lessons could be made of
        self._unread: Unread | None = None  # None: to be counted again
        self._authors: tuple[str, ...] | None = (
            None  # whose lessons count; None: anybody's, until a model ran
        )
        self._reading: tuple[int, int, float] | None = None  # parts done, all parts, when it began
        self.last: ConsolidationReport | None = None

    async def due(self) -> dict[str, Any] | None:
        """A payload when a chat has gone quiet, or a memory that need not wait has no lessons yet."""
        if not self._by_itself:
            return None
        now = datetime.now(UTC)
        before, run = now - timedelta(seconds=self._quiet_s), self._core.store_thread.run
        if await run(chats.quiet, before=before, version=VERSION, now=now):
            return {}
        return {} if self._learns and await run(_lacks_lessons, self._given_up, self._authors) else None

    async def work(self, job: Job) -> None:
        """One round; a payload {"quiet_s": 0} takes every chat, {"again": True} tries again what can't be read."""
        again, is_asked = bool(job.payload.get("again")), "quiet_s" in job.payload
        began = time.monotonic()

        def on_part(done: int, every: int) -> None:
            self._reading = (done, every, began)

        try:
            self.last = await consolidate(
                self._core,
                now=datetime.now(UTC),
                quiet_s=float(job.payload.get("quiet_s", self._quiet_s)),
                way=self._way,
                given_up=() if again else self._given_up,
                again=again,
                learns=self._learns,
                approve=self._approve,
                most=None if is_asked or again else MOST_PARTS,
                on_part=on_part,
            )
        finally:
            self._reading = None
        self._unread = None
        self._authors = authors(await self._core.engine.info())
        self._given_up |= self.last.given_up
        _log(self.last)

    async def unread(self) -> Unread:
        """What could not be read, by this observer; counted once after each round."""
        if self._unread is None:
            self._unread = await self._core.store_thread.run(_count_unread)
        if self._reading is None:
            return self._unread
        done, every, began = self._reading
        left_s = (time.monotonic() - began) / done * (every - done) if done else None
        return replace(self._unread, waiting=every - done, done=done, left_s=left_s)

    async def forget(self) -> None:
        """Drop what the last report quotes of chats and memories."""
        self._unread = None
        if self.last is not None:
            self.last = replace(self.last, failures=())


async def consolidate(
    core: Core,
    *,
    now: datetime,
    quiet_s: float,
    way: str = "safe",
    given_up: Collection[int] = (),
    again: bool = False,
    learns: bool = True,
    approve: bool = False,
    most: int | None = None,
    on_part: Callable[[int, int], None] = lambda done, every: None,
) -> ConsolidationReport:
    """
    Observe and evolve (in this `way`) every chat that has been quiet for `quiet_s` seconds; make the lessons due.

    Args:
        given_up: ids of memories that an earlier round could not make lessons of.
        again: whether sessions are tried again that could not be read, or not all of them.
        learns: whether lessons are made.
        approve: what is observed waits for the user's word, counted as "PROPOSE".
        most: parts of chats (each a day of one) that are read now; the next round goes on. None: all.
        on_part: told how many parts are done, of how many.
    """
    run = core.store_thread.run
    before, left = now - timedelta(seconds=quiet_s), PARTLY if again else ""
    quiet = await run(chats.quiet, before=before, version=VERSION, now=now, again=left)
    ops: Counter[str] = Counter()
    marks: Counter[str] = Counter()
    failures, unsure, tried_again = list[str](), 0, 0
    await index_missing(core.store_thread, core.embedder)
    days = [one for messages in quiet for one in sessions(messages)]
    days.sort(key=lambda one: one[1][0].said_at)  # what was told first evolves first
    on_part(0, len(days))
    async with aclosing(in_order((_read(core, *one) for one in days[:most]), at_once=AT_ONCE)) as every:
        async for part in every:
            done, why = await _evolve(core, part, None if approve else way)
            ops, unsure, tried_again = ops + done, unsure + part.observed.unsure, tried_again + part.is_again
            place = f"Session of {part.day} (messages {part.messages[0].id} to {part.messages[-1].id})"
            failures += [f"{place}: {one}" for one in why]
            mark = part.mark(is_whole=not why)
            await run(chats.mark_observed, [message.id for message in part.messages], mark)
            marks[mark] += 1
            on_part(marks.total(), len(days))
    made, unlearnable = 0, dict[int, str]()
    if learns:
        made, unlearnable = await generate_missing(core.engine, core.store_thread, given_up=given_up)
        made += await add_general(core)
    return ConsolidationReport(
        chats=len(quiet),
        observations=ops.total(),
        ops=dict(ops),
        lessons=made,
        unsure=unsure,
        failures=(*failures, *unlearnable.values()),
        again=tried_again,
        partly=marks[PARTLY] + marks[TWICE],
        given_up=frozenset(unlearnable),
    )


def sessions(messages: Sequence[Message]) -> list[tuple[date, list[Message]]]:
    """The messages of one chat, cut where a new day begins."""
    return [(day, list(group)) for day, group in groupby(messages, key=_day)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A session as it was read."""

    day: date
    messages: Sequence[Message]
    is_again: bool  # it could not be read before, or not all of it
    observed: Observed

    def mark(self, *, is_whole: bool) -> str:
        """What its messages are marked with; `is_whole`: nothing of it was given up."""
        if not is_whole:
            return TWICE if self.is_again else PARTLY
        return DOUBTED if self.observed.unsure else VERSION


async def _read(core: Core, day: date, session: Sequence[Message]) -> _Part:
    is_again = any(message.observed_by == PARTLY for message in session)
    kept = await core.store_thread.run(message_queries.not_forgotten, [message.id for message in session])
    said = [message for message in session if message.id in kept]
    turns = AGAIN_TURNS if is_again else WINDOW_TURNS
    observed = await observe(core.engine, said, day=day, turns=turns, embedder=core.embedder)
    return _Part(day=day, messages=session, is_again=is_again, observed=observed)


async def _evolve(core: Core, part: _Part, way: str | None) -> tuple[Counter[str], list[str]]:
    """
    The operations done, and why parts and sentences of the session were given up.

    Args:
        way: how memories evolve; None: what is observed waits for the user's word.
    """
    ops: Counter[str] = Counter()
    failures = list(part.observed.failures)
    kept = await core.store_thread.run(message_queries.not_forgotten, [one.id for one in part.messages])
    for observation in (one for one in part.observed.found if kept.issuperset(one.sources)):
        if way is None:
            ops["PROPOSE"] += await propose(core, observation)
            continue
        try:
            op = await evolve(core, observation, way=way)
        except HOPELESS as error:
            failures.append(str(error))
        else:
            ops[op.kind] += 1
    return ops, failures


def _day(message: Message) -> date:
    """The user's own day, in their zone as it was then."""
    try:
        return message.said_at.astimezone().date()
    except OverflowError:  # within a day of the first or last moment that there is
        return message.said_at.date()


def _log(last: ConsolidationReport) -> None:
    """What was given up, in numbers: the words are the user's, none of the log's business."""
    if last.partly:
        parts = counted(last.partly, "part of a chat", "parts of chats")
        log.warning("Memory work: %s could not be read, or not all of it", parts)
    if last.given_up:
        given_up = counted(len(last.given_up), "memory", "memories")
        log.warning("Memory work: no lessons could be made of %s", given_up)
    if last.unsure:
        log.info("Memory work: the model was not sure of %s; left out", counted(last.unsure, "sentence"))


def _count_unread(db: Connection) -> Unread:
    marked = message_queries.observer_marks(db)
    in_vain = marked[TWICE]
    return Unread(parts=marked[PARTLY] + in_vain, in_vain=in_vain, doubted=marked[DOUBTED])


def _lacks_lessons(db: Connection, given_up: Collection[int], by: Collection[str] | None) -> bool:
    """Whether a round would make lessons of any memory: not of one that was given up or waits."""
    ids = {memory.id for memory in lessons.unstudied(db, by=by)} - set(given_up)
    return bool(ids and ids - {one.memory_id for one in waiting(db, date.today(), among=ids)})
