"""
Generations, over HTTP: list, show, compare, choose, go back, ask one, take an adapter out.
"""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from daemon.api.wire import HIGHEST_ID, to_json
from daemon.client.schemas import nights as schemas
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


class GenerationChoice(BaseModel):
    """Which generation answers; 0 is the base model."""

    generation: Number


class GenerationQuestion(BaseModel):
    """A question to one generation; 0 is the base model."""

    generation: Number
    question: str = Field(min_length=1, max_length=20_000)


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/generations."""
    router = APIRouter(prefix="/tsubasa/generations", tags=["generations"])
    store_thread = services.store_thread

    @router.get("")
    async def list_generations() -> schemas.Generations:
        """What the nights made, and which one answers."""
        live = await services.generations.live()
        every = await services.generations.all()
        return {
            "live": live.id if live else 0,
            "generations": [_to_json(one, await services.generations.why_not_this(one)) for one in every],
        }

    @router.get("/compare")
    async def compare(a: Number, b: Number) -> schemas.Comparison:
        """Two generations by their exams, and what only one of them learned."""
        found = await store_thread.run(compared, a, b)
        reasons = {number: await services.generations.why_not(number) for number in (a, b)}
        why_not = {str(number): why for number, why in reasons.items() if why}
        return to_json(schemas.Comparison, found, why_not=why_not)

    @router.get("/{number}")
    async def get_generation(number: PathNumber) -> schemas.GenerationDetail:
        """One generation, with its exam, its lessons by kind, and what it learned."""
        found = await store_thread.run(generations.get, number)
        why_not = await services.generations.why_not_this(found) or await store_thread.run(_damage, found)
        made_of = await store_thread.run(shown, found)
        return to_json(schemas.GenerationDetail, made_of, generation=_to_json(found, why_not))

    @router.get("/{number}/adapter", response_class=Response)
    async def adapter(number: PathNumber) -> Response:
        """Its adapter, a GGUF file."""
        blob = await services.generations.adapter(number)
        return Response(blob, media_type="application/octet-stream", headers={"cache-control": "no-store"})

    _add_choosing(router, services)
    return router


def _add_choosing(router: APIRouter, services: Services) -> None:
    @router.post("/use")
    async def use(wanted: GenerationChoice) -> schemas.Live:
        """Choose which generation answers."""
        live = await services.generations.use(wanted.generation)
        return {"live": live.id if live else 0, "swap_ms": services.engine.swap_ms}

    @router.post("/rollback")
    async def rollback() -> schemas.RolledBack:
        """Go one generation back, from the first to the base model."""
        before, now = await services.generations.roll_back()
        return {"was_live": before, "live": now}

    @router.post("/ask")
    async def ask(wanted: GenerationQuestion) -> schemas.GenerationAnswer:
        """An answer of one generation, without memories; nothing of it is kept."""
        chosen = await services.generations.choose(wanted.generation)
        said = await services.engine.complete(
            [{"role": "user", "content": wanted.question}],
            sampling=Sampling(max_tokens=MAX_ANSWER_TOKENS),
            adapter=chosen.adapter,
        )
        return {"generation": chosen.number, "answer": said.text, "tokens": said.completion_tokens}


def _to_json(generation: Generation, why_not: str | None) -> schemas.Generation:
    """A generation with its exam less the single marks, and why it can't answer."""
    exam = {name: value for name, value in generation.exam.items() if name not in ("marks", "missed")}
    return to_json(schemas.Generation, generation, exam=exam, why_not=why_not)


def _damage(db: Connection, generation: Generation) -> str | None:
    """What is wrong with its adapter, all of which is read for that."""
    try:
        generations.adapter(db, generation.id)
    except AdapterDamaged as error:
        return f"its adapter is damaged: {error.why}"
    return None
