"""
Imports, over HTTP: look into a file, take it in, list what was taken in, see what undoing one would take, undo it.

Knows nothing of formats.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Path as PathParameter
from pydantic import BaseModel, Field

from daemon.api.own.memories import HIGHEST_ID
from daemon.api.wire_error import WireError
from daemon.inbox.importer import take_in
from daemon.inbox.preview import look_into
from daemon.services import Services
from store import import_undo, imports, memories
from store.database import Connection


class Import(BaseModel):
    """The body of POST /tsubasa/import, and of /tsubasa/import/preview."""

    file: Path  # absolute


class Undo(BaseModel):
    """The body of POST /tsubasa/import/undo."""

    number: Annotated[int, Field(ge=1, le=HIGHEST_ID)]


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/import."""
    router = APIRouter(prefix="/tsubasa/import")
    store_thread = services.store_thread

    @router.post("")
    async def imported(wanted: Import) -> dict[str, Any]:
        _check(wanted)
        taken = await take_in(store_thread, wanted.file, largest=services.settings.config.largest_import)
        await services.runner.order("index", {})
        return asdict(taken)

    @router.post("/preview")
    async def previewed(wanted: Import) -> dict[str, Any]:
        """What is in the file, and what of that would be new; nothing is stored."""
        _check(wanted)
        return asdict(
            await look_into(store_thread, wanted.file, largest=services.settings.config.largest_import)
        )

    @router.get("/{number}")
    async def one(number: Annotated[int, PathParameter(ge=1, le=HIGHEST_ID)]) -> dict[str, Any]:
        """What undoing an import would take."""
        found = await store_thread.run(imports.get, number)
        concerned = await store_thread.run(import_undo.concerned, number)
        return {
            "import": asdict(found),
            "messages": len(concerned.messages),
            "memories": concerned.memories,
            "lines": await store_thread.run(_lines, concerned.memories),
            "lessons": len(concerned.lessons),
            "generations": concerned.generations,
        }

    @router.get("")
    async def listed() -> dict[str, Any]:
        return {"imports": [asdict(one) for one in await store_thread.run(imports.listed)]}

    @router.post("/undo")
    async def undone(wanted: Undo) -> dict[str, Any]:
        done = await services.forgetting.undo_import(wanted.number)
        await services.runner.order("index", {})
        return asdict(done)

    return router


def _lines(db: Connection, memory_ids: tuple[int, ...]) -> list[dict[str, Any]]:
    return [{"id": id, "line": line} for id, line in sorted(memories.lines(db, memory_ids).items())]


def _check(wanted: Import) -> None:
    if not wanted.file.is_absolute():
        raise WireError(400, "file must be an absolute path.", code="invalid_value", param="file")
