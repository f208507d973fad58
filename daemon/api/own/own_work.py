"""
Memory work, over HTTP: order a round, follow it.

An order returns at once. Knows nothing of how the work is done.
"""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from daemon.memory import observe
from daemon.services import Services
from store import chats, jobs


class Tend(BaseModel):
    """The body of POST /tsubasa/tend."""

    # chats that were silent for so long are read
    quiet_s: float = Field(default=0.0, ge=0, le=1e6, allow_inf_nan=False)
    again: bool = False  # and once more those parts that could not be read, or not all of them


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa that set work going."""
    router = APIRouter(prefix="/tsubasa")

    @router.post("/tend")
    async def tend(wanted: Tend) -> dict[str, Any]:
        again = {"again": True} if wanted.again else {}  # an order that waits keeps its own
        return asdict(await services.runner.order("tend", {"quiet_s": wanted.quiet_s, **again}))

    @router.get("/tend")
    async def tended() -> dict[str, Any]:
        last = services.tending.last
        job = await services.store_thread.run(jobs.latest, "tend")
        return {
            "job": asdict(job) if job else None,
            "last": asdict(last) if last else None,
            "unread": asdict(await services.tending.unread()),
            "unread_chats": await services.store_thread.run(chats.count_unread, observe.VERSION),
        }

    return router
