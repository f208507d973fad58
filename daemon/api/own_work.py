"""
Background work and generations, over HTTP: tend, night, generations.

Work is ordered with POST and followed with GET; an order returns at once.
Knows nothing of how the work is done.
"""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from daemon.api import night_recipe
from daemon.services import Services
from store import jobs


class Tend(BaseModel):
    """The body of POST /tsubasa/tend."""

    # chats that were silent for so long are read
    quiet_s: float = Field(default=0.0, ge=0, le=1e6, allow_inf_nan=False)


class Night(BaseModel):
    """The body of POST /tsubasa/night."""

    recipe: dict[str, Any] = {}
    seed: int = Field(default=0, ge=0, lt=2**63)


class Use(BaseModel):
    """The body of POST /tsubasa/generations/use."""

    generation: int = Field(ge=0)  # 0 = the base model


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa that set work going."""
    router = APIRouter(prefix="/tsubasa")

    @router.post("/tend")
    async def tend(wanted: Tend) -> dict[str, Any]:
        return asdict(await services.runner.order("tend", {"quiet_s": wanted.quiet_s}))

    @router.get("/tend")
    async def tended() -> dict[str, Any]:
        last = services.tending.last
        return {"job": await _latest(services, "tend"), "last": asdict(last) if last else None}

    @router.post("/night")
    async def night(wanted: Night) -> dict[str, Any]:
        night_recipe.check(wanted.recipe)
        job = await services.runner.order("night", {"recipe": wanted.recipe, "seed": wanted.seed})
        services.nights.asked(job)
        return asdict(job)

    @router.get("/night")
    async def nights() -> dict[str, Any]:
        return {"job": await _latest(services, "night"), **services.nights.as_json()}

    @router.get("/generations")
    async def generations() -> dict[str, Any]:
        live = await services.generations.live()
        every = await services.generations.all()
        return {"live": live.id if live else 0, "generations": [asdict(one) for one in every]}

    @router.post("/generations/use")
    async def use(wanted: Use) -> dict[str, Any]:
        live = await services.generations.use(wanted.generation)
        return {"live": live.id if live else 0}

    return router


async def _latest(services: Services, kind: str) -> dict[str, Any] | None:
    job = await services.keeper.run(jobs.latest, kind)
    return asdict(job) if job else None
