"""
One night: lessons -> trainer -> exam -> adopt or refuse.

Until a candidate has passed, nothing changes for those who chat. A night that fails leaves the live generation as it
was. When a night is due is decided in `schedule.py`.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from daemon.core import Core
from daemon.engine.client import EngineInfo
from daemon.engine.errors import AdapterUnknown
from daemon.exam.acceptance import not_asked
from daemon.exam.questions import fixed_questions
from daemon.forgetting.verification import Unlearning
from daemon.lessons.dataset import compose
from daemon.lessons.eligibility import Waiting, unseen, waiting
from daemon.lessons.generation import authors, generate_missing
from daemon.lessons.regularisation import add_regularisation, current_lines, same_question, teachable
from daemon.lessons.tokenised import tokenised, without_contradictions
from daemon.night.candidate import examine, missing_parts, propose, settle, swap
from daemon.night.errors import FORGOTTEN_MEANWHILE, NightFailed
from daemon.night.loss_curve import NightProgress
from daemon.night.pace import Estimate, Paces, estimate, paced
from daemon.night.planning import LATER, Measuring, measured_pace, pace_for, too_much
from daemon.night.report import Before, by_reason, record
from daemon.night.trainer_process import OnProgress, Trained, TrainerCommand, TrainingJob, train
from daemon.processes.errors import NightEnded
from daemon.processes.foreground_gate import ForegroundGate
from daemon.progress import Progress
from daemon.text import can_learn, counted
from store import generations, lessons, nights
from store.database import Connection
from store.generations import Generation
from store.lessons import OWN, Lesson

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightServices:
    """What every night of this daemon works with."""

    core: Core
    trainer: TrainerCommand
    gate: ForegroundGate  # stops trainer and exam while people are answered
    unlearning: Unlearning  # what must be gone from a candidate
    paces: Paces | None = None  # where the pace of nights is kept; None: nights are not measured

    def measuring(self, paces: Paces) -> Measuring:
        """What it takes to measure the pace of this machine."""
        return Measuring(engine=self.core.engine, trainer=self.trainer, gate=self.gate, paces=paces)


async def _forget_it(later: frozenset[int]) -> None:
    """Nobody needs to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightOrder:
    """What one night is asked to do."""

    recipe: Mapping[str, object] = field(default_factory=dict)  # overrides of the trainer's recipe
    seed: int = 0
    by_itself: bool = False  # nobody asked for it: left out where there is nothing new
    look_first: bool = False  # what changed a memory waits for a look at it, a day at most
    within_s: float | None = None  # seconds in which it should end; None: it teaches all
    later: frozenset[int] | None = None  # memories that an earlier attempt left for a coming night
    on_later: Callable[[frozenset[int]], Awaitable[None]] = _forget_it  # told of them
    job_id: int | None = None  # the job that this is an attempt of
    checkpoints: Path | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def left_s(self) -> float | None:
        """What is left of `within_s` now; None: as long as it takes."""
        return None if self.within_s is None else self.within_s - (time.monotonic() - self.began)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """What one night did."""

    adopted: bool
    reason: str  # why it was adopted or refused, for a person
    generation: int | None = None  # id of the generation that was made; None when there was nothing to learn
    lessons: int = 0
    exam: Mapping[str, object] = field(default_factory=dict)  # JSON-able
    train_s: float = 0.0
    total_s: float = 0.0
    swap_ms: float | None = None


@dataclass(slots=True, kw_only=True)
class _Record:
    """The night's row in the store as it will be at its end; "failed" until something better happened."""

    night_id: int
    began: float  # monotonic
    outcome: str = "failed"
    generation_id: int | None = None
    backend: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)

    @property
    def lasted_s(self) -> float:
        return time.monotonic() - self.began

    def write(self, db: Connection) -> None:
        nights.end(
            db,
            self.night_id,
            self.outcome,
            generation_id=self.generation_id,
            backend=self.backend,
            numbers=self.numbers,
        )


