"""
The first steps of a daemon: what must not wait for the rest of the program to be loaded.

    lock -> port -> engine, in a process of its own ──────┐
                 `─> import of all else ─> `app.py`: store ┴─> live generation ─> serve ─> announce ─> background work

Nothing is announced before it works. SIGTERM and SIGINT end it in peace: open answers are committed first. The
embedder takes many times as long as all else: it starts with the background work.
"""

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from daemon import home as homes
from daemon.config.default_model import LITTLE, little, model_file, nano_stands_in
from daemon.config.settings import Config, Settings, use_time_zone
from daemon.engine.client import Engine
from daemon.errors import ConfigError, bad_value
from daemon.home import Home, HomeLock, Running
from daemon.lifecycle.ending import After
from daemon.lifecycle.listen import listen_on_both
from daemon.lifecycle.systemd_notify import Heartbeat
from daemon.processes.supervisor import ignore_failure
from daemon.profiles.below import Parent
from daemon.sandbox.memory_guard import stay_out_of_swap
from daemon.store_thread import StoreThread

if TYPE_CHECKING:
    from daemon.http_server import Server
    from daemon.services import Services
    from store.database import Connection

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
    further: tuple[str, ...]  # names of the models beside it
    unusable: tuple[str, ...]  # why others can't be used, a line each


async def serve(
    settings: Settings,
    home: Home,
    *,
    on_serving: Callable[[Serving], None],
    reindex: bool = False,
    is_below: bool = False,
) -> After:
    """
    Serve until SIGTERM, SIGINT, or the page ends it; what is to be done then ("": nothing).

    `on_serving` is called once, when requests are answered.

    Args:
        reindex: make all vectors again, for another embedder; the old ones are kept until that is done.
        is_below: a profile, for the daemon at the other end of our standard input, with which it ends.

    Raises:
        DaemonError, StoreError, ChildError: the daemon can't start; nothing is left running.
    """
    _begin(settings)
    leave = _Leaving()
    parent = Parent(leave.begin) if is_below else None
    heartbeat = Heartbeat.of_this_process()
    async with AsyncExitStack() as stack:
        _lock(home, stack)
        config = settings.config
        sockets = [stack.enter_context(closing(one)) for one in listen_on_both(config.host, config.port)]
        engine, model_path = _engine(settings, home, stack)
        store_thread = StoreThread(lambda: _open(home, config))
        stack.push_async_callback(store_thread.close)
        # a second of imports, in which the engine reads its model
        await asyncio.gather(asyncio.to_thread(import_module, "daemon.app"), store_thread.open())
        from daemon import app

        core = await app.open_core(config, store_thread, engine, stack, reindex=reindex)
        services = await app.build(settings, home, core, model_path, stack)
        parts = await app.serving(services, stack, parent)
        app.watch(services, heartbeat, stack)
        running = _running(config.host, sockets[0].getsockname()[1])
        serving = await _serving(services, running, is_nano=nano_stands_in(home, config.model))

        def up() -> None:
            homes.announce(home, running)
            heartbeat.ready(running.url)
            on_serving(serving)
            gc.freeze()
            gc.enable()
            work.begin(server)

        stack.callback(homes.withdraw, home)
        work = Work(parts.begin_work)
        stack.push_async_callback(work.ended)
        leave.server = server = parts.server(up)
        await server.serve(sockets=sockets)
        after = services.ending.after
        if after != "restart":  # else the same process goes on
            heartbeat.stopping()
        log.info("Stopping")
    return after


def _begin(settings: Settings) -> None:
    use_time_zone(settings.config, settings.origin["time_zone"])
    stay_out_of_swap()
    gc.disable()  # what is imported stays: looking for garbage in it takes a sixth of the start


def _lock(home: Home, stack: AsyncExitStack) -> None:
    """Have the home for us alone; raises `HomeInUse`."""
    lock = HomeLock(home)
    lock.take()
    stack.callback(lock.release)
    homes.withdraw(home)  # what a killed daemon announced


