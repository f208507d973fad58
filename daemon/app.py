"""
The composition: an open store, two models and settings in; all parts of a daemon out.

    open_core ──> build ──> serving, watch ──> background work begins

Nothing works by itself before `begin_work`; what was started is stopped in the opposite order by the exit stack.
Nothing here waits for the embedder, but a re-index that was asked for. Tests call `build` with models of their own.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from daemon import home as homes
from daemon.api.application import make_app
from daemon.api.page.lazy_page import LazyPage
from daemon.backups.nightly import Backups
from daemon.chat.conversation import Conversations
from daemon.chat.saved_prompts import SavedPrompts
from daemon.chat.titles import Titles
from daemon.config.night_window import read_when
from daemon.config.settings import Config, Settings
from daemon.confirmations import Confirmations
from daemon.core import Core
from daemon.downloads.pull_process import PullProcess
from daemon.embedding.choices import resolved
from daemon.embedding.client import Embedder
from daemon.engine.client import Engine
from daemon.forgetting.forget import Forgetting
from daemon.forgetting.verification import Unlearning
from daemon.further_models.entries import Entry, Unusable
from daemon.further_models.entries import read as read_further
from daemon.further_models.pool import FurtherModels, Machine
from daemon.generations.service import Generations
from daemon.hardware.offload_plan import FITS, Hardware, look
from daemon.hardware.sensors import Sensors
from daemon.home import Home
from daemon.http_server import Server
from daemon.idle_work import MemoryConsolidation
from daemon.inbox.importer import TakenIn
from daemon.inbox.watch import Inbox
from daemon.jobs import Kind, Runner
from daemon.lifecycle.ending import Ending
from daemon.lifecycle.suspend import SleepWatch, system_clock
from daemon.lifecycle.systemd_notify import Heartbeat
from daemon.memory.approval import drop_forgotten
from daemon.memory.indexing import Indexing
from daemon.night.night_job import Nights, NightSettings
from daemon.night.pace import Paces
from daemon.night.pipeline import NightServices
from daemon.night.trainer_process import TrainerCommand
from daemon.processes.foreground_gate import ForegroundGate
from daemon.profiles.below import Parent, Retirement
from daemon.profiles.daemons import Daemons, command
from daemon.services import Services
from daemon.store_thread import StoreThread
from store import database, keys, vectors
from store import nights as past_nights
from store.errors import StoreFull, StoreUnusable

log = logging.getLogger(__name__)

ROOM_EVERY_S = 10.0  # a full disk is looked at again


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A daemon that is whole and does not serve yet."""

    server: Callable[[Callable[[], None]], Server]  # given what to call once it serves
    begin_work: Callable[[], Awaitable[None]]  # to be called then


async def open_core(
    config: Config, store_thread: StoreThread, engine: Engine, stack: AsyncExitStack, *, reindex: bool
) -> Core:
    """Add an embedder, which starts when it is needed. `reindex`: make all vectors again, of this embedder."""
    embedder = Embedder.for_model(config.embedder, allow_download=config.downloads, idle_s=config.idle_s)
    stack.push_async_callback(embedder.stop)
    if reindex:
        made = await embedder.info()
        await store_thread.run(vectors.reindex, made.id, made.dimension)
    else:
        await store_thread.run(vectors.expect, resolved(config.embedder))
    return Core(store_thread=store_thread, engine=engine, embedder=embedder)


