"""The client of the page, which waits on the event loop."""

import asyncio
from contextlib import aclosing

import pytest

from daemon.client import calls
from daemon.client.transport import AsyncClient
from daemon.errors import NotRunning, Refused
from tests.daemon.api.world import KEY, serving
from tests.fakes import FakeEngine

HI = [{"role": "user", "content": "hi"}]


@pytest.fixture
async def open_client(tmp_path):
    """Opens a client of the daemon at an address."""
    opened = []

    def open_one(url):
        opened.append(AsyncClient(url, KEY, home=tmp_path))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.close()


async def test_what_the_daemon_answers_and_refuses_arrives(tmp_path, open_client):
    async with serving(tmp_path) as world:
        client = open_client(world.url)
        found = await client.ask(calls.memories())
        with pytest.raises(Refused, match="no memory 99"):
            await client.ask(calls.why(99))
        chunks = [chunk async for chunk in client.chunks(HI)]

    assert [] == found["memories"]
    assert "Hello." == "".join(
        one["delta"].get("content", "") for chunk in chunks for one in chunk["choices"]
    )
    assert ["tsubasa" in chunks[0], "usage" in chunks[-1]] == [True, True]


async def test_a_daemon_that_is_gone_is_said_to_be(open_client):
    client = open_client("http://127.0.0.1:1")
    with pytest.raises(NotRunning):
        await client.ask(calls.status())
    with pytest.raises(NotRunning):
        async for _ in client.chunks(HI):
            pass


async def test_an_answer_that_nobody_listens_to_any_more_stops_the_engine_at_once(tmp_path, open_client):
    engine = FakeEngine("word", "never")
    engine.go_on = asyncio.Event()  # never set: the second word would take for ever
    async with serving(tmp_path, engine=engine) as world:
        async with aclosing(open_client(world.url).chunks(HI)) as chunks:
            async for chunk in chunks:
                if chunk["choices"][0]["delta"].get("content"):
                    break
        await asyncio.wait_for(engine.cancelled.wait(), 5)

    assert engine.cancelled.is_set()
