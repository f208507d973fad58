"""
Background work, over HTTP: order a round of memory work or a night, follow it, and read the reports of past nights.
"""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from daemon.api.wire import PathId, to_json
from daemon.client.schemas import nights as schemas
from daemon.memory import observe
from daemon.night.report import report_on
from daemon.services import Services
from store import chats, jobs, nights
from store.database import Connection

MOST_LISTED = 50


class MemoryWorkOrder(BaseModel):
    """Which chats are read."""

    quiet_s: float = Field(default=0.0, ge=0, le=1e6, allow_inf_nan=False)  # silent for so long
    again: bool = False  # and once more those parts that could not be read, or not all of them


class Recipe(BaseModel):
    """
    What an order may change of how a night trains. A mistake is refused here, hours before the night would fail of it.

    The keys and limits are those of the trainer's own recipe, which says what each means; a test compares the two.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    rank: Annotated[int, Field(ge=1, le=256)] | None = None  # null, here and below: by the base model
    alpha: Annotated[float, Field(ge=0.001, le=1024)] | None = None
    layers: Annotated[float, Field(ge=0.01, le=1)] | None = None  # upper part that learns
    d: int = Field(default=5, ge=1, le=64)  # teacher tokens kept for each answer token
    learning_rate: Annotated[float, Field(ge=1e-7, le=1)] | None = None
    weight_decay: float = Field(default=0.0, ge=0, le=1)
    batch: int = Field(default=12, ge=1, le=1024)  # lessons in a step
    epochs: Annotated[float, Field(ge=0.1, le=1000)] | None = None
    steps: Annotated[int, Field(ge=1, le=1_000_000)] | None = None  # null: from epochs
    min_steps: Annotated[int, Field(ge=1, le=100_000)] | None = None
    warmup: float = Field(default=0.05, ge=0, le=0.9)  # share of the steps
    clip: float = Field(default=1.0, ge=0.001, le=1000)  # largest norm of the gradient
    checks: int = Field(default=10, ge=1, le=1000)  # looks at the exam loss
    patience: int = Field(default=6, ge=1, le=1000)  # looks without improvement before it stops
    max_tokens: int = Field(default=4096, ge=16, le=1_000_000)  # of a lesson
    threads: int = Field(default=0, ge=0, le=1024)  # 0: the library's choice
    loss: Literal["rest", "renormalised", "raw", "hard"] = "rest"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    base: Literal["auto", "whole", "held", "nf4"] = "auto"
    checkpointing: Literal["auto", "on", "off"] = "auto"
    device: Literal["auto", "cuda", "mlx", "cpu"] = "auto"


class EstimateOrder(BaseModel):
    """Whether this machine may be measured."""

    measure: bool = True


class NightOrder(BaseModel):
    """How a night trains."""

    recipe: Recipe = Recipe()
    seed: int = Field(default=0, ge=0, lt=2**63)


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa that set work going, and those about nights."""
    router = APIRouter(prefix="/tsubasa", tags=["nights"])
    store_thread = services.store_thread

    @router.post("/tend")
    async def order_memory_work(wanted: MemoryWorkOrder) -> schemas.Job:
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
    async def order_night(wanted: NightOrder) -> schemas.Job:
        """Order a night. Returns at once."""
        recipe = wanted.recipe.model_dump(exclude_unset=True)
        job = await services.runner.order("night", {"recipe": recipe, "seed": wanted.seed})
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

    @router.post("/night/stop")
    async def stop_night() -> schemas.CurrentNight:
        """End the night that runs; what answers is untouched, and none begins by itself today."""
        await services.nights.stop()
        return await current_night()

    @router.get("/night/estimate")
    async def night_estimate() -> schemas.NightEstimate:
        """What the next night would do and cost, as far as this machine was measured."""
        return await _foreseen(services, measure=False)

    @router.post("/night/estimate")
    async def measured_estimate(wanted: EstimateOrder) -> schemas.NightEstimate:
        """The same; measures this machine first where that was not done yet, which can take a minute or two."""
        return await _foreseen(services, measure=wanted.measure)

    _reports(router, services)
    return router


def _reports(router: APIRouter, services: Services) -> None:
    """The routes of past nights."""
    store_thread = services.store_thread

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


async def _foreseen(services: Services, *, measure: bool) -> schemas.NightEstimate:
    found, hours_s = await services.nights.foresee(measure=measure)
    return to_json(schemas.NightEstimate, found, total_s=found.cost.total_s, hours_s=hours_s)


def _latest(db: Connection, kind: str) -> schemas.Job | None:
    job = jobs.latest(db, kind)
    return to_json(schemas.Job, job) if job else None
