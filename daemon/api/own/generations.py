"""
Generations, over HTTP: list, show, compare, choose, go back, ask one, take an adapter out.

Knows nothing of how the work is done.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from daemon.api.own.memories import HIGHEST_ID
from daemon.engine.client import Sampling
from daemon.generations.lineage import compared, shown
from daemon.services import Services
from store import generations
from store.database import Connection
from store.errors import AdapterDamaged
from store.generations import Generation

MAX_ANSWER_TOKENS = 256
Number = Annotated[int, Field(ge=0, le=HIGHEST_ID)]  # 0 = the base model
PathNumber = Annotated[int, Path(ge=0, le=HIGHEST_ID)]


class Use(BaseModel):
    """The body of POST /tsubasa/generations/use."""

    generation: Number


class Ask(BaseModel):
    """The body of POST /tsubasa/generations/ask."""

    generation: Number
    question: str = Field(min_length=1, max_length=20_000)


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/generations."""
    router = APIRouter(prefix="/tsubasa/generations")
    store_thread = services.store_thread

    @router.get("")
    async def listed() -> dict[str, Any]:
        live = await services.generations.live()
        every = await services.generations.all()
        return {
            "live": live.id if live else 0,
            "generations": [_told(one, await services.generations.why_not_this(one)) for one in every],
        }

    @router.post("/use")
    async def use(wanted: Use) -> dict[str, Any]:
        live = await services.generations.use(wanted.generation)
        return {"live": live.id if live else 0}

    @router.post("/rollback")
    async def rollback() -> dict[str, Any]:
        before, now = await services.generations.roll_back()
        return {"was_live": before, "live": now}

    @router.post("/ask")
    async def ask(wanted: Ask) -> dict[str, Any]:
        """An answer of one generation, without memories; nothing of it is kept."""
        chosen = await services.generations.choose(wanted.generation)
        said = await services.engine.complete(
            [{"role": "user", "content": wanted.question}],
            sampling=Sampling(max_tokens=MAX_ANSWER_TOKENS),
            adapter=chosen.adapter,
        )
        return {"generation": chosen.number, "answer": said.text, "tokens": said.completion_tokens}

    @router.get("/compare")
    async def compare(a: Number, b: Number) -> dict[str, Any]:
        found = await store_thread.run(compared, a, b)
        reasons = {number: await services.generations.why_not(number) for number in (a, b)}
        return {**found, "why_not": {str(number): why for number, why in reasons.items() if why}}

    @router.get("/{number}")
    async def one(number: PathNumber) -> dict[str, Any]:
        found = await store_thread.run(generations.get, number)
        why_not = await services.generations.why_not_this(found) or await store_thread.run(_damage, found)
        return {"generation": _told(found, why_not), **await store_thread.run(shown, found)}

    @router.get("/{number}/adapter")
    async def adapter(number: PathNumber) -> Response:
        blob = await services.generations.adapter(number)
        return Response(blob, media_type="application/octet-stream", headers={"cache-control": "no-store"})

    return router


def _told(generation: Generation, why_not: str | None) -> Mapping[str, Any]:
    """One generation as it goes over the wire: the exam without its single marks, and why it can't answer."""
    exam = {name: value for name, value in generation.exam.items() if name not in ("marks", "missed")}
    return {**asdict(generation), "exam": exam, "why_not": why_not}


def _damage(db: Connection, generation: Generation) -> str | None:
    """What is wrong with its adapter, all of which is read for that."""
    try:
        generations.adapter(db, generation.id)
    except AdapterDamaged as error:
        return f"its adapter is damaged: {error.why}"
    return None
