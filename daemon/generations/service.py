"""
Which generation answers a request, and how the engine is told.

Only an adopted, untainted generation of the model that is served ever answers. One that saw something forgotten
leaves the engine before the next question.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from daemon.engine.client import Engine, EngineInfo
from daemon.engine.errors import AdapterRefused, AdapterUnknown
from daemon.errors import NoSuchGeneration, NoWayBack
from daemon.processes.errors import ChildError
from daemon.store_thread import StoreThread
from daemon.text import who_answers
from store import generations, notices
from store.errors import AdapterDamaged, NotFound
from store.generations import Generation

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """The generation of one request."""

    number: int  # 0 = the base model
    adapter: str  # as the engine wants it: "live", "base", or the sha256 of a loaded adapter
    engine: Engine
    model: EngineInfo


class Generations:
    """The generations that can answer with the model that is served."""

    def __init__(self, store_thread: StoreThread, engine: Engine) -> None:
        self._store_thread = store_thread
        self._engine = engine
        self._model: EngineInfo | None = None
        self._loaded: dict[int, str] = {}  # generation -> sha256, of those besides the live one

    async def model(self) -> EngineInfo:
        """The model that is served; asked once, so that a status page never wakes a sleeping engine."""
        if self._model is None:
            self._model = await self._engine.info()
        return self._model

    async def ready(self) -> None:
        """Returns when the model is loaded, as far as `choose` needs it. Raises what keeps it from that."""
        await self.model()

    @property
    def known(self) -> EngineInfo | None:
        """The same, of a model that was asked before."""
        return self._model

    async def live(self) -> Generation | None:
        """The generation that answers by default; None = the base model."""
        return await self._store_thread.run(generations.live, (await self.model()).sha256)

    async def all(self) -> list[Generation]:
        """Every generation ever made, oldest first; of any model."""
        return await self._store_thread.run(generations.all)

    async def usable(self) -> list[Generation]:
        """Those that can answer now, oldest first."""
        sha256 = (await self.model()).sha256
        return [one for one in await self.all() if one.state == "adopted" and one.base_sha256 == sha256]

    async def choose(self, number: int | None) -> Answering:
        """
        The generation that answers a request for `number`; None asks for the live one.

        Raises:
            NoSuchGeneration: there is none of that number, or it must not answer.
        """
        made = partial(Answering, engine=self._engine, model=await self.model())
        if number == 0:
            return made(number=0, adapter="base")
        live = await self.live()
        if (live.adapter_sha256 if live else None) != self._engine.live:
            live = await self.settle()  # a swap that failed, say, because the engine was down
        if number is None or (live is not None and live.id == number):
            return made(number=live.id if live else 0, adapter="live")
        await self._check(number)
        if number not in self._loaded:
            adapter = await self._store_thread.run(generations.adapter, number)
            self._loaded[number] = await self._engine.load(adapter)
        return made(number=number, adapter=self._loaded[number])

    async def use(self, number: int) -> Generation | None:
        """
        Make `number` the live generation, from the next request on; 0 goes back to the base model.

        Raises:
            NoSuchGeneration: it must not answer, or the engine does not take it.
            AdapterDamaged: its bytes are not what was made; nothing was changed.
        """
        if number != 0:
            await self.adapter(number)
        live = await self._pin(number)
        if (live.id if live else 0) != number:
            now = who_answers(live.id if live else 0)
            raise NoSuchGeneration(number, f"the engine does not take its adapter, so {now} answers")
        return live

    async def roll_back(self) -> tuple[int, int]:
        """
        Make the newest usable generation before the live one live, or the base model; the numbers of both.

        A damaged one is passed over.

        Raises:
            NoWayBack: the base model answers already; nothing was changed.
        """
        before = await self.live()
        if before is None:
            raise NoWayBack
        to = 0
        for one in reversed([one for one in await self.usable() if one.id < before.id]):
            try:
                await self._store_thread.run(generations.adapter, one.id)
            except AdapterDamaged:
                continue
            to = one.id
            break
        now = await self._pin(to)
        return before.id, now.id if now else 0

    async def adapter(self, number: int) -> bytes:
        """
        The adapter of a generation that may answer, GGUF.

        Raises:
            NoSuchGeneration: it must not be used, or has none. AdapterDamaged: its bytes are not what was made.
        """
        if number == 0:
            raise NoSuchGeneration(number, "it is the base model, which has no adapter")
        await self._check(number)
        return await self._store_thread.run(generations.adapter, number)

    async def why_not(self, number: int) -> str | None:
        """Why a generation must not answer; None when it may."""
        if number == 0:
            return None
        try:
            return await self.why_not_this(await self._store_thread.run(generations.get, number))
        except NotFound:
            return "there is none of that number"

    async def why_not_this(self, found: Generation) -> str | None:
        """The same of one that is at hand."""
        if found.state == "tainted":
            return "it has learned something that was forgotten since"
        if found.state == "retired":
            kept = f"of the adopted ones the newest {generations.KEPT} are kept"
            return f"its adapter was deleted to save room; {kept}"
        if found.state != "adopted":
            return f"it was {found.state}, not adopted ({found.reason})"
        served = (await self.model()).sha256
        if found.base_sha256 != served:
            other = f"(sha256 {found.base_sha256[:8]}…, served is {served[:8]}…)"
            return f"it was trained on another model than the one that is served {other}"
        return None

    async def settle(self) -> Generation | None:
        """Give the engine what the store calls live, and take from it what must not answer."""
        live = await self._restore()
        usable = {one.id for one in await self.usable()}
        for number in self._loaded.keys() - usable:
            await self._engine.unload(self._loaded.pop(number))
        return live

    async def _restore(self) -> Generation | None:
        return await restore_live(self._store_thread, self._engine, (await self.model()).sha256)

    async def _pin(self, number: int) -> Generation | None:
        await self._store_thread.run(generations.use, number)
        return await self.settle()

    async def _check(self, number: int) -> None:
        why_not = await self.why_not(number)
        if why_not is not None:
            raise NoSuchGeneration(number, why_not)


class NewestGenerations(Generations):
    """
    Those of a model beside the main one: the newest that is whole answers.

    What is pinned, and what stands in for a damaged one, is chosen for the main model, and never changed from here.
    """

    def __init__(self, store_thread: StoreThread, engine: Engine) -> None:
        super().__init__(store_thread, engine)
        self._damaged: set[int] = set()

    async def ready(self) -> None:
        """The process runs; its file may be another since the last time, and so may the generations that fit it."""
        self._model = await self._engine.info()

    async def live(self) -> Generation | None:
        """The generation that answers by default; None = the base model."""
        whole = (one for one in reversed(await self.usable()) if one.id not in self._damaged)
        return next(whole, None)

    async def _restore(self) -> Generation | None:
        while (newest := await self.live()) is not None:
            try:
                await self._engine.adopt(await self._store_thread.run(generations.adapter, newest.id))
                return newest
            except (AdapterDamaged, AdapterRefused, AdapterUnknown) as error:
                log.error("Generation %d can't answer: %s", newest.id, error)
                self._damaged.add(newest.id)
        await self._engine.adopt(None)
        return None


async def restore_live(store_thread: StoreThread, engine: Engine, base_sha256: str) -> Generation | None:
    """
    Give the engine the generation that the store calls live; None = the base model.

    A damaged adapter is passed over for the newest other one that is whole; that choice is recorded, and told.
    """
    wanted = await store_thread.run(generations.live, base_sha256)
    if wanted is None:
        await engine.adopt(None)
        return None
    others = [
        one
        for one in reversed(await store_thread.run(generations.all))
        if one.state == "adopted" and one.base_sha256 == base_sha256 and one.id != wanted.id
    ]
    for generation in (wanted, *others):
        try:
            await engine.adopt(await store_thread.run(generations.adapter, generation.id))
        except (AdapterDamaged, AdapterRefused, AdapterUnknown) as error:
            log.error("Generation %d can't answer: %s", generation.id, error)
            continue
        if generation.id != wanted.id:
            await _stand_in(store_thread, wanted.id, generation.id)
        return generation
    await _stand_in(store_thread, wanted.id, 0)
    await engine.adopt(None)
    return None


async def _stand_in(store_thread: StoreThread, damaged: int, instead: int) -> None:
    await store_thread.run(generations.use, instead)
    await store_thread.run(notices.put, "adapter", {"generation": damaged, "instead": instead})


async def answer_without(
    store_thread: StoreThread, engine: Engine, tainted: Sequence[int], base_sha256: str
) -> int:
    """Take these generations from the engine; the number of the one that answers now, 0 = base."""
    every = await store_thread.run(generations.all)
    engine.disown([one.adapter_sha256 for one in every if one.id in tainted])
    try:
        now = await restore_live(store_thread, engine, base_sha256)
    except ChildError as error:
        log.warning("Forgotten; the engine will be told which generation is live when it is well: %s", error)
        now = await store_thread.run(generations.live, base_sha256)
    return now.id if now else 0
