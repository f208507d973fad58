"""The page's way to the daemon."""

import asyncio
import threading

import pytest

from daemon.errors import NotRunning, Refused
from daemon.web.backend import Backend
from tests.daemon.api.world import KEY, serving
from tests.fakes import FakeEngine


async def test_what_the_daemon_tells_and_refuses_arrives(tmp_path):
    async with serving(tmp_path) as world:
        backend = Backend(world.url, KEY, home=tmp_path)
        found = await backend.ask(lambda client: client.memories())
        with pytest.raises(Refused, match="no memory 99"):
            await backend.ask(lambda client: client.why(99))
        texts = [
            chunk
            async for chunk in backend.stream(lambda client: client.chat([{"role": "user", "content": "hi"}]))
        ]
        backend.close()
        result = found["memories"], "".join(texts)

    assert ([], "Hello.") == result


async def test_a_daemon_that_is_gone_is_said_to_be(tmp_path):
    backend = Backend("http://127.0.0.1:1", KEY, home=tmp_path)
    try:
        with pytest.raises(NotRunning):
            await backend.ask(lambda client: client.status())
        with pytest.raises(NotRunning):
            async for _ in backend.stream(lambda client: client.chat([{"role": "user", "content": "hi"}])):
                pass
    finally:
        backend.close()


async def test_who_stops_listening_ends_the_stream(tmp_path):
    ended = threading.Event()

    def endless(_):
        try:
            while True:
                yield 1
        finally:
            ended.set()

    backend = Backend("http://127.0.0.1:1", KEY, home=tmp_path)
    stream = backend.stream(endless)
    await anext(stream)
    await stream.aclose()
    stopped = await asyncio.to_thread(ended.wait, 10)
    backend.close()

    assert stopped


async def test_an_answer_that_nobody_listens_to_any_more_stops_the_engine_at_once(tmp_path):
    engine = FakeEngine("word", "never")

    engine.go_on = asyncio.Event()  # never set: the second word would take for ever
    async with serving(tmp_path, engine=engine) as world:
        backend = Backend(world.url, KEY, home=tmp_path)
        stream = backend.stream(lambda client: client.chat([{"role": "user", "content": "hi"}]))
        await anext(piece async for piece in stream if piece)
        await stream.aclose()
        await asyncio.wait_for(engine.cancelled.wait(), 5)
        backend.close()

    assert engine.cancelled.is_set()


async def test_one_slow_answer_does_not_hold_the_others_up(tmp_path):
    backend = Backend("http://127.0.0.1:1", KEY, home=tmp_path)
    go_on = threading.Event()
    slow = asyncio.create_task(backend.ask(lambda _: go_on.wait(10)))
    quick = await backend.ask(lambda _: "quick")
    go_on.set()
    was_waited_for = await slow
    backend.close()
    found = quick, was_waited_for

    assert ("quick", True) == found
