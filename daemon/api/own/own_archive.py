"""
GET /tsubasa/export: everything that the user told, as lines of JSON.

Knows nothing of the format: `inbox/formats/tsubasa.py` does, which also reads it for /tsubasa/import.
"""

from collections.abc import Iterator
from itertools import islice

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from daemon.inbox.formats import tsubasa
from daemon.services import Services
from store.export import Archive, take_out

LINES_AT_ONCE = 200


def routes(services: Services) -> APIRouter:
    """The one route."""
    router = APIRouter(prefix="/tsubasa")

    @router.get("/export")
    async def export() -> StreamingResponse:
        found = await services.store_thread.run(take_out)
        return StreamingResponse(_chunks(found), media_type="application/x-ndjson")

    return router


def _chunks(found: Archive) -> Iterator[bytes]:
    lines = tsubasa.write(found)
    while chunk := "".join(islice(lines, LINES_AT_ONCE)):
        yield chunk.encode()
