"""Which models are in memory beside the main one; with real processes, and a machine that says what the test wants."""

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from daemon.engine.client import Engine
from daemon.engine.errors import EngineError
from daemon.engine.model_facts import ModelFacts
from daemon.further_models.entries import Entry, Unusable
from daemon.further_models.pool import MARGIN, FurtherModels, Machine, NoRoom, room
from daemon.hardware.offload_plan import Card, Hardware
from daemon.hardware.sensors import Resident, resident
from daemon.processes.process import module
from daemon.processes.supervisor import Supervisor
from store import generations, memories
from tests.daemon.api.world import DAY
from tests.daemon.echo import until
from tests.fakes import SHA256, FakeEngine
from tests.tiny import write_model

MIB = 2**20
PROCESSOR = Hardware(cores=2, memory=8 * 2**30)


def entry(name, needed=100):
    facts = ModelFacts(
        name=name, architecture="qwen3", quantization="", bytes=needed, n_ctx=512, cannot_learn=None
    )
    return Entry(
        name=name,
        path=Path(f"/m/{name}.gguf"),
        facts=facts,
        n_ctx=512,
        needed=needed * MIB,
        layers=2,
        chat_template="",
        kv_cache="f16",
    )


class Echoing(FakeEngine):
    """An engine whose process is real, and answers nothing."""

    def __init__(self, *, idle_s=3600.0, **hello):
        super().__init__()
        hello |= {"gpu_layers": -1}
        self._child = Supervisor("echo", module("tests.daemon.echo_child"), hello=hello, idle_s=idle_s)

    async def info(self):
        await self._child.start()
        return await super().info()


class Fixed:
    """A machine of so many MiB, on which each running model of ours takes 100 at once."""

    def __init__(self, free):
        self.all, self.engines = free * MIB, []

    def free(self):
        return self.all - sum(100 * MIB for one in self.engines if one.is_running)

    def resident(self, pid):
        return Resident(total=100 * MIB) if pid else Resident()


@asynccontextmanager
async def pool(store_thread, *names, free=10_000, main_needs=100, make=Echoing, **more):
    """A pool of models that take 100 MiB, on a machine with so many MiB besides the margin."""
    machine = Fixed(free)
    main = Echoing()

    def made(one):
        machine.engines.append(make())
        return machine.engines[-1]

    found = [entry(name) for name in names]
    ours = FurtherModels(
        found,
        made,
        store_thread,
        main=main,
        main_needs=main_needs * MIB,
        machine=Machine(
            **{"hardware": PROCESSOR, "free": lambda: machine.free() + MARGIN, "resident": machine.resident}
            | more
        ),
    )
    machine.engines.append(main)
    try:
        yield ours
    finally:
        await asyncio.gather(ours.stop(), main.stop())


def running(ours):
    return [one.entry.name for one in ours.all if one.engine.is_running]


async def test_a_model_is_loaded_when_it_is_asked_for_and_not_before(store_thread):
    async with pool(store_thread, "a", "b") as ours:
        assert [] == running(ours)
        await ours.of("b").engine.info()

        assert ["b"] == running(ours)


async def test_where_memory_is_short_the_one_that_rests_longest_leaves(store_thread):
    async with pool(store_thread, "a", "b", "c", free=300) as ours:  # 100 of them for the main model
        for name in ("b", "a", "b", "c"):
            await ours.of(name).engine.info()

        assert ["b", "c"] == running(ours)
        assert not ours.main.is_running


async def test_one_that_answers_is_never_ended_for_another(store_thread):
    async with pool(store_thread, "a", "b", free=200) as ours:
        asking = asyncio.create_task(ours.of("a").engine.child.call("sleep", seconds=60))
        await until(lambda: running(ours) == ["a"])
        with pytest.raises(NoRoom, match=r"'b' can't be loaded now: it takes about 104.9 MB"):
            await ours.of("b").engine.info()
        assert ["a"] == running(ours)
        asking.cancel()
        await asyncio.wait([asking])
        await ours.of("b").engine.info()

        assert ["b"] == running(ours)


async def test_the_main_models_memory_is_kept_free_while_it_rests_and_is_never_refused(store_thread):
    async with pool(store_thread, "a", free=150) as ours:
        with pytest.raises(NoRoom):
            await ours.of("a").engine.info()
        await ours.main.info()

        assert ours.main.is_running


