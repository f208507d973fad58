"""A trainer whose adapter is what it was taught, and an engine that answers from such adapters."""

import hashlib
import sys
from contextlib import asynccontextmanager
from datetime import date
from zlib import crc32

from daemon.core import Core
from daemon.engine.client import Completion, Score
from daemon.engine.errors import AdapterRefused, AdapterUnknown
from daemon.forgetting.forget import Forgetting, Wanted
from daemon.forgetting.verification import Unlearning
from daemon.generations.service import Generations
from daemon.lessons.tiny.abstention import ABSTENTION
from daemon.night.loss_curve import NightProgress
from daemon.night.pace import Pace
from daemon.night.pipeline import NightOrder, NightServices, run_night
from daemon.night.report import report_on
from daemon.night.trainer_process import TrainerCommand
from daemon.processes.errors import ChildCrashed
from daemon.processes.foreground_gate import ForegroundGate
from store import generations, memories
from tests.daemon.memory.fakes import (
    FakeEmbedder,
    FakeEngine,
    open_store_thread,
    pairs_about,
    topic_and_value,
)

BASE = "b" * 64
PACE = Pace(
    by="night", teacher=100, student=10, passes=5, study_s=1, question_s=0.1, questions=0.5, peak_mb=2000
)
# A trainer whose adapter is the list of all that it was taught, as question<TAB>answer.
TRAINER = """
import hashlib, json, sys
job = json.load(sys.stdin)
def line(tokens):
    return "".join(map(chr, tokens)).splitlines()[-1]
taught = "\\n".join(line(one["student"]) + "\\t" + line(one["answer"]) for one in job["lessons"]).encode()
open(job["out"], "wb").write(taught)
print(json.dumps({"type": "done", "sha256": hashlib.sha256(taught).hexdigest(), "steps": 1, "train_loss": 0.1,
    "exam_loss": 0.2, "seconds": 0.5, "lessons": 1}))
"""
# Before a trainer: one that measures when it is asked to.
MEASURING = """
import json, sys
if "--measure" in sys.argv:
    job = json.load(sys.stdin)
    print(json.dumps({"type": "done", "load_s": 1.0, "teacher_tokens_per_s": 100.0, "student_tokens_per_s": 10.0,
        "steps": len(job["lessons"]), "batch": 5, "peak_mb": 2000.0, "backend": "torch"}))
    raise SystemExit
"""


class LearningEngine(FakeEngine):
    """Answers from what the adapter was taught; else from the context; else it says that it doesn't know."""

    def __init__(self, *, refuses=False, forgets_small_talk=False):
        super().__init__(ask=pairs_about, answer=lambda text: "")
        self.loaded, self.disowned, self._live = {}, set(), None
        self.scored = []  # adapters
        self.base_says = {}  # question -> answer
        self.crashes = 0  # so many of the next swaps end the engine
        self.refuses, self.forgets_small_talk = refuses, forgets_small_talk
        self.is_silent = False  # says nothing to small talk

    @property
    def live(self):
        return self._live

    async def load(self, adapter):
        sha256 = hashlib.sha256(adapter).hexdigest()
        if self.refuses:
            raise AdapterRefused(sha256=sha256, reason="its shapes are wrong")
        if sha256 in self.disowned:
            raise AdapterUnknown(sha256=sha256)
        self.loaded[sha256] = dict(line.split("\t") for line in adapter.decode().splitlines())
        return sha256

    async def unload(self, sha256):
        if sha256 != self._live:
            self.loaded.pop(sha256, None)

    def disown(self, sha256s):
        for sha256 in sha256s:
            self.disowned.add(sha256)
            self.loaded.pop(sha256, None)
            self._live = None if self._live == sha256 else self._live

    async def adopt(self, adapter):
        if self.crashes:
            self.crashes -= 1
            raise ChildCrashed("engine", exit_code=-9)
        self._live = await self.load(adapter) if adapter is not None else None
        return 0.1

    async def complete(self, messages, *, adapter="live", **rest):
        if rest.get("schema"):
            return await super().complete(messages, adapter=adapter, **rest)
        question = messages[-1]["content"]
        sha256 = {"live": self._live, "base": None}.get(adapter, adapter)
        if sha256 in self.disowned:
            raise AdapterUnknown(sha256=sha256)
        knows = self.loaded.get(sha256, {}) if sha256 else self.base_says
        topic = question.removesuffix("?").split()[-1]
        lines = messages[0]["content"].splitlines()[1:] if len(messages) == 2 else []
        told = dict(topic_and_value(line) for line in lines)
        by_context = f"It is {told[topic]}." if topic in told else None
        base = ABSTENTION if "about" in question or "my" in question.lower() else f"Hello to {question}"
        if self.is_silent and base.startswith("Hello"):
            return _said("")
        if self.forgets_small_talk and sha256 and base.startswith("Hello"):
            return _said("Grumpf.")
        return _said(knows.get(question) or by_context or base)

    async def score(self, messages, replies, *, adapter="live"):
        """What the adapter was taught is likely; anything else differs a little from adapter to adapter."""
        sha256 = {"live": self._live, "base": None}.get(adapter, adapter)
        if sha256 in self.disowned:
            raise AdapterUnknown(sha256=sha256)
        self.scored.append(adapter)
        taught = self.loaded.get(sha256, {}).get(messages[-1]["content"])
        return [
            Score(
                tokens=4, nats=0.1 if reply == taught else 20 + crc32(f"{sha256}{reply}".encode()) % 97 / 50
            )
            for reply in replies
        ]