async def build(
    settings: Settings, home: Home, core: Core, model_path: Path, stack: AsyncExitStack
) -> Services:
    """All parts of a daemon but its routes; none works by itself yet. `stack` stops them."""
    config = settings.config
    store_thread, engine, embedder = core.store_thread, core.engine, core.embedder
    generations = Generations(store_thread, engine)
    model = await generations.model()
    await store_thread.run(past_nights.recover)
    await generations.settle()
    gate = ForegroundGate()
    profiles = Daemons(home, settings, partial(command, settings, str(model_path)))
    gate.on_change = profiles.tell
    stack.push_async_callback(profiles.stop)
    prompts = await _saved_prompts(config, home, gate, stack)
    further = await _further(settings, home, core, model_path, stack)
    conversations = _conversations(config, core, generations, gate, profiles, prompts, further)
    stack.push_async_callback(conversations.stop)
    learns = model.cannot_learn is None
    consolidation = _consolidation(config, core, learns=learns)
    titles = Titles(core, quiet_s=config.quiet_s, by_itself=config.observe, tiny=model.tiny)
    api_key = homes.load_or_create_api_key(home)
    unlearning = Unlearning(store_thread, engine)
    stack.push_async_callback(unlearning.stop)
    trainer = TrainerCommand(model_path=model_path)
    night_services = NightServices(
        core=core, trainer=trainer, gate=gate, unlearning=unlearning, paces=Paces(home.path)
    )
    nights = await _nights(config, home, night_services, cannot_learn=model.cannot_learn)
    confirmations = Confirmations()
    forgetting = Forgetting(core, generations, unlearning)
    backups = Backups(home, store_thread, keyring=config.keyring, by_itself=config.backups)
    forgetting.pause_with(conversations.silence)
    waiting = partial(drop_forgotten, core)
    quoting = (nights.forget, consolidation.forget, confirmations.forget, backups.forget, prompts.forget)
    for listener in (*quoting, further.forget, waiting):
        forgetting.on_forget(listener)
    return Services(
        settings=settings,
        home=home,
        api_key=api_key,
        model_path=model_path,
        store_thread=store_thread,
        engine=engine,
        embedder=embedder,
        generations=generations,
        further=further,
        conversations=conversations,
        runner=_runner(config, core, titles, consolidation, nights, backups, stack),
        consolidation=consolidation,
        nights=nights,
        unlearning=unlearning,
        forgetting=forgetting,
        confirmations=confirmations,
        pulls=_pulls(home, stack),
        gate=gate,
        profiles=profiles,
        ending=Ending(),
        started_at=datetime.now(UTC),
    )


def _conversations(
    config: Config,
    core: Core,
    generations: Generations,
    gate: ForegroundGate,
    profiles: Daemons,
    prompts: SavedPrompts,
    further: FurtherModels,
) -> Conversations:
    return Conversations(
        core.store_thread,
        core.embedder,
        generations,
        recall_k=config.recall_k if config.recall else 0,
        gate=gate,
        users=config.users,
        elsewhere=lambda: profiles.known.users,
        told_first=config.system_prompt,
        prompts=prompts,
        further=further,
    )


async def _further(
    settings: Settings, home: Home, core: Core, model_path: Path, stack: AsyncExitStack
) -> FurtherModels:
    """The models of the setting `models`; none is loaded."""
    config, hardware = settings.config, Hardware(cores=1, memory=0)
    found: Sequence[Entry | Unusable] = ()
    needs = 0
    if config.models:
        hardware = await asyncio.to_thread(look)
        needs, found = await asyncio.to_thread(read_further, config, home, hardware, main=model_path)
    for one in found:
        if isinstance(one, Unusable):
            log.warning("%s", one.why)
    made = FurtherModels(
        found,
        partial(_engine_of, config),
        core.store_thread,
        main=core.engine,
        main_needs=needs,
        machine=Machine(hardware=hardware),
        places_layers=settings.origin["gpu_layers"] in ("default", FITS),
    )
    stack.push_async_callback(made.stop)
    return made


def _engine_of(config: Config, entry: Entry) -> Engine:
    return Engine.for_model(
        entry.path,
        n_ctx=config.n_ctx,
        threads=config.threads,
        gpu_layers=config.gpu_layers,
        idle_s=config.idle_s,
        chat_template=entry.chat_template,
        kv_cache=config.kv_cache,
        flash_attention=config.flash_attention,
        name=f"{entry.name} engine",
    )


async def _saved_prompts(
    config: Config, home: Home, gate: ForegroundGate, stack: AsyncExitStack
) -> SavedPrompts:
    key = partial(keys.load_or_create_key, home.path, keyring=config.keyring)
    prompts = SavedPrompts(gate, home.prompts, key, most_bytes=config.saved_prompts_mb * 2**20)
    stack.push_async_callback(prompts.stop)
    await prompts.start()
    return prompts


def _pulls(home: Home, stack: AsyncExitStack) -> PullProcess:
    pulls = PullProcess(home.path)
    stack.push_async_callback(pulls.stop)
    return pulls


def _consolidation(config: Config, core: Core, *, learns: bool) -> MemoryConsolidation:
    return MemoryConsolidation(
        core,
        quiet_s=config.quiet_s,
        by_itself=config.observe,
        way=config.evolve,
        learns=learns,
        approve=config.approve,
    )