async def run_night(services: NightServices, order: NightOrder, progress: NightProgress) -> NightReport:
    """
    One whole night, recorded in the store whatever becomes of it; none at all with a model that can't learn.

    Raises:
        NightEnded: the gate ended the trainer; nothing changed.
        NightFailed: the trainer did not finish, or what it learned from was forgotten since; nothing changed.
    """
    core = services.core
    model = await core.engine.info()
    if model.cannot_learn:
        return NightReport(
            adopted=False, reason=f"Nothing was trained: the model {can_learn(model.cannot_learn)}"
        )
    base_sha256 = model.sha256
    live = await core.store_thread.run(generations.live, base_sha256)
    async with _recorded(core, order.job_id, live) as entry:
        composed, wait = await prepare(core, order.seed, progress.note, look_first=order.look_first)
        tonight = without_contradictions(composed)
        entry.numbers = {
            "waiting": by_reason((one.memory_id, one.reason) for one in wait),
            "by_itself": int(order.by_itself),
            "contradicting": len(composed) - len(tonight),
        }
        if why_not := await _why_not(core, tonight, live, order.by_itself, base_sha256):
            facts = sum(lesson.kind == "fact" for lesson in tonight)
            entry.outcome = "nothing"
            missing = await missing_parts(core, tonight, live) if facts else []
            entry.numbers |= {"lessons": len(tonight), "facts": facts}
            if missing:
                entry.numbers["missing_parts"] = dict.fromkeys(missing, 0)
            return NightReport(adopted=False, reason=why_not, total_s=entry.lasted_s)
        job = await _job(services, order, tonight, progress.note)
        if later := await _left_out(services, order, tonight, job, live, progress.note):
            wait += [Waiting(memory_id=id, reason=LATER) for id in sorted(later)]
            entry.numbers["waiting"] = by_reason((one.memory_id, one.reason) for one in wait)
            fewer = await _composed(core, order.seed, {one.memory_id for one in wait})
            tonight = without_contradictions(fewer)
            job = await _job(services, order, tonight, progress.note)
        try:
            trained = await train(job, services.trainer, progress.note, services.gate)
        finally:  # also of a night that fails
            entry.numbers["curve"] = progress.curve.numbers()
        report = await _judge(services, tonight, trained, base_sha256, entry, progress.note)
        await _keep_pace(services, model, progress, job, trained)
        entry.numbers["cost"] |= progress.stages.numbers()
        return report