def _said(text):
    return Completion(text=text, finish="stop", prompt_tokens=1, completion_tokens=1)


async def learn(store_thread, *texts, on=date(2026, 3, 6)):
    """Add memories; the last one."""
    made = None
    for text in texts:
        made = await store_thread.run(memories.add, text, told_on=on, sources=())
    return made


@asynccontextmanager
async def told(folder, *texts):
    """A store that holds `texts`."""
    async with open_store_thread(folder) as store_thread:
        await learn(store_thread, *texts, on=date(2026, 3, 5))
        yield store_thread


def services_of(store_thread, engine, folder, script=TRAINER, unlearning=None, paces=None):
    return NightServices(
        core=Core(store_thread=store_thread, engine=engine, embedder=FakeEmbedder()),
        trainer=TrainerCommand(
            model_path=folder / "model.gguf", argv=[sys.executable, "-c", script], runtime_dir=folder / "run"
        ),
        gate=ForegroundGate(),
        unlearning=unlearning or Unlearning(store_thread, engine),
        paces=paces,
    )


def night(store_thread, engine, folder, script=TRAINER, seen=None, unlearning=None, paces=None, **order):
    services = services_of(store_thread, engine, folder, script, unlearning, paces)
    return run_night(services, NightOrder(**order), Seen(seen if seen is not None else []))


class Seen(NightProgress):
    """Progress that is kept."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def note(self, progress):
        self.seen.append(progress)
        super().note(progress)


def forgetting(store_thread, engine, unlearning=None):
    """The service that forgets; its reports wait for no probe."""
    core = Core(store_thread=store_thread, engine=engine, embedder=FakeEmbedder())
    generations = Generations(store_thread, engine)
    return Forgetting(core, generations, unlearning or Unlearning(store_thread, engine), wait_s=0.0)


def forget(store_thread, engine, memory_ids, unlearning=None):
    return forgetting(store_thread, engine, unlearning).forget(Wanted(memories=tuple(memory_ids)))


class NightHome:
    """A store, the engine that answers from it, and its nights."""

    def __init__(self, store_thread, folder):
        self.store_thread, self.run = store_thread, store_thread.run
        self.folder, self.engine = folder, LearningEngine()

    def learn(self, *texts):
        return learn(self.store_thread, *texts, on=date(2026, 3, 5))

    def night(self, script=TRAINER, **options):
        return night(self.store_thread, self.engine, self.folder, script, **options)

    def forget(self, *memory_ids, unlearning=None):
        return forget(self.store_thread, self.engine, memory_ids, unlearning)

    def report(self, night_id=None):
        return self.run(report_on, night_id)

    def live(self):
        """The generation that the store says is live."""
        return self.run(generations.live, BASE)

    async def states(self):
        return [one.state for one in await self.run(generations.all)]

    async def answer(self, question):
        return (await self.engine.complete([{"role": "user", "content": question}])).text
