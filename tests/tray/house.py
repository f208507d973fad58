"""A daemon with stand-ins for its models, serving in a thread, announced in a home: what the icon connects to."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from daemon import home as homes
from daemon.client.client import Client
from daemon.client.transport import PATIENCE_S
from daemon.home import Home, Running
from tests.daemon.api.world import KEY, World, serving, two_generations
from tests.fakes import FakeEngine


class House:
    """One daemon, and its own client."""

    def __init__(self, world: World, loop: asyncio.AbstractEventLoop, home: Home) -> None:
        self.world, self.home = world, home
        self._loop = loop

    def client(self, *, patience_s: float = PATIENCE_S) -> Client:
        return Client(self.world.url, KEY, home=self.home.path, patience_s=patience_s)

    def ask(self, what: str, **given: Any) -> Any:
        """One request of our own client."""
        with self.client() as client:
            return getattr(client, what)(**given)

    @contextmanager
    def held_up(self, s: float) -> Iterator[None]:
        """For so long, nothing is forgotten and no answer begins."""
        begun = threading.Event()

        async def hold() -> None:
            async with self.world.services.conversations.silence():
                begun.set()
                await asyncio.sleep(s)

        holding = asyncio.run_coroutine_threadsafe(hold(), self._loop)
        begun.wait()
        yield
        holding.result()

    def logging(self) -> bool:
        return bool(self.ask("status")["logging"]["on"])


@contextmanager
def house(folder: Path, engine: FakeEngine | None = None) -> Iterator[House]:
    """Serve with generations 1 (live) and 2 (refused)."""
    folder.mkdir(exist_ok=True)
    ready, leave = threading.Event(), asyncio.Event()
    made: list[House] = []

    async def serve() -> None:
        async with _announced(folder, engine) as world:
            made.append(House(world, asyncio.get_running_loop(), Home(folder)))
            ready.set()
            await leave.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    while not ready.wait(0.1):
        assert thread.is_alive(), "the daemon did not start"
    try:
        yield made[0]
    finally:
        made[0]._loop.call_soon_threadsafe(leave.set)
        thread.join(60)


@asynccontextmanager
async def _announced(folder: Path, engine: FakeEngine | None) -> AsyncIterator[World]:
    home = Home(folder)
    async with serving(folder, engine) as world:
        if not (await world.services.generations.all()):
            await two_generations(world)
        home.api_key.write_text(KEY + "\n")
        port = int(world.url.rsplit(":", 1)[1])
        homes.announce(home, Running(pid=os.getpid(), port=port, url=world.url))
        try:
            yield world
        finally:
            homes.withdraw(home)
