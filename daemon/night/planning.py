"""
What a night costs here, known before it trains; and what it leaves for a coming night where its hours are too short.

    lessons as tokens x pace ──> estimate ──> fits? ──no──> some memories wait, the rest is composed anew
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

from daemon.concurrency import together
from daemon.engine.client import Engine, Sampling
from daemon.exam.questions import fixed_questions
from daemon.lessons.tokenised import TokenisedLesson
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
SAID, SAID_AT_ONCE = 24, 4  # tokens of an answer, and answers, that the engine says to be measured
LIST = " ".join(map(str, range(100, 140)))  # that it reads: numbers, which every vocabulary has
FOR_OTHERS = 0.25  # share of the room that memories have which the live generation does not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """What it takes to measure how quickly this machine trains the model that is served."""

    engine: Engine
    trainer: TrainerCommand
    gate: ForegroundGate
    paces: Paces


@dataclass(frozen=True, slots=True, kw_only=True)
class Teachable:
    """One memory that could be taught tonight."""

    memory_id: int
    cost_s: float  # of its lessons: teacher, student and exam
    asked: int = 0  # times that it was recalled
    is_live: bool = False  # the generation that answers knows it
    waited: int = 0  # nights that left it out since it was taught last


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
    """Tokens a second of a prompt, and of answers that share batches, as those of study and exam do."""
    await engine.info()  # it may have to be started
    prompt = [{"role": "user", "content": f"{time.time_ns()} {LIST}"}]  # one that is not in the cache
    began = time.monotonic()
    first = await engine.complete(prompt, sampling=Sampling(max_tokens=1), adapter="base", background=True)
    read_s = time.monotonic() - began
    loose = [Sampling(max_tokens=SAID, temperature=1.0, seed=seed) for seed in range(SAID_AT_ONCE)]
    answers = await together(
        engine.complete(prompt, sampling=one, adapter="base", background=True) for one in loose
    )
    said_s = time.monotonic() - began - read_s
    said = max(sum(one.completion_tokens for one in answers), 1)
    return first.prompt_tokens / max(read_s, 1e-3), said / max(said_s, 1e-3)


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


def left_for_later(found: Sequence[Teachable], room_s: float) -> frozenset[int]:
    """
    The memories that wait for a coming night; the same for the same memories.

    Every night trains from the base model, so what is left out is not in what the night makes; recall finds it all the
    same. Three quarters of the room go to what the live generation knows, most asked for first; a quarter, and what is
    left over, to the others, by how often they were asked for and how many nights they have waited. A night of waiting
    counts as much as being asked for twice as often, so that every memory has its turn.

    Args:
        found: in the order in which they were learned, oldest first.
        room_s: seconds for all of them together, without what the night takes in any case.
    """
    newest_first = list(reversed(found))
    known = sorted((one for one in newest_first if one.is_live), key=lambda one: -one.asked)
    others = sorted(
        (one for one in newest_first if not one.is_live), key=lambda one: -(one.waited + log2(1 + one.asked))
    )
    taken: dict[int, float] = {}
    for group, share in ((others, FOR_OTHERS), (known, 1.0), (others, 1.0)):
        for one in group:
            is_first = not taken and one.cost_s <= room_s  # of the others one has its turn in any case
            if is_first or sum(taken.values()) + one.cost_s <= share * room_s:
                taken[one.memory_id] = one.cost_s
    if not taken and found:  # a night that teaches nothing would be in vain
        taken[(others or known)[0].memory_id] = room_s
    return frozenset(one.memory_id for one in found if one.memory_id not in taken)


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
