"""Forget, over HTTP: what would go and who else tells it, the forgetting itself, and what the weights show of it."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from daemon.api.own.memories import HIGHEST_ID
from daemon.api.wire_error import WireError
from daemon.forgetting.forget import exports_left
from daemon.services import Services

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

    @router.post("")
    async def forgotten(wanted: Forget) -> dict[str, Any]:
        _check(wanted)
        return await forget_now(services, wanted.memories, messages=wanted.messages)

    @router.get("")
    async def probed() -> dict[str, Any]:
        unlearning = services.unlearning
        return {"weights": await unlearning.result(0.0), "waiting": len(unlearning.facts)}

    @router.post("/preview")
    async def previewed(wanted: Preview) -> dict[str, Any]:
        _check(wanted)
        found = await services.forgetting.preview(
            wanted.memories, messages=wanted.messages, weights=wanted.weights
        )
        return asdict(found)

    return router


async def forget_now(
    services: Services, memory_ids: list[int], *, messages: list[int] | None = None
) -> dict[str, Any]:
    """Forget, and report what was done, with the export files that still tell it."""
    done = await services.forgetting.forget(memory_ids, messages=messages or [])
    files = await asyncio.to_thread(exports_left, services.home, done.report.exports)
    return {**asdict(done), "files": files}


def _check(wanted: Forget) -> None:
    if not (wanted.memories or wanted.messages):
        why = "Say which memories, or which messages, to forget."
        raise WireError(400, why, code="invalid_value", param="memories")