async def _nights(config: Config, home: Home, services: NightServices, *, cannot_learn: str | None) -> Nights:
    settings = NightSettings(
        when=read_when(config.night_when),
        by_itself=config.night,
        quiet_s=config.quiet_s,
        since=homes.made_at(home),
        look_first=config.look_first,
        cannot_learn=cannot_learn,
    )
    nights = Nights(services, settings, home.path, Sensors().read)
    await nights.start()
    return nights


def _runner(
    config: Config,
    core: Core,
    titles: Titles,
    consolidation: MemoryConsolidation,
    nights: Nights,
    backups: Backups,
    stack: AsyncExitStack,
) -> Runner:
    indexing = Indexing(core.store_thread, core.embedder)
    kinds = {
        "index": Kind(work=indexing.work, due=indexing.due),
        "titles": Kind(work=titles.work, due=titles.due),
        "tend": Kind(work=consolidation.work, due=consolidation.due),
        "night": Kind(work=nights.work, due=nights.due),
        "backup": Kind(work=backups.work, due=backups.due),
    }
    runner = Runner(core.store_thread, kinds, every_s=config.jobs_every_s)
    stack.push_async_callback(runner.stop)
    return runner


async def serving(services: Services, stack: AsyncExitStack, parent: Parent | None = None) -> Parts:
    """The routes, the page and the inbox of `services`; under a `parent`, until nobody needs it any more."""
    config, home, runner = services.settings.config, services.home, services.runner
    if config.inbox:

        async def taken_in(taken: TakenIn) -> None:
            if taken.turns or taken.memories:
                await runner.order("index", {})

        inbox = Inbox(home.inbox, services.store_thread, on_taken=taken_in, largest=config.largest_import)
        stack.push_async_callback(inbox.stop)
        await inbox.start()
    await asyncio.to_thread(homes.sweep_uploads, home.path, older_s=0.0)  # nobody can decide on them now
    page = LazyPage(services.api_key, home.path)
    stack.push_async_callback(page.close)
    application = make_app(services, page)

    async def leaving() -> None:
        await asyncio.gather(services.conversations.stop(), services.profiles.stop())
        await page.close()

    async def begin_work() -> None:
        await _with_room(runner, runner.start)
        # what a crash or a new embedder left without vectors
        await _with_room(runner, partial(runner.order, "index", {}))
        await _with_room(runner, services.forgetting.go_on)
        services.profiles.begin()

    def server(on_serving: Callable[[], None]) -> Server:
        made = Server(application, on_serving=on_serving, on_leaving=leaving)
        services.ending.leave = made.leave
        if parent is not None:
            parent.mind(services.gate)
            _retire(services, made, stack)
        return made

    return Parts(
        server=server,
        begin_work=begin_work,
    )


async def _with_room(runner: Runner, step: Callable[[], Awaitable[object]]) -> None:
    """What the work begins with; where the disk is full, it is said, and goes on once there is room."""
    while True:
        try:
            await step()
        except StoreFull as error:
            if runner.failure is None:
                log.warning("Background work waits for room on the disk: %s", error)
            runner.failure = f"it waits for room on the disk. {error}"
            await asyncio.sleep(ROOM_EVERY_S)
        except StoreUnusable as error:
            if error.problem != "damaged":
                raise
            log.error("Some of the background work can't begin: %s", error)  # the status says what to do
            return
        else:
            runner.failure = None
            return


def watch(services: Services, heartbeat: Heartbeat, stack: AsyncExitStack) -> None:
    """Begin; `stack` ends it before anything that it looks at is stopped."""
    sleep = SleepWatch(partial(woke, services), slept=system_clock())
    stack.push_async_callback(sleep.stop)
    sleep.start()
    stack.push_async_callback(heartbeat.stop)
    heartbeat.start(partial(services.store_thread.run, database.schema_version))


def _retire(services: Services, server: Server, stack: AsyncExitStack) -> None:
    """End it once nobody asks any more and nothing is left to do."""
    config = services.settings.config

    async def has_work() -> bool:
        return not await services.runner.is_idle() or await services.nights.is_pending()

    after_s = max(config.idle_s, config.quiet_s + 2 * config.jobs_every_s)  # a chat goes quiet first
    retirement = Retirement(server, has_work, server.leave, after_s=after_s)
    stack.push_async_callback(retirement.stop)
    retirement.start()


async def woke(services: Services, slept_s: float) -> None:
    """After a sleep: no answer from a GPU that may have lost its memory, and what became due is done."""
    if await services.engine.woke():
        log.info("The engine starts again: a GPU may have lost its memory in the sleep")
    await services.further.woke()
    services.runner.wake()
