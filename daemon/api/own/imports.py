"""
Imports, over HTTP: look into a file, take it in, list what was taken in, undo one; and the export of everything.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from daemon.api.errors import WireError
from daemon.api.wire import Id, PathId, to_json
from daemon.client.schemas import memories as schemas
from daemon.inbox.formats import tsubasa
from daemon.inbox.importer import take_in
from daemon.inbox.preview import look_into
from daemon.services import Services
from store import import_undo, imports, memories
from store.database import Connection
from store.export import Archive, take_out_in_slices

LINES_AT_ONCE = 200  # of an export


class ImportFile(BaseModel):
    """One export, a file of this machine."""

    file: Path  # absolute
    strict: bool = False  # refuse it for one broken conversation


class ImportNumber(BaseModel):
    """Which import is undone."""

    number: Id


def routes(services: Services) -> APIRouter:
    """The routes /tsubasa/import and /tsubasa/export."""
    router = APIRouter(prefix="/tsubasa", tags=["imports"])
    store_thread, largest = services.store_thread, services.settings.config.largest_import

    @router.post("/import")
    async def import_file(wanted: ImportFile) -> schemas.Imported:
        """Take one export in."""
        _check(wanted)
        taken = await take_in(store_thread, wanted.file, largest=largest, strict=wanted.strict)
        await services.runner.order("index", {})
        return to_json(schemas.Imported, taken)

    @router.post("/import/preview")
    async def preview(wanted: ImportFile) -> schemas.ImportPreview:
        """What is in the file, and what of that would be new; nothing is stored."""
        _check(wanted)
        return to_json(schemas.ImportPreview, await look_into(store_thread, wanted.file, largest=largest))

    @router.get("/import/{number}")
    async def get_import(number: PathId) -> schemas.ImportDetail:
        """One import, and what undoing it would take."""
        found = await store_thread.run(imports.get, number)
        concerned = await store_thread.run(import_undo.concerned, number)
        return {
            "import": to_json(schemas.Import, found),
            "messages": len(concerned.messages),
            "memories": list(concerned.memories),
            "lines": await store_thread.run(_lines, concerned.memories),
            "lessons": len(concerned.lessons),
            "generations": list(concerned.tainted_by_it),
        }

    @router.get("/import")
    async def list_imports() -> schemas.Imports:
        """What was taken in and not undone."""
        return {"imports": [to_json(schemas.Import, one) for one in await store_thread.run(imports.listed)]}

    @router.post("/import/undo")
    async def undo(wanted: ImportNumber) -> schemas.ImportUndone:
        """Take back an import and all that came of it alone."""
        done = await services.forgetting.undo_import(wanted.number)
        await services.runner.order("index", {})
        return to_json(schemas.ImportUndone, done)

    @router.get("/export", response_class=StreamingResponse)
    async def export() -> StreamingResponse:
        """All chats and memories as JSON lines, which `POST /tsubasa/import` reads."""
        found = await store_thread.run_in_slices(take_out_in_slices)
        return StreamingResponse(_lines_of(found), media_type="application/x-ndjson")

    return router


def _lines(db: Connection, memory_ids: tuple[int, ...]) -> list[schemas.Line]:
    return [{"id": id, "line": line} for id, line in sorted(memories.lines(db, memory_ids).items())]


def _check(wanted: ImportFile) -> None:
    if not wanted.file.is_absolute():
        raise WireError(400, "file must be an absolute path.", code="invalid_value", param="file")


def _lines_of(found: Archive) -> Iterator[bytes]:
    lines = tsubasa.write(found)
    while chunk := "".join(islice(lines, LINES_AT_ONCE)):
        yield chunk.encode()
