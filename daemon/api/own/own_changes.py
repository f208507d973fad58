"""
What a user does to the memories by hand, over HTTP: add, edit, undo; and the audit that says where to look.

Knows nothing of how a change is made: `memory/manual_edits.py` and `store/memories.py` do.
"""

import asyncio
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from daemon.api.own.memories import HIGHEST_ID, told
from daemon.api.wire_error import WireError
from daemon.memory import manual_edits
from daemon.memory.audit import audit
from daemon.services import Services
from store import memories
from store.memories import Memory
from store.memory_queries import survey

LONGEST = 2000  # characters of one statement
Id = Annotated[int, Field(ge=1, le=HIGHEST_ID)]
Text = Annotated[str, Field(max_length=LONGEST)]


class Add(BaseModel):
    """The body of POST /tsubasa/memories."""

    text: Text
    since: date | None = None  # the first day on which it is true; None: today
    by: Literal["user", "assistant"] = "user"  # whose word it is; an assistant's is never learned


class Edit(BaseModel):
    """The body of POST /tsubasa/memories/{memory_id}."""

    text: Text


class Undo(BaseModel):
    """The body of POST /tsubasa/undo: the latest operation on a memory, or the one of this number."""

    memory: Id | None = None
    event: Id | None = None


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa that change memories by hand; to be asked before `own_memories`."""
    router = APIRouter(prefix="/tsubasa")
    store_thread = services.store_thread

    @router.get("/memories/audit")
    async def audited(unused_days: Annotated[int, Query(ge=0, le=36_500)] = 30) -> dict[str, Any]:
        found = await store_thread.run(survey)
        report = await asyncio.to_thread(audit, found, now=datetime.now(UTC), unused_days=unused_days)
        return asdict(report)

    @router.post("/memories")
    async def added(wanted: Add) -> dict[str, Any]:
        made = await store_thread.run(
            manual_edits.add, wanted.text, today=date.today(), since=wanted.since, by=wanted.by
        )
        await services.runner.order("index", {})
        return {"memory": (await store_thread.run(told, [made]))[0]}

    @router.post("/memories/{memory_id}")
    async def edited(memory_id: Annotated[int, Path(ge=1, le=HIGHEST_ID)], wanted: Edit) -> dict[str, Any]:
        made = await edit(services, memory_id, wanted.text)
        return {"memory": (await store_thread.run(told, [made]))[0]}

    @router.post("/undo")
    async def undone(wanted: Undo) -> dict[str, Any]:
        if wanted.memory is not None and wanted.event is None:
            done = await store_thread.run(memories.undo, wanted.memory, today=date.today())
        elif wanted.event is not None and wanted.memory is None:
            done = await store_thread.run(memories.undo_event, wanted.event, today=date.today())
        else:
            raise WireError(400, "Say which memory, or which event, to undo.", code="invalid_value")
        await services.runner.order("index", {})
        return asdict(done)

    return router


async def edit(services: Services, memory_id: int, text: str) -> Memory:
    """Put a memory in other words; the one that now holds. Raises what `by_hand.edit` raises."""
    made = await services.store_thread.run(manual_edits.edit, memory_id, text, today=date.today())
    await services.runner.order("index", {})
    return made
