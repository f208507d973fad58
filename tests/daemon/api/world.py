"""
A daemon on a real port with a real store, and stand-ins for the two models.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from daemon.api.application import make_app
from daemon.chat.conversation import Conversations
from daemon.config.night_window import read_when
from daemon.config.settings import Config, Settings, kinds
from daemon.core import Core
from daemon.forgetting.verification import Unlearning
from daemon.generations.service import Generations
from daemon.hardware.sensors import Sensors
from daemon.home import Home
from daemon.http_server import Server, listen
from daemon.idle_work import Tending
from daemon.jobs import Kind, Runner
from daemon.memory.indexing import Indexing
from daemon.night.night_job import Nights, NightSettings
from daemon.night.pipeline import NightServices
from daemon.night.trainer_process import TrainerCommand
from daemon.processes.foreground_gate import ForegroundGate
from daemon.services import Services
from daemon.store_thread import StoreThread
from store import vectors
from store.database import FILE_NAME, open_store
from tests.fakes import FakeEmbedder, FakeEngine

KEY = "tsu-key-of-the-test"


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

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the store holds."""
        return await self.store_thread.run(lambda db: list(db.execute(sql)))


@asynccontextmanager
async def serving(folder: Path, engine: FakeEngine | None = None, **config: Any) -> AsyncIterator[World]:
    """Serve from `folder`; background work is done only when the test asks for it."""
    engine = engine or FakeEngine()
    store_thread = StoreThread(partial(open_store, folder / FILE_NAME, b"k" * 32))
    await store_thread.open()
    services = await _services(folder, store_thread, engine, replace(Config(jobs_every_s=3600.0), **config))
    ready = asyncio.Event()
    server = Server(make_app(services), on_serving=ready.set, on_leaving=services.conversations.stop)
    with closing(listen("127.0.0.1", 0)) as socket:
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
            await store_thread.close()


async def _services(folder: Path, store_thread: StoreThread, engine: FakeEngine, config: Config) -> Services:
    embedder = FakeEmbedder()
    await store_thread.run(vectors.prepare, "fake", (await embedder.info()).dimension)
    generations = Generations(store_thread, engine)
    model = folder / "fake.gguf"
    tending = Tending(store_thread, engine, embedder, quiet_s=config.quiet_s, by_itself=False)
    unlearning = Unlearning(store_thread, engine)
    night_services = NightServices(
        core=Core(store_thread=store_thread, engine=engine, embedder=embedder),
        trainer=TrainerCommand(model_path=model),
        gate=ForegroundGate(),
        unlearning=unlearning,
    )
    night_settings = NightSettings(
        when=read_when(config.night_when),
        by_itself=False,
        quiet_s=config.quiet_s,
        since=datetime(2026, 3, 5),
    )
    nights = Nights(night_services, night_settings, folder, Sensors().read)
    indexing = Indexing(store_thread, embedder)
    jobs = {
        "index": Kind(work=indexing.work, due=indexing.due),
        "tend": Kind(work=tending.work, due=tending.due),
    }
    return Services(
        settings=Settings(config=config, origin=dict.fromkeys(kinds(), "default")),
        home=Home(folder),
        api_key=KEY,
        model_path=model,
        store_thread=store_thread,
        engine=engine,
        embedder=embedder,
        generations=generations,
        conversations=Conversations(store_thread, engine, embedder, generations, recall_k=config.recall_k),
        runner=Runner(store_thread, jobs, every_s=config.jobs_every_s),
        tending=tending,
        nights=nights,
        unlearning=unlearning,
        started_at=datetime(2026, 3, 5, tzinfo=UTC),
    )
