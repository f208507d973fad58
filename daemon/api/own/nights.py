"""
Background work, over HTTP: order a round of memory work or a night, follow it, and read the reports of past nights.
"""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from daemon.api import night_recipe
from daemon.api.wire import PathId, to_json
from daemon.client.schemas import nights as schemas
from daemon.memory import observe
from daemon.night.report import report_on
from daemon.services import Services
from store import chats, jobs, nights
from store.database import Connection

MOST_LISTED = 50


class Tend(BaseModel):
    """Which chats are read."""

    quiet_s: float = Field(default=0.0, ge=0, le=1e6, allow_inf_nan=False)  # silent for so long
    again: bool = False  # and once more those parts that could not be read, or not all of them


class Order(BaseModel):
    """How a night trains."""

    recipe: dict[str, Any] = {}
    seed: int = Field(default=0, ge=0, lt=2**63)


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa that set work going, and those about nights."""
    router = APIRouter(prefix="/tsubasa", tags=["nights"])
    store_thread = services.store_thread

    @router.post("/tend")
    async def order_memory_work(wanted: Tend) -> schemas.Job:
        """Read quiet chats now. Returns at once."""
        again = {"again": True} if wanted.again else {}  # an order that waits keeps its own
        return to_json(schemas.Job, await services.runner.order("tend", {"quiet_s": wanted.quiet_s, **again}))

    @router.get("/tend")
    async def memory_work() -> schemas.MemoryWork:
        """How the reading of chats goes, and how many wait for it."""
        last = services.consolidation.last
        return {
            "job": await store_thread.run(_latest, "tend"),
            "last": to_json(schemas.Consolidated, last) if last else None,
            "unread": to_json(schemas.Unread, await services.consolidation.unread()),
            "unread_chats": await store_thread.run(chats.count_unread, observe.VERSION),
        }

    @router.post("/night")
    async def order_night(wanted: Order) -> schemas.Job:
        """Order a night. Returns at once."""
        night_recipe.check(wanted.recipe)
        job = await services.runner.order("night", {"recipe": wanted.recipe, "seed": wanted.seed})
        services.nights.asked(job)
        return to_json(schemas.Job, job)

    @router.get("/night")
    async def current_night() -> schemas.CurrentNight:
        """The latest order of a night, its progress, its losses, and what it did."""
        return to_json(
            schemas.CurrentNight,
            services.nights.as_json(),
            job=await store_thread.run(_latest, "night"),
            curve=services.nights.progress.curve.numbers(),
        )

    @router.get("/nights")
    async def list_nights() -> schemas.NightReports:
        """The reports of the last nights, without their losses."""
        found = await store_thread.run(nights.newest, MOST_LISTED)
        reports = [await store_thread.run(report_on, one.id) for one in found]
        return {"nights": [to_json(schemas.NightReport, report, curve=None) for report in reports]}

    @router.get("/nights/latest")
    async def latest_night() -> schemas.NightReport:
        """The report of the last night."""
        return to_json(schemas.NightReport, await store_thread.run(report_on, None))

    @router.get("/nights/{night_id}")
    async def get_night(night_id: PathId) -> schemas.NightReport:
        """The report of one night."""
        return to_json(schemas.NightReport, await store_thread.run(report_on, night_id))

    return router


def _latest(db: Connection, kind: str) -> schemas.Job | None:
    job = jobs.latest(db, kind)
    return to_json(schemas.Job, job) if job else None
