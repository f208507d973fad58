"""
Forget memories and messages, or undo an import: the only way to do either in a running daemon.

    answers under way end ──> the store deletes, redacts and taints ──> tainted generations leave the engine
        ──> every listener drops what it quotes ──> the generation that answers now is probed

Who keeps words of memories outside the store (a report, a checkpoint, a cache) registers with `on_forget`; who may
be saying them just now, with `pause_with`. What the store has forgotten stays forgotten, whatever fails afterwards:
all listeners are called, also when one of them fails, and the first failure is then raised.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

from daemon.core import Core
from daemon.forgetting.tellings import TEXT, Candidate, How, Telling, look, message
from daemon.forgetting.verification import NOTHING_LEARNED, Unlearning
from daemon.forgetting.weight_probes import Fact, facts
from daemon.generations.service import Generations, answer_without
from daemon.memory.forgotten import marks_of
from daemon.memory.phrasing import statements
from daemon.memory.recall import asks
from daemon.text import content_words, shorten
from store import chats, forgetting, generations, import_undo, memories
from store.database import Connection
from store.forgetting import Concerned
from store.import_undo import UndoReport
from store.memories import ForgetReport

log = logging.getLogger(__name__)

WAIT_S = 20.0  # the answer to a `forget` that is done already waits for its probes, so long at most
LOOK_S = 60.0  # for the probes of a preview
FACTS = 40  # statements of messages that are forgotten by their number, that are marked

Listener = Callable[[], Awaitable[None]]
Pause = Callable[[], AbstractAsyncContextManager[None]]
Report = TypeVar("Report", ForgetReport, UndoReport)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person wants to be forgotten."""

    memories: tuple[int, ...] = ()
    messages: tuple[int, ...] = ()
    chats: tuple[int, ...] = ()  # whole ones
    keep_memories: tuple[int, ...] = ()  # these stay, whatever they tell
    keep_messages: tuple[int, ...] = ()
    certain: bool = True  # with all else that tells it for certain


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten(Generic[Report]):
    """What was taken, and which generation answers now."""

    report: Report
    was_live: int  # 0 = base
    now_live: int
    was_learned: bool  # by any generation, also by one that was tainted before
    weights: dict[str, Any]  # what the generation that answers now shows of it, as far as that is known soon
    stays: tuple[Telling, ...] = ()  # what may tell it and was left
    facts: tuple[str, ...] = ()  # what was forgotten, in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What `forget` would take, exactly, and what else may tell the same."""

    memories: tuple[int, ...]
    messages: int
    kept_memories: tuple[int, ...]
    lessons: int
    generations: tuple[int, ...]
    also_told_by: list[int]  # memories that stay
    tellings: tuple[Telling, ...]
    facts: tuple[str, ...]  # what is to be forgotten, in words
    exports: tuple[str, ...]  # sha256 of imported files that brought it
    weights: dict[str, Any] | None  # what the live generation knows of it; None when that was not asked


