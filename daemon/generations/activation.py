"""
Which generation answers: give the engine what the store calls live, and take from it what was forgotten.

A generation that saw something forgotten never answers again: it leaves the engine before the next question.
"""

import logging
from collections.abc import Sequence

from daemon.engine.client import Engine
from daemon.engine.errors import AdapterRefused, AdapterUnknown
from daemon.processes.errors import ChildError
from daemon.store_thread import StoreThread
from store import generations
from store.errors import AdapterDamaged
from store.generations import Generation

log = logging.getLogger(__name__)


async def restore_live(store_thread: StoreThread, engine: Engine, base_sha256: str) -> Generation | None:
    """
    Give the engine the generation that the store calls live; None = the base model.

    A damaged adapter is passed over for the newest other one that is whole, and that choice is recorded.
    """
    wanted = await store_thread.run(generations.live, base_sha256)
    if wanted is None:
        await engine.adopt(None)
        return None
    others = [
        one
        for one in reversed(await store_thread.run(generations.all))
        if one.state == "adopted" and one.base_sha256 == base_sha256 and one.id != wanted.id
    ]
    for generation in (wanted, *others):
        try:
            await engine.adopt(await store_thread.run(generations.adapter, generation.id))
        except (AdapterDamaged, AdapterRefused, AdapterUnknown) as error:
            log.error("Generation %d can't answer: %s", generation.id, error)
            continue
        if generation.id != wanted.id:
            await store_thread.run(generations.use, generation.id)
        return generation
    await store_thread.run(generations.use, 0)
    await engine.adopt(None)
    return None


async def answer_without(
    store_thread: StoreThread, engine: Engine, tainted: Sequence[int], base_sha256: str
) -> int:
    """Take these generations from the engine; the number of the one that answers now, 0 = base."""
    every = await store_thread.run(generations.all)
    engine.disown([one.adapter_sha256 for one in every if one.id in tainted])
    try:
        now = await restore_live(store_thread, engine, base_sha256)
    except ChildError as error:
        log.warning("Forgotten; the engine will be told which generation is live when it is well: %s", error)
        now = await store_thread.run(generations.live, base_sha256)
    return now.id if now else 0
