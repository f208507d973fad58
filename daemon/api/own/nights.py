"""
Nights, over HTTP: order one, follow it, list those that were, read a morning's report.

Knows nothing of how a night is run.
"""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from daemon.api import night_recipe
from daemon.api.own.memories import HIGHEST_ID
from daemon.night.report import report_on
from daemon.services import Services
from store import jobs, nights

MOST_LISTED = 50
PathId = Annotated[int, Path(ge=1, le=HIGHEST_ID)]


class Order(BaseModel):
    """The body of POST /tsubasa/night."""

    recipe: dict[str, Any] = {}
    seed: int = Field(default=0, ge=0, lt=2**63)


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa that are about nights."""
    router = APIRouter(prefix="/tsubasa")
    store_thread = services.store_thread

    @router.post("/night")
    async def order(wanted: Order) -> dict[str, Any]:
        night_recipe.check(wanted.recipe)
        job = await services.runner.order("night", {"recipe": wanted.recipe, "seed": wanted.seed})
        services.nights.asked(job)
        return asdict(job)

    @router.get("/night")
    async def followed() -> dict[str, Any]:
        job = await store_thread.run(jobs.latest, "night")
        curve = services.nights.progress.curve.numbers()
        return {"job": asdict(job) if job else None, **services.nights.as_json(), "curve": curve}

    @router.get("/nights")
    async def listed() -> dict[str, Any]:
        found = await store_thread.run(nights.newest, MOST_LISTED)
        reports = [await store_thread.run(report_on, one.id) for one in found]
        return {"nights": [{**report, "curve": None} for report in reports]}  # drawn one at a time

    @router.get("/nights/latest")
    async def latest() -> dict[str, Any]:
        return await store_thread.run(report_on, None)

    @router.get("/nights/{night_id}")
    async def one(night_id: PathId) -> dict[str, Any]:
        return await store_thread.run(report_on, night_id)

    return router
