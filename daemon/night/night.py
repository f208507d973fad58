"""
One night: lessons -> trainer -> exam -> adopt or refuse. And the two ways back: restore and forget.

Promises: until a candidate has passed, nothing changes for those who chat; a night that fails leaves the
live generation as it was; a generation that saw something forgotten never answers again. Knows nothing of
when nights are due.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from daemon.child_errors import ChildError
from daemon.engine.client import Engine
from daemon.engine.errors import AdapterRefused, AdapterUnknown
from daemon.keeper import Keeper
from daemon.memory.abstaining import mentioned
from daemon.memory.standing import held_lines, round_out
from daemon.memory.study import study_missing
from daemon.memory.waiting import waiting
from daemon.night.adopt import Verdict, decide
from daemon.night.compose import compose
from daemon.night.errors import NightFailed
from daemon.night.exam import Exam, sit
from daemon.night.run import Progress as Progress
from daemon.night.run import Trained, train
from store import generations, lessons, memories
from store.errors import AdapterDamaged, GenerationUnusable, NoSuchLesson
from store.generations import Generation
from store.lessons import Lesson
from store.memories import ForgetReport

log = logging.getLogger(__name__)

FORGOTTEN_MEANWHILE = "something it learned from was forgotten meanwhile"


@dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """What one night did."""

    adopted: bool
    reason: str  # why it was adopted or refused, for a person
    generation: int | None  # id of the generation that was made; None when there was nothing to learn
    lessons: int
    exam: Mapping[str, object]  # JSON-able
    train_s: float
    total_s: float
    swap_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What `forget` did, and which generation answers now."""

    report: ForgetReport
    was_live: int  # 0 = base
    now_live: int


async def run_night(
    keep: Keeper,
    engine: Engine,
    *,
    model_path: Path,
    recipe: Mapping[str, object] | None = None,
    runtime_dir: Path | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    seed: int = 0,
    trainer: Sequence[str] = (),
    by_itself: bool = False,
) -> NightReport:
    """
    One whole night.

    Args:
        recipe: overrides of the trainer's recipe.
        runtime_dir: where the trainer's private folder is made; None: in memory, where there is such a place.
        trainer: another command than our trainer's.
        by_itself: nobody asked for it; then it is left out when the live generation has these very lessons.

    Raises:
        NightFailed: the trainer did not finish, or what it learned from was forgotten since; nothing changed.
    """
    began = time.monotonic()
    base_sha256 = (await engine.info()).sha256
    tonight = await _prepare(keep, engine, seed, on_progress)
    if why_not := await _why_not(keep, tonight, base_sha256, by_itself):
        return _left_out(why_not, time.monotonic() - began)
    trained = await train(
        tonight,
        model_path=model_path,
        recipe=recipe or {},
        seed=seed,
        runtime_dir=runtime_dir,
        on_progress=on_progress,
        argv=trainer,
    )
    try:
        candidate = await _propose(keep, trained, base_sha256, tonight)
        exam, verdict = await _examine(keep, engine, trained, base_sha256, tonight, on_progress)
        record = {
            **(exam.as_json() if exam else {}),
            "train_loss": trained.train_loss,
            "exam_loss": trained.exam_loss,
        }
        swap_ms = await _settle(keep, engine, candidate, trained, verdict, record)
    finally:
        await keep.run(generations.prune)
    return NightReport(
        adopted=verdict.adopt,
        reason=verdict.reason,
        generation=candidate.id,
        lessons=len(tonight),
        exam=record,
        train_s=trained.seconds,
        total_s=time.monotonic() - began,
        swap_ms=swap_ms,
    )


async def restore_live(keep: Keeper, engine: Engine, base_sha256: str) -> Generation | None:
    """
    Give the engine the generation that the store calls live; None = the base model.

    A damaged adapter is passed over for the newest other one that is whole, and that choice is recorded.
    """
    wanted = await keep.run(generations.live, base_sha256)
    if wanted is None:
        await engine.adopt(None)
        return None
    others = [
        one
        for one in reversed(await keep.run(generations.all))
        if one.state == "adopted" and one.base_sha256 == base_sha256 and one.id != wanted.id
    ]
    for generation in (wanted, *others):
        try:
            await engine.adopt(await keep.run(generations.adapter, generation.id))
        except (AdapterDamaged, AdapterRefused, AdapterUnknown) as error:
            log.error("Generation %d can't answer: %s", generation.id, error)
            continue
        if generation.id != wanted.id:
            await keep.run(generations.use, generation.id)
        return generation
    await keep.run(generations.use, 0)
    await engine.adopt(None)
    return None


async def forget(
    keep: Keeper,
    engine: Engine,
    memory_ids: Sequence[int],
    *,
    messages: Sequence[int] = (),
    base_sha256: str,
) -> Forgotten:
    """
    Forget these memories and messages in all that is kept; a clean generation answers from then on.

    The engine need not be well: what it must not use is taken from it here, before it is asked for anything.

    Args:
        base_sha256: of the model that is served.
    """
    before = await keep.run(generations.live, base_sha256)
    report = await keep.run(memories.forget, list(memory_ids), messages=list(messages))
    now_live = await answer_without(keep, engine, report.generations, base_sha256)
    return Forgotten(report=report, was_live=before.id if before else 0, now_live=now_live)


