"""
Imports, over HTTP: take a file in, list what was taken in, undo one.

Knows nothing of formats.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from daemon.api.own_forgetting import in_the_weights
from daemon.api.wire_error import WireError
from daemon.inbox.take_in import take_in
from daemon.night.undo import undo_import
from daemon.services import Services
from store import imports

HIGHEST_ID = 2**63 - 1  # that the store can hold


class Import(BaseModel):
    """The body of POST /tsubasa/import."""

    file: Path  # absolute


class Undo(BaseModel):
    """The body of POST /tsubasa/import/undo."""

    number: Annotated[int, Field(ge=1, le=HIGHEST_ID)]


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/import."""
    router = APIRouter(prefix="/tsubasa/import")
    keep = services.keeper

    @router.post("")
    async def imported(wanted: Import) -> dict[str, Any]:
        if not wanted.file.is_absolute():
            raise WireError(400, "file must be an absolute path.", code="invalid_value", param="file")
        taken = await take_in(keep, wanted.file, largest=services.settings.config.largest_import)
        await services.runner.order("index", {})
        return asdict(taken)

    @router.get("")
    async def listed() -> dict[str, Any]:
        return {"imports": [asdict(one) for one in await keep.run(imports.listed)]}

    @router.post("/undo")
    async def undone(wanted: Undo) -> dict[str, Any]:
        base = (await services.generations.model()).sha256
        async with services.conversations.silence():  # an answer under way may tell of it
            done = await undo_import(
                keep, services.engine, wanted.number, base_sha256=base, unlearning=services.unlearning
            )
            await services.nights.forget()
            services.tending.forget()
        await services.runner.order("index", {})
        return {**asdict(done), "weights": await in_the_weights(services, done.was_learned)}

    return router
