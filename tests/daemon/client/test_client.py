"""Our own clients: what the daemon answers, and where something else or nothing answers."""

import asyncio
import socket
from contextlib import aclosing, asynccontextmanager

import pytest

from daemon.client import calls
from daemon.client.client import Client
from daemon.client.transport import AsyncClient
from daemon.errors import DaemonError, NoSuchConfirmation, NotAnsweredYet, NotRunning, Refused
from tests.daemon.api.world import KEY, serving
from tests.daemon.client.listener import Listener, fixed
from tests.daemon.other_program import other_program
from tests.fakes import FakeEngine

HI = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    "answer", [b"<html>It works!</html>", b"[1]", b"\xff", b'{"proof":"%s"}' % (b"0" * 64)]
)
@pytest.mark.parametrize(
    "ask", [Client.status, Client.tend, lambda client: list(client.chat([]))], ids=["get", "post", "chat"]
)
def test_another_program_on_the_port_is_named_as_the_reason(tmp_path, answer, ask):
    with (
        other_program(answer) as url,
        Client(url, "key", home=tmp_path) as client,
        pytest.raises(NotRunning, match="another program listens there"),
    ):
        ask(client)


def asked_of(url):
    """What the daemon at `url` answers, which does not know who asks."""

    def answer(request):
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as daemon:
            daemon.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            daemon.settimeout(3)
            return b"".join(iter(lambda: daemon.recv(65536), b""))  # head and body come apart

    return answer


SECRET = [{"role": "user", "content": "my secret is Xanadu"}]
ASKS = [
    lambda client: list(client.chat(SECRET)),
    lambda client: client.add("my secret is Xanadu"),
    Client.status,
]


@pytest.mark.parametrize("ask", ASKS, ids=["chat", "post", "get"])
@pytest.mark.parametrize(
    "answer",
    [
        fixed(b"{}"),
        fixed(b'{"proof":"%s"}' % (b"0" * 64)),
        lambda _: b"SSH-2.0-OpenSSH_9.2\r\n",
        lambda _: b"\0" * 9000,
        lambda _: b"",
    ],
    ids=["empty", "wrong", "no http", "noise", "silent"],
)
def test_who_cannot_prove_that_it_knows_the_key_is_told_nothing(tmp_path, ask, answer):
    with Listener(answer) as thief, Client(thief.url, KEY, home=tmp_path, patience_s=0.5) as client:
        with pytest.raises(NotRunning, match="listens there.*nothing was told to it") as caught:
            ask(client)
        told = thief.told

    assert not isinstance(caught.value, NotAnsweredYet)
    assert told.startswith(b"GET /tsubasa/identity/")
    assert (False, False, False) == (
        KEY.encode() in told,
        b"Xanadu" in told,
        b"authorization" in told.lower(),
    )


async def test_a_daemon_elsewhere_proves_for_nobody_else(tmp_path):
    def ask(url):
        with Listener(asked_of(url)) as thief, Client(thief.url, KEY, home=tmp_path, patience_s=5) as client:
            with pytest.raises(NotRunning, match="another program listens there"):
                list(client.chat(SECRET))
            return thief.told

    async with serving(tmp_path) as world:
        told = await asyncio.to_thread(ask, world.url)

    assert (False, False) == (KEY.encode() in told, b"Xanadu" in told)


async def test_a_client_that_was_served_tells_nothing_to_who_takes_the_port_later(tmp_path):
    async with serving(tmp_path) as world:
        client, page = Client(world.url, KEY, home=tmp_path), AsyncClient(world.url, KEY, home=tmp_path)
        await asyncio.to_thread(client.status)
        await page.ask(calls.status())
    with Listener(fixed(b"{}"), int(world.url.rpartition(":")[2])) as thief:
        with client, pytest.raises(NotRunning):
            await asyncio.to_thread(client.add, "my secret is Xanadu")
        with pytest.raises(NotRunning):
            await page.ask(calls.add("my secret is Xanadu"))
        await page.close()
        told = thief.told

    assert b"/tsubasa/identity/" in told
    assert (False, False) == (KEY.encode() in told, b"Xanadu" in told)


async def test_an_answer_that_does_not_come_is_not_told_as_a_daemon_that_is_gone(tmp_path):
    engine = FakeEngine("never")
    engine.go_on = asyncio.Event()
    async with serving(tmp_path, engine=engine) as world:
        with Client(world.url, KEY, home=tmp_path, patience_s=3) as client:
            with pytest.raises(NotAnsweredYet, match=r"has not answered within 3 s\. It may be at work"):
                await asyncio.to_thread(lambda: list(client.chat(HI)))


@pytest.mark.parametrize(
    ("typed", "why"), [("x" * 100_000, "too long for one question"), ("\udcff", "bytes that are no text")]
)
def test_a_search_that_fits_into_no_address_is_told_in_one_line(tmp_path, typed, why):
    with Client("http://127.0.0.1:1", "key", home=tmp_path) as client, pytest.raises(DaemonError, match=why):
        client.memories(search=typed)


@pytest.mark.parametrize("id", ["", "..", "a/b", "1\x1b[31m", "\udcff", "?"])
def test_a_confirmation_whose_id_can_be_none_is_not_asked_for(tmp_path, id):
    with Client("http://127.0.0.1:1", "key", home=tmp_path) as client:
        for ask in (client.confirmation, lambda id: client.confirm(id, True)):
            with pytest.raises(NoSuchConfirmation):
                ask(id)


@asynccontextmanager
async def async_client(url, home):
    """The client of the page, which waits on the event loop."""
    client = AsyncClient(url, KEY, home=home)
    try:
        yield client
    finally:
        await client.close()


async def test_what_the_daemon_answers_and_refuses_arrives(tmp_path):
    async with serving(tmp_path) as world, async_client(world.url, tmp_path) as client:
        found = await client.ask(calls.memories())
        with pytest.raises(Refused, match="no memory 99"):
            await client.ask(calls.why(99))
        chunks = [chunk async for chunk in client.chunks(HI)]

    assert [] == found["memories"]
    assert "Hello." == "".join(
        one["delta"].get("content", "") for chunk in chunks for one in chunk["choices"]
    )
    assert ["tsubasa" in chunks[0], "usage" in chunks[-1]] == [True, True]


async def test_a_daemon_that_is_gone_is_said_to_be(tmp_path):
    async with async_client("http://127.0.0.1:1", tmp_path) as client:
        with pytest.raises(NotRunning):
            await client.ask(calls.status())
        with pytest.raises(NotRunning):
            await anext(client.chunks(HI))


async def test_an_answer_that_nobody_listens_to_any_more_stops_the_engine_at_once(tmp_path):
    engine = FakeEngine("word", "never")
    engine.go_on = asyncio.Event()  # never set: the second word would take for ever
    async with serving(tmp_path, engine=engine) as world, async_client(world.url, tmp_path) as client:
        async with aclosing(client.chunks(HI)) as chunks:
            async for chunk in chunks:
                if chunk["choices"][0]["delta"].get("content"):
                    break
        await asyncio.wait_for(engine.cancelled.wait(), 5)

    assert engine.cancelled.is_set()
