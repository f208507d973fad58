"""
The ways back: give the engine what the store calls live, and take from it what was forgotten.

Promises: a generation that saw something forgotten never answers again; what must not be used is taken from
the engine before it is asked for anything. Knows nothing of how nights run.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from daemon.engine.client import Engine
from daemon.engine.errors import AdapterRefused, AdapterUnknown
from daemon.forgetting.verification import Unlearning
from daemon.forgetting.weight_probes import Fact, facts
from daemon.processes.errors import ChildError
from daemon.store_thread import Keeper
from store import forgetting, generations, memories
from store.errors import AdapterDamaged
from store.generations import Generation
from store.memories import ForgetReport

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What `forget` did, and which generation answers now."""

    report: ForgetReport
    was_live: int  # 0 = base
    now_live: int
    was_learned: bool  # by any generation, also by one that was tainted before


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
    unlearning: Unlearning | None = None,
) -> Forgotten:
    """
    Forget these memories and messages in all that is kept; a clean generation answers from then on.

    The engine need not be well: what it must not use is taken from it here, before it is asked for anything.

    Args:
        base_sha256: of the model that is served.
        unlearning: is given what a generation had learned, and probes the one that answers now by itself.
    """

    def take(db: Any) -> tuple[list[Fact], bool, ForgetReport]:
        concerned = forgetting.concerned(db, memory_ids, messages=messages)
        report = memories.forget(db, list(memory_ids), messages=list(messages))
        return facts(concerned.lessons, concerned.memories), bool(concerned.generations), report

    before = await keep.run(generations.live, base_sha256)
    told, was_learned, report = await keep.run(take)
    now_live = await answer_without(keep, engine, report.generations, base_sha256)
    if unlearning is not None and was_learned:
        unlearning.begin(told, now_live)
    return Forgotten(
        report=report, was_live=before.id if before else 0, now_live=now_live, was_learned=was_learned
    )


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
