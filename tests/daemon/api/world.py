"""A daemon on a real port with a real store, and stand-ins for the two models."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx

from daemon import app
from daemon.api.application import make_app
from daemon.client.client import Client
from daemon.config.settings import Config, Settings, kinds
from daemon.core import Core
from daemon.embedding.client import Embedder
from daemon.home import Home
from daemon.http_server import Server
from daemon.lifecycle.listen import listen
from daemon.memory.indexing import index_missing
from daemon.profiles.daemons import Daemons
from daemon.services import Services
from daemon.store_thread import StoreThread
from store import generations, lessons, memories, vectors
from store.database import FILE_NAME, Connection, open_store
from store.lessons import NewLesson
from tests.fakes import SHA256, FakeEmbedder, FakeEngine

T = TypeVar("T")
KEY = "tsu-key-of-the-test"
DAY = date(2026, 3, 5)
GHENT, OSLO = "The user lives in Ghent.", "The user lives in Oslo."
QUIET = Config(jobs_every_s=3600.0, observe=False, night=False, inbox=False)  # nothing works by itself


@dataclass(frozen=True, kw_only=True)
class World:
    """One served daemon."""

    services: Services
    engine: FakeEngine
    http: httpx.AsyncClient  # shows the key
    url: str
    store_thread: StoreThread

    async def chat(self, text: str = "hi", **more: Any) -> httpx.Response:
        """One question, answered whole unless `stream` is given."""
        body = {"model": "tsubasa", "messages": [{"role": "user", "content": text}], **more}
        return await self.http.post("/v1/chat/completions", json=body)

    async def remember(self, text: str, *sources: int, day: date = DAY) -> None:
        """A memory that these messages tell."""
        await self.store_thread.run(memories.add, text, told_on=day, sources=sources)

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the store holds."""
        return await self.store_thread.run(lambda db: list(db.execute(sql)))


@asynccontextmanager
async def serving(
    folder: Path,
    engine: FakeEngine | None = None,
    embedder: Embedder | None = None,
    profiles: Callable[[Services], Daemons] | None = None,
    **config: Any,
) -> AsyncIterator[World]:
    """Serve from `folder`; background work is done only when the test asks for it. `profiles`: stand-ins for theirs."""
    engine = engine or FakeEngine()
    store_thread = StoreThread(partial(open_store, folder / FILE_NAME, b"k" * 32))
    await store_thread.open()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store_thread.close)
        services = await build(folder, store_thread, engine, stack, embedder, **config)
        services = replace(services, profiles=profiles(services)) if profiles else services
        ready = asyncio.Event()
        server = Server(make_app(services), on_serving=ready.set, on_leaving=services.conversations.stop)
        socket = stack.enter_context(closing(listen("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        task = asyncio.create_task(server.serve(sockets=[socket]))
        await ready.wait()
        headers = {"authorization": f"Bearer {KEY}"}
        try:
            async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=20) as http:
                yield World(services=services, engine=engine, http=http, url=url, store_thread=store_thread)
        finally:
            server.leave()
            await task


async def build(
    folder: Path,
    store_thread: StoreThread,
    engine: FakeEngine,
    stack: AsyncExitStack,
    embedder: Embedder | None = None,
    **config: Any,
) -> Services:
    """The parts of a daemon in `folder`, with stand-ins for the models."""
    embedder = embedder or FakeEmbedder()
    await store_thread.run(vectors.prepare, "fake", (await embedder.info()).dimension)
    home = Home(folder)
    home.api_key.write_text(KEY, encoding="utf-8")
    settings = Settings(config=replace(QUIET, **config), origin=dict.fromkeys(kinds(), "default"))
    core = Core(store_thread=store_thread, engine=engine, embedder=embedder)
    return await app.build(settings, home, core, folder / "fake.gguf", stack)


async def scene(
    folder: Path, prepare: Callable[[World], Awaitable[None]], act: Callable[[Client], T], **config: Any
) -> T:
    """Serve, let `prepare(world)` fill the store, then run `act(client)` in a thread of its own."""
    async with serving(folder, **config) as world:
        await prepare(world)
        with Client(world.url, KEY, home=folder) as client:
            return await asyncio.to_thread(act, client)


async def moved_house(world: World) -> None:
    """A message, a memory of it, and the memory that replaced it."""
    await world.chat("I moved from Ghent to Oslo.")

    def fill(db: Connection) -> None:
        old = memories.add(db, GHENT, told_on=DAY, sources=[1])
        memories.reconcile(db, old, OSLO, told_on=date(2026, 10, 3), sources=[1])

    await world.store_thread.run(fill)
    await index_missing(world.store_thread, world.services.embedder)


async def nothing(world: World) -> None:
    """An empty store."""


async def two_generations(world: World) -> None:
    """Generation 1 was adopted, 2 refused."""

    def fill(db: Connection) -> None:
        for number in (1, 2):
            generations.propose(db, b"adapter %d" % number, base_sha256=SHA256, lesson_ids=[])
        generations.adopt(db, 1, {}, "it knows more")
        generations.refuse(db, 2, {}, "it knows less")

    await world.store_thread.run(fill)


def teach(db: Connection, text: str, question: str, answer: str, *, sources: tuple[int, ...] = ()) -> None:
    """A memory of which one lesson was made, and a live generation that has learned it."""
    memory = memories.add(db, text, told_on=DAY, sources=sources)
    lesson = NewLesson(
        question=question, answer=answer, grounding=None, kind="fact", split="train", memory_ids=(memory.id,)
    )
    ids = lessons.add(db, [lesson])
    made = generations.propose(db, text.encode(), base_sha256=SHA256, lesson_ids=ids)
    generations.adopt(db, made.id, {}, "it knows more")
