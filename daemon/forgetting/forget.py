"""
The ways back: give the engine what the store calls live, and take from it what was forgotten.

Promises: a generation that saw something forgotten never answers again; what must not be used is taken from
the engine before it is asked for anything. Knows nothing of how nights run.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.engine.client import Engine
from daemon.forgetting.verification import Unlearning
from daemon.forgetting.weight_probes import Fact, facts
from daemon.generations.activation import answer_without
from daemon.store_thread import StoreThread
from store import forgetting, generations, memories
from store.database import Connection
from store.memories import ForgetReport

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What `forget` did, and which generation answers now."""

    report: ForgetReport
    was_live: int  # 0 = base
    now_live: int
    was_learned: bool  # by any generation, also by one that was tainted before


async def forget(
    store_thread: StoreThread,
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

    def take(db: Connection) -> tuple[list[Fact], bool, ForgetReport]:
        concerned = forgetting.concerned(db, memory_ids, messages=messages)
        report = memories.forget(db, list(memory_ids), messages=list(messages))
        return facts(concerned.lessons, concerned.memories), bool(concerned.generations), report

    before = await store_thread.run(generations.live, base_sha256)
    told, was_learned, report = await store_thread.run(take)
    now_live = await answer_without(store_thread, engine, report.generations, base_sha256)
    if unlearning is not None and was_learned:
        unlearning.begin(told, now_live)
    return Forgotten(
        report=report, was_live=before.id if before else 0, now_live=now_live, was_learned=was_learned
    )
