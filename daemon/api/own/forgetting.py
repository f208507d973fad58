"""
Forget, over HTTP: what would go and what else tells it, the forgetting itself, and what the weights show of it.
"""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter
from pydantic import BaseModel, Field

from daemon.api.errors import WireError
from daemon.api.wire import Id, to_json
from daemon.client.schemas import memories as schemas
from daemon.forgetting.forget import exports_left
from daemon.services import Services


class ForgetRequest(BaseModel):
    """What is forgotten; one of the two may be empty."""

    memories: list[Id] = Field(default=[], max_length=1000)
    messages: list[Id] = Field(default=[], max_length=1000)


class ForgetPreviewRequest(ForgetRequest):
    """What would be forgotten."""

    weights: bool = False  # probe the live generation too


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/forget."""
    router = APIRouter(prefix="/tsubasa/forget", tags=["forgetting"])

    @router.post("")
    async def forget(wanted: ForgetRequest) -> schemas.Forgotten:
        """Take memories, or messages, out of everything; what was done, and what the weights show of it."""
        _check(wanted)
        return await forget_now(services, wanted.memories, messages=wanted.messages)

    @router.get("")
    async def probed() -> schemas.ForgetProbes:
        """What the probes of the weights found since."""
        unlearning = services.unlearning
        weights = to_json(schemas.ProbeResult, await unlearning.result(0.0))
        return {"weights": weights, "waiting": len(unlearning.facts)}

    @router.post("/preview")
    async def preview(wanted: ForgetPreviewRequest) -> schemas.ForgetPreview:
        """What would go, and what else tells it; nothing is changed."""
        _check(wanted)
        found = await services.forgetting.preview(
            wanted.memories, messages=wanted.messages, weights=wanted.weights
        )
        return to_json(schemas.ForgetPreview, found)

    return router


async def forget_now(
    services: Services, memory_ids: Sequence[int], *, messages: Sequence[int] = ()
) -> schemas.Forgotten:
    """Forget, and report what was done, with the export files that still tell it."""
    done = await services.forgetting.forget(memory_ids, messages=messages)
    files = await asyncio.to_thread(exports_left, services.home, done.report.exports)
    return to_json(schemas.Forgotten, done, files=files)


def _check(wanted: ForgetRequest) -> None:
    if not (wanted.memories or wanted.messages):
        why = "Say which memories, or which messages, to forget."
        raise WireError(400, why, code="invalid_value", param="memories")