def _engine(settings: Settings, home: Home, stack: AsyncExitStack) -> tuple[Engine, Path]:
    """The engine, started: its process works while we do."""
    config = settings.config
    model_path = find_model(config, settings.origin["model"], home)
    engine = Engine.for_model(
        model_path,
        n_ctx=config.n_ctx,
        threads=config.threads,
        gpu_layers=config.gpu_layers,
        idle_s=config.idle_s,
        chat_template=config.chat_template,
        kv_cache=config.kv_cache,
        flash_attention=config.flash_attention,
    )
    stack.push_async_callback(engine.stop)
    starting = asyncio.create_task(engine.info(), name="engine")
    starting.add_done_callback(ignore_failure)  # the next call for the model raises what failed
    return engine, model_path


def _open(home: Home, config: Config) -> "Connection":
    """The store; in the store's thread, and so are its imports."""
    from store.backup import before_migration
    from store.database import open_store
    from store.errors import StoreFull
    from store.keys import load_or_create_key
    from store.switch import settle

    if said := settle(home.store):
        log.warning("%s", said)
    key = load_or_create_key(home.path, keyring=config.keyring)
    try:
        if made := before_migration(home.store, key, home.backups):
            log.info("The store is brought up to date; what it was before: %s", made)
    except StoreFull as error:  # each step of a migration happens whole or not at all
        log.warning("The store is brought up to date without a backup: %s", error)
    return open_store(home.store, key)


def find_model(config: Config, origin: str, home: Home) -> Path:
    """The model's file: the configured one, else little of the home, else the bundled nano. Raises `ConfigError`."""
    try:
        path = model_file(home, config.model)
    except RuntimeError as error:  # ~somebody
        raise bad_value(
            origin, "model", config.model, "the path of a GGUF file, of a user who exists"
        ) from error
    try:
        is_there = path.is_file()
    except OSError as error:
        allowed = f"the path of a GGUF file that can be read ({error.strerror})"
        raise bad_value(origin, "model", str(path), allowed) from error
    if not is_there and path == little(home):
        raise ConfigError(f"There is no {LITTLE} in {home.models} yet. Make it: tsubasa pull {LITTLE}")
    if not is_there:
        key = f"model, {origin}" if config.model else "the bundled nano"
        raise ConfigError(
            f"No model file at {path} (from {key}). Set TSUBASA_MODEL to a GGUF file, "
            f"or unset it to start with the bundled nano."
        )
    return path


def _running(host: str, port: int) -> Running:
    name = f"[{host}]" if ":" in host else host
    return Running(pid=os.getpid(), port=port, url=f"http://{name}:{port}")


async def _serving(services: "Services", running: Running, *, is_nano: bool) -> Serving:
    live = await services.generations.live()
    return Serving(
        running=running,
        home=services.home,
        model=(await services.generations.model()).name,
        model_path=services.model_path,
        is_nano=is_nano,
        generation=live.id if live else 0,
        further=tuple(one.entry.name for one in services.further.all),
        unusable=tuple(one.why for one in services.further.unusable),
    )


class _Leaving:
    """SIGTERM, SIGINT, and the end of a parent: end the start-up that is under way, or the server once it serves."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self._starting = asyncio.current_task()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.begin)

    def begin(self) -> None:
        """End it, whatever it does now."""
        if self.server is not None:
            self.server.leave()
        elif self._starting is not None:
            self._starting.cancel()


class Work:
    """The background work: begins once requests are answered, and ends the daemon when it can't begin."""

    def __init__(self, begin: Callable[[], Awaitable[None]]) -> None:
        self._begin = begin
        self._task: asyncio.Task[None] | None = None

    def begin(self, server: "Server") -> None:
        """Begin, while requests are answered."""
        self._task = asyncio.create_task(self._or_leave(server), name="begin")

    async def ended(self) -> None:
        """End what is begun just now; raises what it could not begin for."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _or_leave(self, server: "Server") -> None:
        try:
            await self._begin()
        except BaseException:
            server.leave()
            raise