async def _job(
    services: NightServices, order: NightOrder, tonight: Sequence[Lesson], on_progress: OnProgress
) -> TrainingJob:
    """What the trainer is given to teach these lessons."""
    return TrainingJob(
        lessons=await tokenised(services.core.engine, tonight, on_progress, services.gate),
        recipe=order.recipe,
        seed=order.seed,
        checkpoints=order.checkpoints,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What the next night would do, and cost."""

    why_none: str | None = None  # why it would do nothing
    memories: int = 0  # that it would teach
    lessons: int = 0
    to_study: int = 0  # memories whose lessons it would make first
    later: int = 0  # memories that it would leave for a coming night
    cost: Estimate = Estimate()


async def foresee(
    services: NightServices, *, within_s: float, measure: bool, known: dict[object, Foreseen]
) -> Foreseen:
    """
    What a night would do now that should end in `within_s` seconds; nothing is made.

    Args:
        measure: measure the pace of this machine, where it is not known.
        known: keeps the last answer by what it was made of, so that no lesson is cut twice for it.

    Raises:
        NightFailed: the trainer could not measure.
    """
    core, paces = services.core, services.paces
    run, info = core.store_thread.run, await core.engine.info()
    if info.cannot_learn:
        return Foreseen(why_none=f"the model {can_learn(info.cannot_learn)}")
    waits = {one.memory_id for one in await run(waiting, date.today())}
    unstudied = [one.id for one in await run(lessons.unstudied, by=authors(info)) if one.id not in waits]
    tonight = without_contradictions(await _composed(core, 0, waits))
    memories = {id for one in tonight for id in one.memory_ids}
    found = Foreseen(memories=len(memories), lessons=len(tonight), to_study=len(unstudied))
    if not any(one.kind == "fact" for one in tonight):
        nothing = "" if unstudied else "there is nothing to learn: no memory that holds has lessons"
        return replace(found, why_none=nothing or "no memory has its lessons yet; the night makes them first")
    pace = await asyncio.to_thread(paces.load, info.sha256) if paces else None
    if paces is None or (pace is None and not measure):
        return found
    live = await run(generations.live, info.sha256)
    ids = tuple(one.id for one in tonight)
    made_of = (info.sha256, live.id if live else 0, ids, len(unstudied), within_s)
    if (made_of, pace) in known:
        return known[made_of, pace]
    # Not at the gate of nights, which stays shut after one that was ended.
    job = TrainingJob(lessons=await tokenised(core.engine, tonight))
    pace = pace or await measured_pace(services.measuring(paces), job)
    pairs = list(zip(tonight, job.lessons, strict=True))
    left_s = within_s - len(unstudied) * pace.study_s - pace.general_s
    later = await run(too_much, pace, pairs, within_s=left_s, live_id=live.id if live else None)
    taught = [tokens for lesson, tokens in pairs if later.isdisjoint(lesson.memory_ids)]
    cost = estimate(pace, taught, to_study=len(unstudied), studied=len(memories))
    found = replace(found, memories=len(memories - later), lessons=len(taught), later=len(later), cost=cost)
    known.clear()
    known[made_of, pace] = found
    return found


async def _left_out(
    services: NightServices,
    order: NightOrder,
    tonight: Sequence[Lesson],
    job: TrainingJob,
    live: Generation | None,
    on_progress: OnProgress,
) -> frozenset[int]:
    """The memories that tonight has no room for; a night that goes on leaves out the same as before."""
    if order.later is not None or services.paces is None or order.left_s is None:
        return order.later or frozenset()
    core = services.core
    pace = await pace_for(services.measuring(services.paces), job, order.left_s, on_progress)
    left_s = order.left_s  # measuring took its time too
    if pace is None or left_s is None:
        return frozenset()
    pairs = list(zip(tonight, job.lessons, strict=True))
    live_id = live.id if live else None
    later = await core.store_thread.run(too_much, pace, pairs, within_s=left_s, live_id=live_id)
    if later:
        memories = counted(len(later), "memory waits", "memories wait")
        log.info("Night: its hours do not hold all; %s for a coming one", memories)
    await order.on_later(later)
    return later


async def _keep_pace(
    services: NightServices, model: EngineInfo, progress: NightProgress, job: TrainingJob, trained: Trained
) -> None:
    """Have later nights know what this one took."""
    if services.paces is None:
        return
    before = await asyncio.to_thread(services.paces.load, model.sha256)
    fixed = fixed_questions(tiny=model.tiny)
    if pace := paced(before, progress.stages, job.lessons, trained, fixed_questions=fixed):
        await asyncio.to_thread(services.paces.keep, model.sha256, pace)


@asynccontextmanager
async def _recorded(core: Core, job_id: int | None, live: Generation | None) -> AsyncGenerator[_Record]:
    """A night's record in the store, from its beginning to its end, whatever that is."""
    began = time.monotonic()
    night = await core.store_thread.run(nights.begin, job_id=job_id, was_live=live.id if live else 0)
    entry = _Record(night_id=night.id, began=began)
    try:
        yield entry
    except (asyncio.CancelledError, NightEnded):
        if entry.outcome == "failed":
            entry.outcome = "interrupted"
        raise
    except NightFailed as error:
        if entry.outcome == "failed" and error.why == FORGOTTEN_MEANWHILE:
            entry.outcome = "interrupted"  # it starts again
        raise
    finally:
        await core.store_thread.run(entry.write)


async def _judge(
    services: NightServices,
    tonight: Sequence[Lesson],
    trained: Trained,
    base_sha256: str,
    entry: _Record,
    on_progress: OnProgress,
) -> NightReport:
    """Examine what was trained, adopt or refuse it; `entry` is filled in."""
    core, unlearning = services.core, services.unlearning
    run = core.store_thread.run
    live = await run(generations.live, base_sha256)  # `forget` may have changed it since the beginning
    before = await run(_before, live)
    try:
        candidate = await propose(core, trained, base_sha256, tonight)
        entry.generation_id, entry.backend = candidate.id, trained.backend
        exam, verdict = await examine(core, trained, tonight, live, on_progress, services.gate)
        try:
            verdict = await unlearning.rule(verdict, candidate.id, trained.adapter)
        except AdapterUnknown as error:
            raise NightFailed(FORGOTTEN_MEANWHILE) from error
        results = {
            **(exam.as_json() if exam else {}),
            "compared": verdict.as_json(),
            "train_loss": trained.train_loss,
            "exam_loss": trained.exam_loss,
            **unlearning.record(),
        }
        numbers = partial(record, tonight, before, exam=exam, trained=trained)
        decided = replace(entry, outcome="adopted" if verdict.adopt else "refused")
        decided.numbers = entry.numbers | numbers(total_s=entry.lasted_s, swap_ms=None) | unlearning.record()
        await settle(core, candidate, verdict, results, decided.write)
        entry.outcome, entry.numbers = decided.outcome, decided.numbers
        swap_ms = await swap(core, candidate, trained) if verdict.adopt else None
        unlearning.wipe()
    finally:
        await run(generations.prune)
    total_s = entry.lasted_s
    entry.numbers |= numbers(total_s=total_s, swap_ms=swap_ms)
    return NightReport(
        adopted=verdict.adopt,
        reason=verdict.reason,
        generation=candidate.id,
        lessons=len(tonight),
        exam=results,
        train_s=trained.seconds,
        total_s=total_s,
        swap_ms=swap_ms,
    )


def _before(db: Connection, live: Generation | None) -> Before:
    if live is None:
        return Before()
    lapsed = generations.lapsed(db, live.id)
    return Before(
        learned=generations.memory_ids(db, live.id), lapsed=lapsed, refined=generations.refined(db, lapsed)
    )


async def _why_not(
    core: Core, tonight: Sequence[Lesson], live: Generation | None, by_itself: bool, base_sha256: str
) -> str | None:
    """Why there is nothing to do tonight; None when there is."""
    run = core.store_thread.run
    if not any(lesson.kind == "fact" for lesson in tonight):
        return "nothing to learn: no memory that holds has lessons"
    if missing := await missing_parts(core, tonight, live):
        return f"nothing was trained: {not_asked(missing)}"
    if not by_itself:
        return None
    ids = {
        lesson.id for lesson in tonight if lesson.kind in OWN
    }  # of all others every night may have new ones
    if live is not None and await run(_learned, live.id) == ids:
        return f"nothing new to learn: generation {live.id} has learned all these lessons"
    refused = await run(nights.last_refused, base_sha256, live.id if live else 0)
    if refused is not None and await run(_learned, refused) == ids:
        return f"nothing new to learn: generation {refused} learned these very lessons and was refused"
    return None


def _learned(db: Connection, generation_id: int) -> frozenset[int]:
    """Ids of the lessons that a generation has learned of single memories."""
    ids = generations.lesson_ids(db, generation_id)
    return frozenset(one.id for one in lessons.several(db, list(ids)) if one.kind in OWN)


def _nights_so_far(db: Connection) -> int:
    """How many came to a verdict: one that is interrupted goes on with the same lessons."""
    every = generations.all(db)
    return sum(one.state != "candidate" and one.reason != generations.INTERRUPTED for one in every)


async def prepare(
    core: Core, seed: int, on_progress: OnProgress, *, look_first: bool = False
) -> tuple[list[Lesson], list[Waiting]]:
    """
    Tonight's lessons, and the memories that wait, also those of which none could be made.

    With `look_first`, what changed an older memory lately waits until somebody has looked at it, a day at most.

    What has no lessons yet is studied first, also what gave none before: its words or the model may be others now.
    """
    run = core.store_thread.run
    by, note = authors(await core.engine.info()), "studying"
    unstudied = len(await run(lessons.unstudied, by=by))
    on_progress(Progress(done=0, total=unstudied, unit="memories", note=note))
    _, failures = await generate_missing(core.engine, core.store_thread)
    left = [memory.id for memory in await run(lessons.unstudied, by=by)]
    studied = unstudied - len(left)
    on_progress(Progress(done=studied, total=unstudied, unit="memories", note=note))
    if failures:  # their words are the user's: none of the log's business
        log.warning("Study: no lessons could be made of %s", counted(len(failures), "memory", "memories"))
    on_progress(Progress(done=0, total=1, unit="rounds", note="asking what belongs to no memory"))
    await add_regularisation(core)
    on_progress(Progress(done=1, total=1, unit="rounds", note="asking what belongs to no memory"))
    wait = await run(waiting, date.today())
    if look_first:
        known = {one.memory_id for one in wait}
        wait += [one for one in await run(unseen, datetime.now(UTC)) if one.memory_id not in known]
    waits = {one.memory_id for one in wait}
    without = [
        Waiting(memory_id=id, reason="unasked" if id in failures else "untried")
        for id in left
        if id not in waits
    ]
    return await _composed(core, seed, waits), [*wait, *without]


async def _composed(core: Core, seed: int, waits: Collection[int]) -> list[Lesson]:
    """The lessons of a night, of all memories but those that wait."""
    able, lines = await teachable(core, waiting=waits), await core.store_thread.run(current_lines)
    info = await core.engine.info()
    turn = None if info.tiny else await core.store_thread.run(_nights_so_far)
    return await asyncio.to_thread(
        compose, able, lines, seed=seed, tiny=info.tiny, turn=turn, same=same_question(info)
    )
