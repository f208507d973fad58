"""
The composition: settings and a home in, a serving daemon out, and everything stopped again in the right
order.

    lock -> port -> store -> model, embedder -> live generation -> jobs, inbox -> serve -> signal -> stop

Promises: nothing is announced before it works; SIGTERM and SIGINT end it in peace: open answers are
committed first. Knows nothing of how any part does its work.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from daemon import home as homes
from daemon.api.routes import make_app
from daemon.config import Config, Settings
from daemon.conversation import Conversations
from daemon.embedder import Embedder
from daemon.engine.client import Engine
from daemon.errors import BadValue, ModelMissing
from daemon.generations import Generations
from daemon.home import Home, HomeLock, Running
from daemon.inbox.take_in import TakenIn
from daemon.inbox.watch import Inbox
from daemon.jobs import Kind, Runner
from daemon.keeper import Keeper
from daemon.night.machine import Sensors
from daemon.night.nights import Nights
from daemon.night.pause import Gate
from daemon.night.unlearning import Unlearning
from daemon.night.when import read_when
from daemon.server import Server, listen
from daemon.services import Services
from daemon.web.door import Door
from daemon.work import Indexing, Tending
from store import nights as past_nights
from store import vectors
from store.database import open_store
from store.keys import load_or_create_key

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What a person wants to know when the daemon is up."""

    running: Running
    home: Home
    model: str  # the model's own name
    model_path: Path
    is_nano: bool  # the stand-in answers, for no model was chosen
    generation: int


async def serve(
    settings: Settings, home: Home, *, on_serving: Callable[[Serving], None], reindex: bool = False
) -> None:
    """
    Serve until SIGTERM or SIGINT; `on_serving` is called once, when requests are answered.

    Args:
        reindex: make all vectors anew, for another embedder; the old ones are kept until that is done.

    Raises:
        DaemonError, StoreError, ChildError: the daemon can't start; nothing is left running.
    """
    leave = _Leaving()
    async with AsyncExitStack() as stack:
        lock = HomeLock(home)
        lock.take()
        stack.callback(lock.release)
        homes.withdraw(home)  # what a killed daemon announced
        config = settings.config
        listening = stack.enter_context(closing(listen(config.host, config.port)))
        services = await _start(settings, home, stack, reindex)
        running = _running(config.host, listening.getsockname()[1])
        serving = await _serving(services, running, is_nano=not config.model)

        def up() -> None:
            homes.announce(home, running)
            on_serving(serving)

        stack.callback(homes.withdraw, home)
        door = Door(services.api_key, home.path)
        stack.push_async_callback(door.close)

        async def leaving() -> None:
            await services.conversations.stop()
            await door.close()

        server = Server(make_app(services, door), on_serving=up, on_leaving=leaving)
        leave.server = server
        await server.serve(sockets=[listening])
        log.info("Stopping")


async def _start(settings: Settings, home: Home, stack: AsyncExitStack, reindex: bool) -> Services:
    """Start all parts; `stack` stops them in the opposite order."""
    config = settings.config
    model_path = find_model(config, settings.origin["model"])
    keeper = Keeper(lambda: open_store(home.store, load_or_create_key(home.path, keyring=config.keyring)))
    stack.push_async_callback(keeper.close)
    await keeper.open()
    engine = Engine.for_model(
        model_path,
        n_ctx=config.n_ctx,
        threads=config.threads,
        gpu_layers=config.gpu_layers,
        idle_s=config.idle_s,
    )
    stack.push_async_callback(engine.stop)
    embedder = Embedder.for_model(config.embedder, allow_download=config.downloads, idle_s=config.idle_s)
    stack.push_async_callback(embedder.stop)
    generations = Generations(keeper, engine)
    vectors_of, _ = await asyncio.gather(embedder.info(), generations.model())  # both take seconds to start
    prepare = vectors.reindex if reindex else vectors.prepare
    await keeper.run(prepare, vectors_of.id, vectors_of.dimension)
    await keeper.run(vectors.warm)
    await keeper.run(past_nights.recover)
    await generations.settle()
    recall_k = config.recall_k if config.recall else 0
    gate = Gate()
    conversations = Conversations(keeper, engine, embedder, generations, recall_k=recall_k, gate=gate)
    stack.push_async_callback(conversations.stop)
    tending = Tending(
        keeper, engine, embedder, quiet_s=config.quiet_s, by_itself=config.observe, way=config.evolve
    )
    api_key = homes.load_or_create_api_key(home)
    unlearning = Unlearning(keeper, engine)
    stack.push_async_callback(unlearning.stop)
    nights = await _start_nights(config, home, keeper, engine, model_path, gate, unlearning)
    runner = await _start_jobs(config, home, stack, keeper, embedder, tending, nights)
    await runner.order("index", {})  # what a crash or a new embedder left without vectors
    return Services(
        settings=settings,
        home=home,
        api_key=api_key,
        model_path=model_path,
        keeper=keeper,
        engine=engine,
        embedder=embedder,
        generations=generations,
        conversations=conversations,
        runner=runner,
        tending=tending,
        nights=nights,
        unlearning=unlearning,
        started_at=datetime.now(UTC),
    )


