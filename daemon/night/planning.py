"""
What a night costs here, known before it trains; and what it leaves for a coming night where its hours are too short.

    lessons as tokens x pace ──> estimate ──> fits? ──no──> some memories wait (`budget.py`), the rest is composed anew
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.engine.client import Engine, Sampling
from daemon.exam.questions import fixed_questions
from daemon.lessons.tokenised import TokenisedLesson
from daemon.night.budget import Teachable, left_for_later
from daemon.night.pace import Pace, Paces, calibrated, lesson_s, surely_fits
from daemon.night.trainer_process import OnProgress, TrainerCommand, TrainingJob, measure
from daemon.processes.foreground_gate import ForegroundGate
from daemon.progress import Progress
from store import generations, nights, recall_log
from store.database import Connection
from store.lessons import Lesson

log = logging.getLogger(__name__)

LATER = "later"  # why a memory waits that this night had no room for
SPARE = 0.9  # of its hours that a night may fill, as far as it is foretold
PAST = 60  # nights that are looked back at
SAID = 24  # tokens that the engine says to be measured
LIST = " ".join(map(str, range(100, 140)))  # that it reads: numbers, which every vocabulary has


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """What it takes to measure how quickly this machine trains the model that is served."""

    engine: Engine
    trainer: TrainerCommand
    gate: ForegroundGate
    paces: Paces


async def measured_pace(tools: Measuring, job: TrainingJob) -> Pace:
    """
    The pace of this model on this machine, measured now and kept. Takes seconds, with a large model a minute or two.

    Raises:
        NightFailed, NightEnded: as the trainer's own (`trainer_process.py`).
    """
    info = await tools.engine.info()
    read, said = await engine_speed(tools.engine)
    found = await measure(job, tools.trainer, tools.gate)
    fixed = fixed_questions(tiny=info.tiny)
    pace = calibrated(found, job.lessons, read=read, said=said, fixed_questions=fixed)
    await asyncio.to_thread(tools.paces.keep, info.sha256, pace)
    return pace


async def engine_speed(engine: Engine) -> tuple[float, float]:
    """Tokens a second of a prompt, and of an answer."""
    await engine.info()  # it may have to be started
    prompt = [{"role": "user", "content": f"{time.time_ns()} {LIST}"}]  # one that is not in the cache
    began = time.monotonic()
    first = await engine.complete(prompt, sampling=Sampling(max_tokens=1), adapter="base", background=True)
    read_s = time.monotonic() - began
    sampling = Sampling(max_tokens=SAID, temperature=1.0, seed=0)
    answer = await engine.complete(prompt, sampling=sampling, adapter="base", background=True)
    said_s = time.monotonic() - began - read_s
    return first.prompt_tokens / max(read_s, 1e-3), max(answer.completion_tokens, 1) / max(said_s, 1e-3)


async def pace_for(
    tools: Measuring, job: TrainingJob, within_s: float, on_progress: OnProgress
) -> Pace | None:
    """The pace of a night that should end within some seconds; None where it surely will."""
    info = await tools.engine.info()
    known = await asyncio.to_thread(tools.paces.load, info.sha256)
    if known is not None:
        return known
    if await asyncio.to_thread(surely_fits, info.bytes, job.lessons, within_s):
        return None
    on_progress(Progress(done=0, total=0, unit="", note="measuring this machine"))
    return await measured_pace(tools, job)


def too_much(
    db: Connection,
    pace: Pace,
    pairs: Sequence[tuple[Lesson, TokenisedLesson]],
    *,
    within_s: float,
    live_id: int | None,
) -> frozenset[int]:
    """
    The memories that must wait for a night to end in time; runs in the store's thread.

    Args:
        pairs: the lessons of all memories that could be taught.
        within_s: what is left of the night's hours once its lessons are made.
        live_id: the generation that answers; None: the base model.
    """
    cost: defaultdict[int, float] = defaultdict(float)
    in_any_case = pace.load_s + pace.fixed_questions * pace.question_s
    for lesson, tokens in pairs:
        seconds = lesson_s(pace, tokens)
        if not lesson.memory_ids:
            in_any_case += seconds
        for id in lesson.memory_ids:
            cost[id] += seconds / len(lesson.memory_ids)
    room_s = SPARE * within_s - in_any_case
    if sum(cost.values()) <= room_s:
        return frozenset()
    asked = recall_log.recall_counts(db, list(cost))
    live = set(generations.memory_ids(db, live_id)) if live_id else set()
    waited = nights_waited(db)
    found = [
        Teachable(
            memory_id=id,
            cost_s=cost[id],
            asked=asked[id].n if id in asked else 0,
            is_live=id in live,
            waited=waited.get(id, 0),
        )
        for id in sorted(cost)
    ]
    return left_for_later(found, room_s)


def nights_waited(db: Connection) -> dict[int, int]:
    """How many of the last nights in a row had no room for a memory, by its id."""
    trained = [one for one in nights.newest(db, PAST) if one.outcome in ("adopted", "refused")]
    waited: dict[int, int] = {}
    left: set[int] | None = None  # that all nights since have left out
    for night in trained:
        out = set(night.numbers.get("waiting", {}).get(LATER, ()))
        left = out if left is None else left & out
        for id in left:
            waited[id] = waited.get(id, 0) + 1
    return waited


def waits_for_room(db: Connection) -> int:
    """How many memories the last night that trained had no room for."""
    trained = (one for one in nights.newest(db, PAST) if one.outcome in ("adopted", "refused"))
    last = next(trained, None)
    return len(last.numbers.get("waiting", {}).get(LATER, ())) if last else 0
