"""
Forget, over HTTP: what would go and what else tells it, the forgetting itself, and what the weights show of it.
"""

import asyncio
from collections.abc import Collection

from fastapi import APIRouter
from pydantic import BaseModel, Field

from daemon.api.errors import WireError
from daemon.api.wire import Id, to_json
from daemon.backups.nightly import listed
from daemon.client.schemas import memories as schemas
from daemon.forgetting import files
from daemon.forgetting.forget import Wanted
from daemon.services import Services


class ForgetTarget(BaseModel):
    """What is to be forgotten; two of the first three may be empty."""

    memories: list[Id] = Field(default=[], max_length=1000)
    messages: list[Id] = Field(default=[], max_length=1000)
    chats: list[Id] = Field(
        default=[], max_length=100
    )  # whole ones; memories drawn from them stay, unless named
    keep_memories: list[Id] = Field(default=[], max_length=1000)  # these stay, whatever they tell
    keep_messages: list[Id] = Field(default=[], max_length=1000)
    certain: bool = True  # with all else that tells it for certain

    @property
    def wanted(self) -> Wanted:
        """The same for the service."""
        return Wanted(
            memories=tuple(self.memories),
            messages=tuple(self.messages),
            chats=tuple(self.chats),
            keep_memories=tuple(self.keep_memories),
            keep_messages=tuple(self.keep_messages),
            certain=self.certain,
        )


class ForgetRequest(ForgetTarget):
    """What is forgotten."""

    delete_files: list[str] = Field(default=[], max_length=1000)  # of the inbox or the page, from the preview


class ForgetPreviewRequest(ForgetTarget):
    """What would be forgotten."""

    weights: bool = False  # probe the live generation too


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/forget."""
    router = APIRouter(prefix="/tsubasa/forget", tags=["forgetting"])

    @router.post("")
    async def forget(wanted: ForgetRequest) -> schemas.Forgotten:
        """Take memories, or messages, out of everything; what was done, and what the weights show of it."""
        _check(wanted)
        return await forget_now(services, wanted.wanted, delete_files=wanted.delete_files)

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
        found = await services.forgetting.preview(wanted.wanted, weights=wanted.weights)
        told = await asyncio.to_thread(files.telling_files, services.home, found.facts, found.exports)
        return to_json(schemas.ForgetPreview, found, files=told)

    return router


async def forget_now(
    services: Services, wanted: Wanted, *, delete_files: Collection[str] = ()
) -> schemas.Forgotten:
    """Forget, and report what was done, what stays and why; `delete_files`: exports that go, too."""
    done = await services.forgetting.forget(wanted)
    deleted = await asyncio.to_thread(files.delete, services.home, delete_files)
    told = await asyncio.to_thread(files.telling_files, services.home, done.facts, done.report.exports)
    return to_json(
        schemas.Forgotten,
        done,
        files=[one.path for one in told],
        telling_files=told,
        deleted_files=deleted,
        backups=len(listed(services.home)),
    )


def _check(wanted: ForgetTarget) -> None:
    if not (wanted.memories or wanted.messages or wanted.chats):
        why = "Say which memories, which messages, or which chats, to forget."
        raise WireError(400, why, code="invalid_value", param="memories")