async def test_when_others_took_the_memory_idle_models_leave_for_the_main_one(store_thread):
    left = [250]
    async with pool(store_thread, "a", free=0) as ours:
        ours._machine = replace(ours._machine, free=lambda: left[0] * MIB + MARGIN)
        await ours.of("a").engine.info()
        left[0] = 20
        await ours.main.info()

        assert ([], True) == (running(ours), ours.main.is_running)


async def test_two_that_are_asked_at_once_do_not_count_on_the_same_memory(store_thread):
    async with pool(store_thread, "a", "b", free=200, make=partial(Echoing, slowly_s=0.3)) as ours:
        asked = [ours.of(name).engine.info() for name in ("a", "b")]
        done = await asyncio.gather(*asked, return_exceptions=True)

        assert ["EngineInfo", "NoRoom"] == sorted(type(one).__name__ for one in done)
        assert 1 == len(running(ours))


async def test_one_that_nobody_asks_leaves_by_itself_and_comes_back_when_asked(store_thread):
    async with pool(store_thread, "a", make=partial(Echoing, idle_s=0.1)) as ours:
        await ours.of("a").engine.info()
        await until(lambda: running(ours) == [])
        await ours.of("a").engine.info()

        assert ["a"] == running(ours)


async def test_on_a_card_others_leave_before_layers_stay_beside_it(store_thread, tmp_path):
    """The model has 2 layers of 50 MiB: beside the main one and another, one of them would have to stay outside."""
    path = write_model(tmp_path / "tiny.gguf")
    free = [1250]

    def look():
        card = Card(name="RTX 2070", total=8000 * MIB, free=free[0] * MIB)
        return replace(PROCESSOR, cards=(card,), offload="CUDA")

    async with pool(store_thread, "a", "b", hardware=look(), look=look) as ours:
        for one in ours.all:
            facts = replace(one.entry.facts, bytes=150 * MIB)
            object.__setattr__(one, "entry", replace(one.entry, path=path, facts=facts))
        await ours.of("a").engine.info()
        assert -1 == ours.of("a").engine.child.hello["gpu_layers"]
        free[0] = 1080  # 900 of it are never used, 100 are for the main model
        await ours.of("b").engine.info()

        assert (["b"], 1) == (running(ours), ours.of("b").engine.child.hello["gpu_layers"])


async def test_a_tainted_generation_leaves_the_further_models_too(store_thread):
    def learn(db):
        memory = memories.add(db, "The user lives in Ghent.", told_on=DAY, sources=[])
        made = generations.propose(db, b"adapter", base_sha256=SHA256, lesson_ids=[])
        db.execute("insert into generation_memories values (?, ?)", (made.id, memory.id))
        generations.adopt(db, made.id, {}, "it knows more")
        return memory.id

    memory_id = await store_thread.run(learn)
    async with pool(store_thread, "a") as ours:
        further = ours.of("a")
        assert 1 == (await further.generations.choose(None)).number
        await further.engine.child.start()
        await store_thread.run(memories.forget, [memory_id])
        await ours.forget()

        assert [b"adapter", None] == further.engine.adopted
        assert 0 == (await further.generations.choose(None)).number


async def test_what_can_not_be_used_says_why_when_it_is_asked_for(store_thread):
    ours = FurtherModels(
        [Unusable(name="x", why="It is broken.")],
        lambda one: Engine(Supervisor("x", ["none"], hello={}, idle_s=1)),
        store_thread,
        main=FakeEngine(),
        main_needs=0,
        machine=Machine(hardware=PROCESSOR),
    )
    with pytest.raises(EngineError, match="It is broken"):
        ours.of("x")


@pytest.mark.parametrize(
    ("held", "left"),
    [
        ([], 1000),
        ([(300, Resident())], 700),  # at rest
        ([(300, Resident(total=200))], 900),  # it will take the rest
        ([(300, Resident(total=300, mapped=250))], 750),  # the system calls mapped pages free
        ([(300, Resident(total=400)), (100, Resident())], 900),
    ],
)
def test_room_is_what_is_free_less_what_the_others_have_a_right_to(held, left):
    sizes = [(needed * MIB, Resident(total=now.total * MIB, mapped=now.mapped * MIB)) for needed, now in held]

    assert left * MIB == room(1000 * MIB + MARGIN, sizes)


def test_what_a_process_has_is_read_and_of_one_that_is_gone_it_is_nothing():
    mine = resident(os.getpid())

    assert 0 < mine.mapped < mine.total
    assert Resident() == resident(None) == resident(2**22 + 1)
