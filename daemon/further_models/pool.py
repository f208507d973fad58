"""
The models beside the main one: loaded when they are asked for, ended when idle or when the memory is wanted.

    of("qwen3-0.6b") ──> its Generations ──> its Engine ──> room? ──> a process of its own ──> answers
                                                              │ no: the longest idle one ends, and again
                                                              '── none is idle: NoRoom, and nothing was loaded

The main model comes first. What it takes while it answers is kept free also while it rests, and when it starts, idle
ones end for it where other programs have taken the memory meanwhile; it waits for none of them. One further model is
loaded at a time, so that what it takes shows before the next is let in. Idle processes end by themselves after
`idle_s`, as the main one's does. Nothing here draws memories or trains.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from math import inf

from daemon.engine.client import Engine
from daemon.engine.errors import EngineError
from daemon.engine.gguf_file import checked_header
from daemon.further_models.entries import Entry, Unusable
from daemon.generations.service import NewestGenerations
from daemon.hardware.offload_plan import Hardware, look, plan
from daemon.hardware.sensors import Resident, free_mb, resident
from daemon.processes.errors import ChildError
from daemon.processes.supervisor import Supervisor
from daemon.store_thread import StoreThread
from daemon.text import format_bytes
from store import generations

log = logging.getLogger(__name__)

MARGIN = 256 * 2**20  # bytes that stay free for everything else


class NoRoom(EngineError):
    """A further model can't be loaded now: others that answer, or other programs, have the memory."""

    def __init__(self, *, name: str, needed: int, room: float) -> None:
        super().__init__(
            f"The model {name!r} can't be loaded now: it takes about {format_bytes(needed)} of memory, and "
            f"{format_bytes(max(int(room), 0))} are free beside the main model. Ask again later, or ask for tsubasa.",
            name=name,
            needed=needed,
            room=room,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Further:
    """A model that can be asked."""

    entry: Entry
    engine: Engine
    generations: NewestGenerations


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is looked at before a model is loaded; tests have machines of their own."""

    hardware: Hardware  # as it was at the start
    look: Callable[[], Hardware] = look  # at what is free on its cards now
    free: Callable[[], float] = lambda: free_mb() * 2**20  # bytes
    resident: Callable[[int | None], Resident] = resident


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How a model is laid out at this moment."""

    gpu_layers: int  # -1: all
    memory: int  # bytes of the machine's own
    is_whole: bool = True  # it would not lie better if others were gone


def room(free: float, held: Iterable[tuple[int, Resident]]) -> float:
    """
    Bytes of memory that another model may take.

    Args:
        free: bytes that can be had without swapping, as the system reckons it: with the pages of mapped files.
        held: of each model that has a right to its memory, what it takes while it answers, and what it has now.
    """
    taken = sum(now.mapped + max(needed - now.total, 0) for needed, now in held)
    return free - taken - MARGIN


class FurtherModels:
    """All of them; `of` one by its name."""

    def __init__(
        self,
        found: Sequence[Entry | Unusable],
        make: Callable[[Entry], Engine],
        store_thread: StoreThread,
        *,
        main: Engine,
        main_needs: int,
        machine: Machine,
        places_layers: bool = True,
    ) -> None:
        """
        Args:
            found: what the setting names.
            make: an engine for one of them, with nothing started yet.
            main_needs: bytes of memory that the main model takes while it answers.
            places_layers: as many layers go onto a card as fit beside the others; else as `make` says.
        """
        self.unusable = tuple(one for one in found if isinstance(one, Unusable))
        self.main = main
        self._store_thread, self._main_needs = store_thread, main_needs
        self._machine, self._places_layers = machine, places_layers and machine.hardware.has_card
        self._loading = asyncio.Lock()
        self._asked_at: dict[str, float] = {}  # name -> monotonic
        self._all: dict[str, Further] = {}
        for entry in (one for one in found if isinstance(one, Entry)):
            engine = make(entry)
            further = Further(entry=entry, engine=engine, generations=NewestGenerations(store_thread, engine))
            engine.child.around_start = partial(self._around_start, further)
            self._all[entry.name] = further
        if self._all:
            main.child.around_start = self._before_main

    @property
    def all(self) -> tuple[Further, ...]:
        """Those that can be asked, in the order of the setting."""
        return tuple(self._all.values())

    @property
    def children(self) -> tuple[Supervisor, ...]:
        """Their supervised processes, for status pages."""
        return tuple(one.engine.child for one in self.all)

    def of(self, name: str) -> Further:
        """The model of this name. Raises `EngineError` for one that can't be used."""
        if (found := self._all.get(name)) is None:
            why = next((one.why for one in self.unusable if one.name == name), f"There is no model {name!r}.")
            raise EngineError(why)
        self._asked_at[name] = time.monotonic()
        return found

    def engine(self, name: str) -> Engine:
        """The engine of the model of this name; of the main one for "". Raises as `of`."""
        return self.of(name).engine if name else self.main

    async def forget(self) -> None:
        """No generation that is tainted answers any more; called when something was forgotten."""
        every = await self._store_thread.run(generations.all)
        tainted = [one.adapter_sha256 for one in every if one.state == "tainted"]
        for one in self.all:
            one.engine.disown(tainted)
            if one.engine.is_running:
                try:
                    await one.generations.settle()
                except ChildError as error:
                    log.warning(
                        "Forgotten; %s loads no tainted adapter when it is well: %s", one.entry.name, error
                    )

    async def woke(self) -> None:
        """The computer slept: processes with a GPU end, as the main one's."""
        for one in self.all:
            await one.engine.woke()

    async def stop(self) -> None:
        """End all processes; calls after this raise `ChildStopped`."""
        await asyncio.gather(*(one.engine.stop() for one in self.all))

    @asynccontextmanager
    async def _around_start(self, further: Further) -> AsyncGenerator[None]:
        """Inside, one model is loaded for which there is room. Raises `NoRoom`."""
        async with self._loading:
            share = await self._make_room(further)
            further.engine.child.hello["gpu_layers"] = share.gpu_layers
            yield

    async def _make_room(self, further: Further) -> Share:
        while True:
            share, free = await self._share(further), self._room()
            fits = share.memory <= free
            if fits and share.is_whole:
                return share
            if await self._retire_one():
                continue
            if fits:
                return share
            raise NoRoom(name=further.entry.name, needed=share.memory, room=free)

    @asynccontextmanager
    async def _before_main(self) -> AsyncGenerator[None]:
        """The main model starts: idle ones make room for it, and it starts whatever comes of that."""
        while self._room() < 0 and await self._retire_one():
            pass
        yield

    def _room(self) -> float:
        running = [(one.entry.needed, one.engine) for one in self.all if one.engine.is_running]
        held = [
            (0 if self._machine.hardware.has_card else needed, self._machine.resident(engine.child.pid))
            for needed, engine in [(self._main_needs, self.main), *running]
        ]
        return room(self._machine.free(), held)

    async def _share(self, further: Further) -> Share:
        if not self._places_layers:
            return Share(
                gpu_layers=further.engine.child.hello["gpu_layers"],
                memory=further.entry.needed,
            )
        kept = 0 if self.main.is_running else self._main_needs
        return await asyncio.to_thread(_on_a_card, further.entry, self._machine.look, kept)

    async def _retire_one(self) -> bool:
        """End the process that nobody has asked for the longest time, of those at rest; whether there was one."""
        idle = [one for one in self.all if one.engine.is_running and not one.engine.child.in_use]
        for one in sorted(idle, key=lambda one: self._asked_at.get(one.entry.name, -inf)):
            if await one.engine.child.retire():
                log.info("%s leaves the memory for another model", one.entry.name)
                return True
        return False


def _on_a_card(entry: Entry, look: Callable[[], Hardware], kept: int) -> Share:
    """As many layers on a card as fit there now. `kept`: bytes of it that stay free for the main model."""
    now = look()
    cards = tuple(replace(card, free=max(card.free - kept, 0)) for card in now.cards)
    header = partial(checked_header, entry.path, entry.chat_template)
    found = plan(replace(now, cards=cards), header, entry.facts.bytes, entry.n_ctx, entry.kv_cache)
    if found.gpu_layers == -1:
        return Share(gpu_layers=-1, memory=0)
    beside = 1 - found.gpu_layers / entry.layers
    return Share(gpu_layers=found.gpu_layers, memory=int(entry.needed * beside), is_whole=False)
