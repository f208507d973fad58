"""Nights whose clock, machine and trainer the test sets."""

import asyncio
import sys
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime, timedelta

from daemon.config.night_window import read_when
from daemon.core import Core
from daemon.forgetting.verification import Unlearning
from daemon.hardware.sensors import Machine
from daemon.night import ram_folders
from daemon.night.night_job import Nights, NightSettings
from daemon.night.pipeline import NightReport, NightServices
from daemon.night.trainer_process import TrainerCommand
from daemon.processes.foreground_gate import ForegroundGate
from store import jobs, memories
from tests.daemon.memory.fakes import FakeEmbedder, open_store_thread
from tests.daemon.night.fakes import TRAINER, LearningEngine

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

    def __init__(self, store_thread, folder, script, *, by_itself=True):
        self.store_thread, self.now, self.machine = store_thread, THREE, Machine()
        self.engine, self.gate = LearningEngine(), Gate(rest_s=0.05)
        self.checkpoints = ram_folders.checkpoint_folder(folder)
        core = Core(store_thread=store_thread, engine=self.engine, embedder=FakeEmbedder())
        services = NightServices(
            core=core,
            trainer=TrainerCommand(model_path=folder / "model.gguf", argv=[sys.executable, "-c", script]),
            gate=self.gate,
            unlearning=Unlearning(store_thread, self.engine),
        )
        settings = NightSettings(
            when=read_when("03:00-08:00, power, idle, cool, memory"),
            by_itself=by_itself,
            quiet_s=120.0,
            since=THREE - timedelta(days=30),
            look_every_s=0.02,
            longest_pause_s=0.3,
        )
        self.nights = Nights(services, settings, folder, self._machine, now=lambda: self.now)

    async def _machine(self):
        return self.machine

    async def job(self, payload=None):
        """A claimed job."""
        await self.store_thread.run(jobs.enqueue, "night", payload or {"night": "2026-03-05"}, unique="night")
        return await self.store_thread.run(jobs.claim, "night", now=datetime.now(UTC), lease_s=60)

    async def trains(self):
        """Wait until a trainer runs; its process."""
        async with asyncio.timeout(20):
            while self.gate.trainer is None:
                await asyncio.sleep(0.01)
        return self.gate.trainer


@asynccontextmanager
async def scripted_nights(folder, script=TRAINER, *, told="The user lives in Ghent.", by_itself=True):
    async with open_store_thread(folder) as store_thread:
        if told:
            await store_thread.run(memories.add, told, told_on=date(2026, 3, 5), sources=())
        made = ScriptedNights(store_thread, folder, script, by_itself=by_itself)
        yield made
        ram_folders.delete_checkpoints(made.checkpoints)
