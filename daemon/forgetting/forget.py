"""
Forget memories and messages, or undo an import: the only way to do either in a running daemon.

    answers under way end ──> the store deletes, redacts and taints ──> tainted generations leave the engine
        ──> every listener drops what it quotes ──> the generation that answers now is probed

Who keeps words of memories outside the store (a report, a checkpoint, a cache) registers with `on_forget`; who may
be saying them just now, with `pause_with`. What the store has forgotten stays forgotten, whatever fails afterwards:
all listeners are called, also when one of them fails, and the first failure is then raised.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from daemon.core import Core
from daemon.forgetting.verification import NOTHING_LEARNED, Unlearning
from daemon.forgetting.weight_probes import Fact, facts
from daemon.generations.service import Generations, answer_without
from daemon.home import Home
from daemon.text import content_words, value_words
from store import forgetting, generations, imports, memories
from store.database import Connection
from store.forgetting import Concerned
from store.imports import UndoReport
from store.memories import ForgetReport

log = logging.getLogger(__name__)

WAIT_S = 20.0  # the answer to a `forget` that is done already waits for its probes, so long at most
LOOK_S = 60.0  # for the probes of a preview
ALIKE = 2 / 3  # of the content words of a text without names and numbers

Listener = Callable[[], Awaitable[None]]
Pause = Callable[[], AbstractAsyncContextManager[None]]
Report = TypeVar("Report", ForgetReport, UndoReport)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten(Generic[Report]):
    """What was taken, and which generation answers now."""

    report: Report
    was_live: int  # 0 = base
    now_live: int
    was_learned: bool  # by any generation, also by one that was tainted before
    weights: dict[str, Any]  # what the generation that answers now shows of it, as far as that is known soon


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What `forget` would take, and which other memories tell the same."""

    memories: tuple[int, ...]
    messages: int
    kept_memories: tuple[int, ...]
    lessons: int
    generations: tuple[int, ...]
    also_told_by: list[int]
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

    async def forget(
        self, memory_ids: Sequence[int], *, messages: Sequence[int] = ()
    ) -> Forgotten[ForgetReport]:
        """
        Forget these memories and messages in all that is kept; a clean generation answers from then on.

        The engine need not be well: what it must not use is taken from it before it is asked for anything.

        Raises:
            NotFound: one is not there; nothing was forgotten.
        """
        look = partial(forgetting.concerned, memory_ids=memory_ids, messages=messages)
        return await self._take(
            look, partial(memories.forget, memory_ids=list(memory_ids), messages=list(messages))
        )

    async def undo_import(self, import_id: int) -> Forgotten[UndoReport]:
        """Take back one import, as `forget` does. Raises `NotFound`."""
        look = partial(imports.concerned, import_id=import_id)
        return await self._take(look, partial(imports.undo_import, import_id=import_id))

    async def preview(
        self, memory_ids: Sequence[int], *, messages: Sequence[int] = (), weights: bool = False
    ) -> Preview:
        """What `forget` would take, and raise; nothing is changed. `weights`: probe the live generation, too."""
        found = await self._store_thread.run(forgetting.concerned, memory_ids, messages=messages)
        return Preview(
            memories=found.memories,
            messages=len(found.messages),
            kept_memories=found.kept_memories,
            lessons=len(found.lessons),
            generations=found.generations,
            also_told_by=await self._store_thread.run(_also_told, found.memories),
            weights=await self._probe(found) if weights else None,
        )

    async def _take(
        self, look: Callable[[Connection], Concerned], take: Callable[[Connection], Report]
    ) -> Forgotten[Report]:
        def work(db: Connection) -> tuple[list[Fact], bool, Report]:
            concerned = look(db)
            return facts(concerned.lessons, concerned.memories), bool(concerned.generations), take(db)

        base_sha256 = (await self._generations.model()).sha256
        async with AsyncExitStack() as stack:
            for pause in self._pauses:
                await stack.enter_async_context(pause())
            before = await self._store_thread.run(generations.live, base_sha256)
            learned, was_learned, report = await self._store_thread.run(work)
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
            was_live=before.id if before else 0,
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


def tell_the_same(texts: Sequence[str], others: Mapping[int, str]) -> list[int]:
    """
    The ids of those `others` that have every name and number of one of the texts; of a text that has none, most words.

    Rather one too many than one too few, for a person decides.
    """
    found = {id: set(content_words(text)) for id, text in others.items()}
    return [id for id, words in found.items() if any(_tells(words, text) for text in texts)]


def exports_left(home: Home, digests: Collection[str]) -> list[str]:
    """
    The imported files in inbox/done, and those dropped onto the page, whose SHA-256 is among `digests`.

    They are the user's own, so nothing deletes them; a file that can't be read is passed over.
    """
    found = []
    files = [*(home.inbox / "done").glob("*"), *home.uploads.glob("*/*")] if digests else []
    for file in sorted(files):
        try:
            with file.open("rb") as opened:
                if hashlib.file_digest(opened, "sha256").hexdigest() in digests:
                    found.append(str(file))
        except OSError:  # a folder, or no right to read it
            continue
    return found


def _also_told(db: Connection, gone: Collection[int]) -> list[int]:
    texts = [memories.get(db, memory_id).text for memory_id in gone]
    return tell_the_same(texts, {one.id: one.text for one in memories.holding(db) if one.id not in gone})


def _tells(words: set[str], text: str) -> bool:
    if values := value_words(text):
        return values <= words
    wanted = set(content_words(text))
    return bool(wanted) and len(wanted & words) >= ALIKE * len(wanted)
