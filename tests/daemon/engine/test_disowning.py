"""Adapters that must never answer again, while the engine process is well, down, or starting."""

import hashlib

import pytest

from daemon.engine.client import Engine, Sampling
from daemon.engine.errors import AdapterUnknown
from daemon.processes.errors import ChildCrashed
from daemon.processes.supervisor import Reply, Supervisor
from tests.daemon.engine.conftest import own_engine

ONE, TWO = b"one", b"two"
FIRST, SECOND = (hashlib.sha256(adapter).hexdigest() for adapter in (ONE, TWO))


class FakeSupervisor(Supervisor):
    """Answers every command, and remembers them; or is down."""

    def __init__(self):
        super().__init__("engine", ["none"], hello={}, idle_s=1.0)
        self.told = []  # (command, adapter)
        self.is_down = False
        self.meanwhile = None  # called once, while a command is answered
        self.ready = {}  # it stands for its process, too

    async def call(self, op, blob=b"", fields=None, **more):
        if self.is_down:
            raise ChildCrashed("engine", exit_code=-9)
        self.told.append((op, (fields or more)["adapter"]))
        if self.meanwhile is not None:
            self.meanwhile, now = None, self.meanwhile
            now()
        return Reply({"swap_ms": 0.1}, b"")

    async def restart(self):
        """What a new process is told before it serves."""
        self.is_down, self.told = False, []
        await self.after_start(self)
        return self.told


async def with_both():
    """An engine with one adapter live and another one loaded."""
    child = FakeSupervisor()
    engine = Engine(child)
    await engine.adopt(ONE)
    await engine.load(TWO)
    return engine, child


async def test_a_disowned_adapter_is_not_restored_after_a_crash():
    engine, child = await with_both()
    child.is_down = True
    engine.disown([FIRST, SECOND])
    found = engine.live, await child.restart()

    assert (None, [("adopt", None)]) == found


async def test_an_adapter_that_is_disowned_while_it_is_swapped_in_does_not_become_live():
    engine, child = await with_both()
    child.meanwhile = lambda: engine.disown([SECOND])
    with pytest.raises(AdapterUnknown):
        await engine.adopt(TWO)
    found = engine.live, await child.restart()

    assert (FIRST, [("load", FIRST), ("adopt", FIRST)]) == found


async def test_an_adapter_may_be_disowned_while_a_new_process_is_told_what_to_load():
    engine, child = await with_both()
    child.meanwhile = lambda: engine.disown([SECOND])
    found = await child.restart()

    assert [("load", FIRST), ("adopt", FIRST)] == found


async def test_a_disowned_adapter_answers_no_request_is_not_taken_again_and_is_freed_with_the_next_swap():
    engine, child = await with_both()
    engine.disown([FIRST])
    for use in (engine.load(ONE), engine.adopt(ONE), engine.complete([], adapter=FIRST)):
        with pytest.raises(AdapterUnknown):
            await use
    await engine.adopt(None)

    assert ("unload", FIRST) == child.told[-1]


async def test_a_real_engine_answers_as_the_base_model_once_its_live_adapter_is_disowned(model, adapters):
    async def said():
        hello = [{"role": "user", "content": "hello there"}]
        return (await engine.complete(hello, sampling=Sampling(max_tokens=24))).text

    async with own_engine(model) as engine:
        base = await said()
        await engine.adopt(adapters[0])
        learned = await said()
        engine.disown([engine.live])

        assert base == await said() != learned
