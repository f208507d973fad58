"""Nights whose clock, machine and trainer the test sets."""

import asyncio
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from daemon.config.night_window import read_when
from daemon.core import Core
from daemon.forgetting.verification import Unlearning
from daemon.hardware.sensors import Machine
from daemon.jobs import Kind, Runner
from daemon.night import ram_folders
from daemon.night.night_job import Nights, NightSettings
from daemon.night.pipeline import NightReport, NightServices
from daemon.night.trainer_process import TrainerCommand
from daemon.processes.foreground_gate import ForegroundGate
from store import generations, jobs
from tests.daemon.memory.fakes import FakeEmbedder
from tests.daemon.night.fakes import LearningEngine

THREE = datetime(2026, 3, 5, 3)
REPORT = NightReport(
    adopted=True,
    reason="it knows more",
    generation=1,
    lessons=5,
    exam={"candidate": 0.5, "missed": [{"question": "Where?", "wanted": "Ghent.", "said": "Oslo."}]},
    train_s=1.0,
    total_s=2.0,
    swap_ms=0.1,
)


class Gate(ForegroundGate):
    """Nobody has chatted for long; who runs behind it can be asked."""

    silent_s = 10_000.0
    trainer = None

    @contextmanager
    def guard(self, pid):
        with super().guard(pid) as self.trainer:
            yield self.trainer
        self.trainer = None


class ScriptedNights:
    """Nights whose clock, machine and trainer the test sets."""

    def __init__(self, store_thread, folder, script, *, by_itself=True, cannot_learn=None, paces=None):
        self.store_thread, self.run = store_thread, store_thread.run
        self.now, self.machine = THREE, Machine()
        self.engine, self.gate = LearningEngine(), Gate(rest_s=0.05)
        self.engine.cannot_learn = cannot_learn
        self.checkpoints = ram_folders.checkpoint_folder(folder)
        core = Core(store_thread=store_thread, engine=self.engine, embedder=FakeEmbedder())
        services = NightServices(
            core=core,
            trainer=TrainerCommand(model_path=folder / "model.gguf", argv=[sys.executable, "-c", script]),
            gate=self.gate,
            unlearning=Unlearning(store_thread, self.engine),
            paces=paces,
        )
        settings = NightSettings(
            when=read_when("03:00-08:00, power, idle, cool, memory"),
            by_itself=by_itself,
            quiet_s=120.0,
            since=THREE - timedelta(days=30),
            cannot_learn=cannot_learn,
            look_every_s=0.02,
            longest_pause_s=0.3,
        )
        self.nights = Nights(services, settings, folder, self._machine, now=lambda: self.now)

    async def _machine(self):
        return self.machine

    async def job(self, payload=None):
        """A claimed job."""
        await self.run(jobs.enqueue, "night", payload or {"night": "2026-03-05"}, unique="night")
        return await self.run(jobs.claim, "night", now=datetime.now(UTC), lease_s=60)

    async def work(self, payload=None):
        """A night from its claim to its end."""
        await self.nights.work(await self.job(payload))

    async def start(self, payload=None):
        """The task of a night whose trainer runs, and that process."""
        task = asyncio.create_task(self.work(payload))
        return task, await self.trains()

    def runner(self):
        return Runner(
            self.store_thread, {"night": Kind(work=self.nights.work, due=self.nights.due)}, every_s=60
        )

    def generations(self):
        return self.run(generations.all)

    async def trains(self):
        """Wait until a trainer runs; its process."""
        async with asyncio.timeout(20):
            while self.gate.trainer is None:
                await asyncio.sleep(0.01)
        return self.gate.trainer