async def _start_nights(
    config: Config,
    home: Home,
    keeper: Keeper,
    engine: Engine,
    model_path: Path,
    gate: Gate,
    unlearning: Unlearning,
) -> Nights:
    nights = Nights(
        keeper,
        engine,
        model_path=model_path,
        home=home.path,
        when=read_when(config.night_when),
        by_itself=config.night,
        quiet_s=config.quiet_s,
        since=homes.made_at(home),
        gate=gate,
        read_machine=Sensors().read,
        unlearning=unlearning,
    )
    await nights.start()
    return nights


async def _start_jobs(
    config: Config,
    home: Home,
    stack: AsyncExitStack,
    keeper: Keeper,
    embedder: Embedder,
    tending: Tending,
    nights: Nights,
) -> Runner:
    indexing = Indexing(keeper, embedder)
    kinds = {
        "index": Kind(work=indexing.work, due=indexing.due),
        "tend": Kind(work=tending.work, due=tending.due),
        "night": Kind(work=nights.work, due=nights.due),
    }
    runner = Runner(keeper, kinds, every_s=config.jobs_every_s)
    stack.push_async_callback(runner.stop)
    await runner.start()

    async def taken_in(taken: TakenIn) -> None:
        if taken.turns or taken.memories:
            await runner.order("index", {})

    if config.inbox:
        inbox = Inbox(home.inbox, keeper, on_taken=taken_in, largest=config.largest_import)
        stack.push_async_callback(inbox.stop)
        await inbox.start()
    return runner


def find_model(config: Config, origin: str) -> Path:
    """The model's file: the configured one, else the bundled nano. Raises `BadValue`, `ModelMissing`."""
    try:
        path = Path(config.model).expanduser().absolute() if config.model else nano()
    except RuntimeError as error:  # ~somebody
        raise BadValue(
            origin, "model", config.model, "the path of a GGUF file, of a user who exists"
        ) from error
    if not path.is_file():
        raise ModelMissing(path, "model, " + origin if config.model else "the bundled nano")
    return path


def nano() -> Path:
    """Where the bundled model lies."""
    return Path(str(files("models"))) / "nano" / "nano.gguf"


def _running(host: str, port: int) -> Running:
    name = f"[{host}]" if ":" in host else host
    return Running(pid=os.getpid(), port=port, url=f"http://{name}:{port}")


async def _serving(services: Services, running: Running, *, is_nano: bool) -> Serving:
    live = await services.generations.live()
    return Serving(
        running=running,
        home=services.home,
        model=(await services.generations.model()).name,
        model_path=services.model_path,
        is_nano=is_nano,
        generation=live.id if live else 0,
    )


class _Leaving:
    """SIGTERM and SIGINT: end the start-up that is under way, or the server once it serves."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self._starting = asyncio.current_task()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        if self.server is not None:
            self.server.leave()
        elif self._starting is not None:
            self._starting.cancel()