async def answer_without(keep: Keeper, engine: Engine, tainted: Sequence[int], base_sha256: str) -> int:
    """Take these generations from the engine; the number of the one that answers now, 0 = base."""
    every = await keep.run(generations.all)
    engine.disown([one.adapter_sha256 for one in every if one.id in tainted])
    try:
        now = await restore_live(keep, engine, base_sha256)
    except ChildError as error:
        log.warning("Forgotten; the engine will be told which generation is live when it is well: %s", error)
        now = await keep.run(generations.live, base_sha256)
    return now.id if now else 0


async def _why_not(keep: Keeper, tonight: Sequence[Lesson], base_sha256: str, by_itself: bool) -> str | None:
    """Why there is nothing to do tonight; None when there is."""
    if not any(lesson.kind == "fact" for lesson in tonight):
        return "nothing to learn: no memory that holds has lessons"
    live = await keep.run(generations.live, base_sha256)
    if not by_itself or live is None:
        return None
    learned = await keep.run(generations.lesson_ids, live.id)
    if learned != {lesson.id for lesson in tonight}:
        return None
    return f"nothing new to learn: generation {live.id} has learned all these lessons"


def _left_out(reason: str, total_s: float) -> NightReport:
    return NightReport(
        adopted=False,
        reason=reason,
        generation=None,
        lessons=0,
        exam={},
        train_s=0.0,
        total_s=total_s,
        swap_ms=None,
    )


async def _prepare(
    keep: Keeper, engine: Engine, seed: int, on_progress: Callable[[Progress], None]
) -> list[Lesson]:
    """Tonight's lessons; memories that have none yet are studied first."""
    on_progress(Progress(done=0, total=0, unit="lessons", note="studying"))
    _, failures = await study_missing(engine, keep)
    if failures:  # their words are the user's: none of the log's business
        log.warning("Study: no lessons could be made of %d memories", len(failures))
    await round_out(engine, keep)
    held = await keep.run(lessons.holding)
    wait = {one.memory_id for one in await keep.run(waiting, date.today())}
    said = await keep.run(mentioned)
    return compose(held, await keep.run(held_lines), said, seed=seed, waiting=wait)


async def _propose(keep: Keeper, trained: Trained, base_sha256: str, tonight: Sequence[Lesson]) -> Generation:
    try:
        return await keep.run(
            generations.propose,
            trained.adapter,
            base_sha256=base_sha256,
            lesson_ids=[lesson.id for lesson in tonight],
        )
    except NoSuchLesson as error:
        raise NightFailed(FORGOTTEN_MEANWHILE) from error


async def _examine(
    keep: Keeper,
    engine: Engine,
    trained: Trained,
    base_sha256: str,
    tonight: Sequence[Lesson],
    on_progress: Callable[[Progress], None],
) -> tuple[Exam | None, Verdict]:
    """The exam and its verdict; an adapter that the engine does not take has failed without one."""
    try:
        sha256 = await engine.load(trained.adapter)
    except AdapterRefused as error:
        return None, Verdict(adopt=False, reason=str(error))
    except AdapterUnknown as error:
        raise NightFailed(FORGOTTEN_MEANWHILE) from error
    has_live = await keep.run(generations.live, base_sha256) is not None
    try:
        exam = await sit(engine, tonight, candidate=sha256, has_live=has_live, on_progress=on_progress)
    except AdapterUnknown as error:
        raise NightFailed(FORGOTTEN_MEANWHILE) from error
    finally:
        await engine.unload(sha256)
    return exam, decide(exam)


async def _settle(
    keep: Keeper,
    engine: Engine,
    candidate: Generation,
    trained: Trained,
    verdict: Verdict,
    record: Mapping[str, object],
) -> float | None:
    """Record the verdict and, when it is yes, swap; returns the milliseconds of the swap."""
    decide_on = generations.adopt if verdict.adopt else generations.refuse
    try:
        await keep.run(decide_on, candidate.id, record, verdict.reason)
    except GenerationUnusable as error:  # tainted while it sat its exam
        raise NightFailed(FORGOTTEN_MEANWHILE) from error
    if not verdict.adopt:
        return None
    try:
        return await engine.adopt(trained.adapter)
    except ChildError as error:
        log.warning("Generation %d could not be swapped in, trying again: %s", candidate.id, error)
        return await _swap_again(keep, engine, candidate)


async def _swap_again(keep: Keeper, engine: Engine, adopted: Generation) -> float:
    """The swap after one that failed, in milliseconds with the start of the engine."""
    began = time.monotonic()
    live = await restore_live(keep, engine, adopted.base_sha256)
    if live is None or live.id != adopted.id:
        raise NightFailed(f"the engine could not take generation {adopted.id}")
    return (time.monotonic() - began) * 1000
