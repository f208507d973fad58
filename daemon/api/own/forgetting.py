"""
Forget, over HTTP: what would go and who else tells it, the forgetting itself, and what the weights show afterwards.

Knows nothing of what is taken from where, and of how a generation is probed.
"""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from daemon.api.own.memories import HIGHEST_ID
from daemon.api.wire_error import WireError
from daemon.forgetting.also_told import also_told
from daemon.forgetting.forget import forget
from daemon.forgetting.left_behind import left_behind
from daemon.forgetting.probe_result import NOTHING_LEARNED, as_json
from daemon.forgetting.weight_probes import facts
from daemon.services import Services
from store import chats, forgetting, memories
from store.database import Connection

WAIT_S = 20.0  # the answer to a `forget` that is done already is held back for its probes, so long at most
LOOK_S = 60.0  # for the probes of a preview
Id = Annotated[int, Field(ge=1, le=HIGHEST_ID)]


class Forget(BaseModel):
    """The body of POST /tsubasa/forget; one of the two may be empty."""

    memories: list[Id] = Field(default=[], max_length=1000)
    messages: list[Id] = Field(default=[], max_length=1000)


class Preview(Forget):
    """The body of POST /tsubasa/forget/preview."""

    weights: bool = False  # probe the live generation too


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/forget."""
    router = APIRouter(prefix="/tsubasa/forget")
    store_thread, unlearning = services.store_thread, services.unlearning

    @router.post("")
    async def forgotten(wanted: Forget) -> dict[str, Any]:
        return await forget_now(services, wanted)

    @router.get("")
    async def probed() -> dict[str, Any]:
        return {"weights": await unlearning.result(0.0), "waiting": len(unlearning.facts)}

    @router.post("/preview")
    async def previewed(wanted: Preview) -> dict[str, Any]:
        await store_thread.run(_check, wanted)
        concerned = await store_thread.run(_concerned, wanted)
        weights = await _look(services, concerned) if wanted.weights else None
        return {
            "memories": concerned.memories,
            "messages": len(concerned.messages),
            "kept_memories": concerned.kept_memories,
            "lessons": len(concerned.lessons),
            "generations": concerned.generations,
            "also_told_by": await store_thread.run(_also_told, concerned.memories),
            "weights": weights,
        }

    return router


async def forget_now(services: Services, wanted: Forget) -> dict[str, Any]:
    """Forget, and report what was done; raises what the check of unknown numbers raises."""
    await services.store_thread.run(_check, wanted)
    base = (await services.generations.model()).sha256
    async with services.conversations.silence():  # an answer under way may tell it
        done = await forget(
            services.store_thread,
            services.engine,
            wanted.memories,
            messages=wanted.messages,
            base_sha256=base,
            unlearning=services.unlearning,
        )
        await services.nights.forget()
        services.tending.forget()
        services.confirmations.forget()
    weights = await in_the_weights(services, done.was_learned)
    files = await asyncio.to_thread(
        left_behind, services.home.inbox, services.home.uploads, done.report.exports
    )
    return {**asdict(done), "weights": weights, "files": [str(file) for file in files]}


async def in_the_weights(services: Services, was_learned: bool) -> dict[str, Any]:
    """What the generation that answers after a `forget` shows of it, as far as that is known soon."""
    return await services.unlearning.result(WAIT_S) if was_learned else as_json(NOTHING_LEARNED)


async def _look(services: Services, concerned: forgetting.Concerned) -> dict[str, Any]:
    """What the live generation knows of what is not forgotten yet."""
    chosen = await services.generations.choose(None)
    told = facts(concerned.lessons, concerned.memories)
    if chosen.number == 0 or not told or services.engine.live is None:
        return as_json(NOTHING_LEARNED, is_preview=True)
    probed = await services.unlearning.probe(
        services.engine.live, chosen.number, told, within_s=LOOK_S, without=concerned.memories
    )
    return as_json(probed, is_preview=True)


def _check(db: Connection, wanted: Forget) -> None:
    """Nothing, or an unknown one, is an error before anything is forgotten."""
    if not (wanted.memories or wanted.messages):
        why = "Say which memories, or which messages, to forget."
        raise WireError(400, why, code="invalid_value", param="memories")
    for memory_id in wanted.memories:
        memories.get(db, memory_id)
    for message_id in wanted.messages:
        chats.get(db, message_id)


def _concerned(db: Connection, wanted: Forget) -> forgetting.Concerned:
    return forgetting.concerned(db, wanted.memories, messages=wanted.messages)


def _also_told(db: Connection, gone: tuple[int, ...]) -> list[int]:
    texts = [memories.get(db, memory_id).text for memory_id in gone]
    held = [one for one in memories.holding(db) if one.id not in gone]
    return also_told(texts, {one.id: one.text for one in held})
