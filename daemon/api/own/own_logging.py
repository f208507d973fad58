"""
Whether chats are kept, over HTTP: look, pause, resume.

Knows nothing of what a pause does to a chat: `store/off_record.py` does.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field, StrictBool, StrictInt

from daemon.api.wire_error import WireError
from daemon.services import Services
from store import off_record
from store.off_record import Logging

LONGEST_MINUTES = 366 * 24 * 60


class Switch(BaseModel):
    """The body of POST /tsubasa/logging."""

    on: StrictBool
    for_minutes: StrictInt | None = Field(default=None, ge=1, le=LONGEST_MINUTES)  # None: until it is resumed


def routes(services: Services) -> APIRouter:
    """The routes at /tsubasa/logging."""
    router = APIRouter(prefix="/tsubasa")
    store_thread = services.store_thread

    @router.get("/logging")
    async def looked() -> dict[str, Any]:
        return as_json(await store_thread.run(off_record.logging, at=datetime.now(UTC)))

    @router.post("/logging")
    async def switched(wanted: Switch) -> dict[str, Any]:
        now = datetime.now(UTC)
        if wanted.on and wanted.for_minutes is not None:
            raise WireError(
                400,
                "for_minutes says how long a pause lasts, and on: true ends one. Send one of them only.",
                code="invalid_value",
                param="for_minutes",
            )
        if wanted.on:
            await store_thread.run(off_record.resume)
        else:
            minutes = wanted.for_minutes
            until = now + timedelta(minutes=minutes) if minutes is not None else None
            await store_thread.run(off_record.pause, until=until)
        return as_json(await store_thread.run(off_record.logging, at=now))

    return router


def as_json(logging: Logging) -> dict[str, Any]:
    """Whether chats are kept, and until when not; for the wire."""
    return {"on": logging.on, "until": logging.until}
