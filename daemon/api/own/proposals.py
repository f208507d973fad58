"""
What waits for the user's word before it is a memory, over HTTP: list, accept, refuse.
"""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from daemon.api.wire import Id, to_json
from daemon.client.schemas import memories as schemas
from daemon.core import Core
from daemon.memory.approval import accept
from daemon.services import Services
from store import proposals
from store.errors import NotFound

MOST = 100  # decided at once


class Decided(BaseModel):
    """The user's word on some of them."""

    accept: list[Id] = Field(default=[], max_length=MOST)
    refuse: list[Id] = Field(default=[], max_length=MOST)


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/proposals."""
    router = APIRouter(prefix="/tsubasa/proposals", tags=["memories"])
    run = services.store_thread.run
    core = Core(store_thread=services.store_thread, engine=services.engine, embedder=services.embedder)

    @router.get("")
    async def list_proposals() -> schemas.Proposals:
        """What waits, oldest first."""
        return {"proposals": [to_json(schemas.Proposal, one) for one in await run(proposals.waiting)]}

    @router.post("")
    async def decide(wanted: Decided) -> schemas.DecidedProposals:
        """Make memories of those that are accepted, and none of those that are refused; others are missing."""
        done: schemas.DecidedProposals = {"accepted": [], "refused": [], "missing": []}
        for number in wanted.accept:
            try:
                op = await accept(core, number, way=services.settings.config.evolve)
            except NotFound:
                done["missing"].append(number)
            else:
                done["accepted"].append(
                    {"proposal": number, "op": op.kind, "memory": op.memory_id, "by": op.by}
                )
        for number in wanted.refuse:
            try:
                await run(proposals.refuse, number)
            except NotFound:
                done["missing"].append(number)
            else:
                done["refused"].append(number)
        services.runner.wake()  # lessons of what is new
        return done

    return router