class Forgetting:
    """Forgets in the store, in the engine, and wherever else words of memories are kept."""

    def __init__(
        self,
        core: Core,
        generations: Generations,
        unlearning: Unlearning,
        *,
        wait_s: float = WAIT_S,
    ) -> None:
        """`wait_s`: how long the report waits for the probes of the weights."""
        self._core = core
        self._store_thread = core.store_thread
        self._engine = core.engine
        self._generations = generations
        self._unlearning = unlearning
        self._wait_s = wait_s
        self._listeners: list[Listener] = []
        self._pauses: list[Pause] = []

    def on_forget(self, listener: Listener) -> None:
        """Call `listener` each time something was forgotten or an import undone, before that is reported."""
        self._listeners.append(listener)

    def pause_with(self, pause: Pause) -> None:
        """Forget only within this context: inside, nothing quotes memories any more, and nothing begins to."""
        self._pauses.append(pause)

    async def forget(self, wanted: Wanted) -> Forgotten[ForgetReport]:
        """
        Forget these memories and messages in all that is kept; a clean generation answers from then on.

        What tells the same for certain goes with them, and what was forgotten is marked, so that it is not learned
        from what stays. The engine need not be well: what it must not use is taken from it before it is asked for
        anything.

        Raises:
            NotFound: one is not there; nothing was forgotten.
        """
        choice = await self._choose(wanted)
        marks = await marks_of(self._core.embedder, choice.facts)

        def take(db: Connection) -> tuple[list[Fact], bool, ForgetReport]:
            found = _concerned(db, choice.wanted, choice.scanned)
            learned = facts(found.lessons, found.memories), bool(found.generations)
            report = memories.forget(
                db,
                choice.wanted.memories,
                messages=choice.wanted.messages,
                keep=choice.wanted.keep_messages,
                chats=choice.wanted.chats,
                facts=marks,
                scanned=choice.scanned,
            )
            return *learned, report

        done = await self._take(partial(self._store_thread.run, take), await self._live())
        stays = tuple(one for one in choice.tellings if not one.taken)
        return replace(done, stays=stays, facts=choice.facts)

    async def undo_import(self, import_id: int) -> Forgotten[UndoReport]:
        """Take back one import, in slices beside the chats. Raises `NotFound`."""
        before = await self._live()
        seen: list[Concerned] = []
        report = await self._store_thread.run_in_slices(import_undo.undo_in_slices, import_id, seen)
        learned = [one for found in seen for one in facts(found.lessons, found.memories)]
        was_learned = any(found.generations for found in seen)

        async def taken() -> tuple[list[Fact], bool, UndoReport]:
            return learned, was_learned, report

        return await self._take(taken, before)

    async def go_on(self) -> None:
        """Finish what a crash ended on the way."""
        if await self._store_thread.run_in_slices(import_undo.go_on):
            await self._tell_listeners()

    async def preview(self, wanted: Wanted, *, weights: bool = False) -> Preview:
        """What `forget` would take, and raise; nothing is changed. `weights`: probe the live generation, too."""
        choice = await self._choose(wanted)
        found = choice.found
        return Preview(
            memories=found.memories,
            messages=len(found.messages),
            kept_memories=found.kept_memories,
            lessons=len(found.lessons),
            generations=found.tainted_by_it,
            also_told_by=[one.id for one in choice.tellings if one.kind == "memory" and not one.taken],
            tellings=choice.tellings,
            facts=choice.facts,
            exports=found.exports,
            weights=await self._probe(found) if weights else None,
        )

    async def _choose(self, wanted: Wanted) -> "_Choice":
        """What goes with what is wanted, and all that tells it."""
        run = self._store_thread.run
        scanned = await self._scan(wanted)
        named = await run(_concerned, wanted, scanned)
        facts = await run(_facts, named.memories, wanted)
        others = await look(self._core, facts, gone=named.memories, redacted=named.messages)
        kept = {("memory", id) for id in wanted.keep_memories} | {
            ("message", id) for id in wanted.keep_messages
        }
        sure = [
            one
            for one, how in others
            if how == "certain" and wanted.certain and (one.kind, one.id) not in kept
        ]
        chosen = replace(
            wanted,
            memories=(*wanted.memories, *(one.id for one in sure if one.kind == "memory")),
            messages=(*wanted.messages, *(one.id for one in sure if one.kind == "message")),
        )
        if sure:
            scanned = await self._scan(chosen)
        found = await run(_concerned, chosen, scanned) if sure else named
        tellings = await run(_tellings, found, others, wanted)
        return _Choice(wanted=chosen, found=found, facts=facts, tellings=tellings, scanned=scanned)

    async def _scan(self, wanted: Wanted) -> forgetting.Scan:
        look = self._store_thread.run_in_slices
        return await look(forgetting.scan, wanted.memories, messages=wanted.messages)

    async def _live(self) -> int:
        found = await self._store_thread.run(generations.live, (await self._generations.model()).sha256)
        return found.id if found else 0

    async def _take(
        self, take: Callable[[], Awaitable[tuple[list[Fact], bool, Report]]], before: int
    ) -> Forgotten[Report]:
        base_sha256 = (await self._generations.model()).sha256
        async with AsyncExitStack() as stack:
            for pause in self._pauses:
                await stack.enter_async_context(pause())
            learned, was_learned, report = await take()
            try:
                now_live = await answer_without(
                    self._store_thread, self._engine, report.generations, base_sha256
                )
                if was_learned:
                    self._unlearning.begin(learned, now_live)
            finally:
                await self._tell_listeners()
        return Forgotten(
            report=report,
            was_live=before,
            now_live=now_live,
            was_learned=was_learned,
            weights=await self._unlearning.result(self._wait_s) if was_learned else NOTHING_LEARNED.to_json(),
        )

    async def _tell_listeners(self) -> None:
        calls = (listener() for listener in self._listeners)
        failures = [one for one in await asyncio.gather(*calls, return_exceptions=True) if one is not None]
        for failure in failures[1:]:
            log.error(
                "Something was forgotten, and a second part could not drop it: %s", type(failure).__name__
            )
        if failures:
            raise failures[0]

    async def _probe(self, concerned: Concerned) -> dict[str, Any]:
        """What the live generation knows of what is not forgotten yet."""
        chosen = await self._generations.choose(None)
        learned = facts(concerned.lessons, concerned.memories)
        if chosen.number == 0 or not learned or self._engine.live is None:
            return NOTHING_LEARNED.to_json(is_preview=True)
        probed = await self._unlearning.probe(
            self._engine.live, chosen.number, learned, within_s=LOOK_S, without=concerned.memories
        )
        return probed.to_json(is_preview=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """What is to go, and what may tell it."""

    wanted: Wanted  # with all that is certain
    found: Concerned
    facts: tuple[str, ...]
    tellings: tuple[Telling, ...]
    scanned: forgetting.Scan


def _concerned(db: Connection, wanted: Wanted, scanned: forgetting.Scan) -> Concerned:
    return forgetting.concerned(
        db,
        wanted.memories,
        messages=wanted.messages,
        keep=wanted.keep_messages,
        chats=wanted.chats,
        scanned=scanned,
    )


def _facts(db: Connection, gone: Sequence[int], wanted: Wanted) -> tuple[str, ...]:
    """The statements that are to be forgotten; of messages alone, what they state."""
    if gone:
        return tuple(dict.fromkeys(memories.get(db, id).text for id in gone))
    said = [chats.get(db, id) for id in wanted.messages]
    found = [
        text for one in said for text in statements(one.text, role=one.role) if one.text != chats.FORGOTTEN
    ]
    return tuple(dict.fromkeys(text for text in found if len(content_words(text)) > 1 and not asks(text)))[
        :FACTS
    ]


def _tellings(
    db: Connection, found: Concerned, others: Sequence[tuple[Candidate, How]], wanted: Wanted
) -> tuple[Telling, ...]:
    """All that tells it, what goes first; not the messages of a chat that goes whole."""
    going = set(found.messages)
    tellings = []
    for one in (chats.get(db, id) for id in found.messages):
        if one.chat_id in wanted.chats:
            continue
        answers = one.role == "assistant" and one.parent_id in going
        why = "it answers a message that tells it" if answers else "it tells it"
        tellings.append(_telling(message(one), certain=True, taken=True, why=why))
    for candidate, how in others:
        taken = candidate.id in (found.memories if candidate.kind == "memory" else going)
        if taken and candidate.kind == "message":
            continue
        certain = how == "certain"
        why = "it tells the same" if certain else "it may tell the same"
        tellings.append(_telling(candidate, certain=certain, taken=taken, why=why))
    named = {one.id for one in tellings if one.kind == "message"}
    for id in wanted.keep_messages:
        if id not in named and (one := chats.get(db, id)).text != chats.FORGOTTEN:
            tellings.append(_telling(message(one), certain=True, taken=False, why="you keep it"))
    return tuple(tellings)


def _telling(one: Candidate, *, certain: bool, taken: bool, why: str) -> Telling:
    return Telling(
        kind=one.kind,
        id=one.id,
        text=shorten(one.text, TEXT),
        role=one.role,
        day=one.day,
        certain=certain,
        taken=taken,
        why=why,
    )
