"""
Memories, over HTTP: list, search, as of a day, why; add, edit and undo by hand; and the audit for junk.
"""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from daemon.api.errors import WireError
from daemon.api.wire import Id, PathId, to_json
from daemon.client.schemas import chats as chat_schemas
from daemon.client.schemas import memories as schemas
from daemon.lessons.eligibility import unseen
from daemon.memory import forgotten, manual_edits
from daemon.memory.audit import audit
from daemon.memory.errors import ForgottenOnPurpose, NothingSaid, TooManyAdded
from daemon.memory.modality import certainty
from daemon.memory.recall import recall
from daemon.memory.secret_values import holds_secret
from daemon.services import Services
from daemon.text import normalised, shorten
from store import (
    chats,
    feedback,
    generations,
    lessons,
    memories,
    memory_events,
    notices,
    programs,
    proposals,
    recall_log,
)
from store.database import Connection
from store.memories import Memory
from store.memory_queries import survey
from store.text import one_line

MOST_CHANGES = 200  # in a list
SEARCHED = 3  # memories that a search finds, as a chat does; up to 10 where they bear on it about equally
MOST_FEEDBACK = 100  # that the audit shows
MOST_PROPOSED = 60  # of programs, that wait for the user's word
LONGEST = 2000  # characters of one statement
Text = Annotated[str, Field(max_length=LONGEST)]
Kind = Literal["fact", "standing", "always"]


class NewMemory(BaseModel):
    """A new statement about the user."""

    text: Text
    since: date | None = None  # the first day on which it is true; null: today
    by: Literal["user", "assistant"] = "user"  # whose word it is; an assistant's is never learned
    program: str = Field(default="", max_length=200)  # which one the assistant is, as it calls itself
    kind: Kind = "fact"  # of the user's own; an assistant's is a fact


class TakingBack(BaseModel):
    """The program whose memories hold no more."""

    program: str


class Edit(BaseModel):
    """Other words for a memory, or another kind; null: as it is."""

    text: Text | None = None
    kind: Kind | None = None


class Undoing(BaseModel):
    """The latest operation on a memory, or the one of a number."""

    memory: Id | None = None
    event: Id | None = None


class LookedAt(BaseModel):
    """Up to which event the changes were looked through."""

    event: Id


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa about memories."""
    router = APIRouter(prefix="/tsubasa", tags=["memories"])
    store_thread = services.store_thread
    _add_changes(router, services)

    @router.get("/memories")
    async def list_memories(
        search: str | None = None, as_of: date | None = None, known_on: date | None = None
    ) -> schemas.Memories:
        """What holds; or the best for a question (`search`), or what held on a day (`as_of`), as then known."""
        if search is not None:
            bearing = await recall(store_thread, services.embedder, search, k=SEARCHED, at_once=True)
            found = list(bearing.best_first)
        elif as_of is not None or known_on is not None:
            by = _end_of(known_on) if known_on else None
            found = await store_thread.run(memories.as_of, as_of or date.today(), known_by=by)
        else:
            found = await store_thread.run(memories.holding)
        return {
            "memories": await store_thread.run(memories_to_json, found),
            "ops": await store_thread.run(memories.op_counts),
        }

    @router.get("/memories/audit")
    async def audit_memories(unused_days: Annotated[int, Query(ge=0, le=36_500)] = 30) -> schemas.Audit:
        """What looks like junk, and why; and what was said of answers."""
        found = await store_thread.run(survey)
        near = services.embedder.limits.duplicate
        report = await asyncio.to_thread(
            audit, found, now=datetime.now(UTC), near=near, unused_days=unused_days
        )
        said = await store_thread.run(feedback.latest, MOST_FEEDBACK)
        shown = [to_json(chat_schemas.Feedback, one, answer=shorten(one.answer)) for one in said]
        return to_json(schemas.Audit, report, feedback=shown)

    @router.get("/memories/{memory_id}")
    async def why(memory_id: PathId) -> schemas.MemoryDetail:
        """Its history, operations, the messages behind it, its lessons, the generations that learned it."""
        return await store_thread.run(_why, memory_id)

    _add_changing(router, services)
    _add_programs(router, services)
    return router


def _add_changes(router: APIRouter, services: Services) -> None:
    store_thread = services.store_thread

    @router.get("/memories/changes")
    async def list_changes(hours: Annotated[float, Query(gt=0, le=24 * 366)] = 24.0) -> schemas.Changes:
        """What was noted in the last hours and holds, the newest first, to be looked through before the night."""
        since = datetime.now(UTC) - timedelta(hours=hours)
        found = await store_thread.run(memory_events.noted_since, since, MOST_CHANGES)
        waits = {one.memory_id for one in await store_thread.run(unseen, datetime.now(UTC))}
        look_first = services.settings.config.look_first
        return {
            "noted": [to_json(chat_schemas.Noted, one) for one in found],
            "unseen": [one.event_id for one in found if look_first and one.memory_id in waits],
        }

    @router.post("/memories/changes/seen")
    async def see_changes(wanted: LookedAt) -> schemas.ChangesSeen:
        """A person has looked through the changes up to this event: what changed a memory waits no more."""
        await store_thread.run(notices.look, wanted.event)
        return {"event": await store_thread.run(notices.looked)}


def _add_programs(router: APIRouter, services: Services) -> None:
    @router.get("/programs")
    async def list_programs() -> schemas.Programs:
        """The programs that have added memories, the latest first."""
        found = await services.store_thread.run(programs.listed)
        return {"programs": [to_json(schemas.Program, one) for one in found]}

    @router.post("/programs/take-back")
    async def take_back(wanted: TakingBack) -> schemas.TakenBack:
        """Undo all that one program has added and that holds."""
        done = await services.store_thread.run(programs.take_back, wanted.program, today=date.today())
        await services.runner.order("index", {})
        return to_json(schemas.TakenBack, done)


def _add_changing(router: APIRouter, services: Services) -> None:
    store_thread = services.store_thread

    @router.post("/memories")
    async def add_memory(wanted: NewMemory) -> schemas.OneMemory:
        """Add a statement. An assistant's is recalled and never learned; what was forgotten is the user's to add."""
        if wanted.by == "assistant" and await forgotten.is_forgotten(
            store_thread, services.embedder, wanted.text
        ):
            raise ForgottenOnPurpose()
        if wanted.by == "assistant" and services.settings.config.approve:
            raise await store_thread.run(_propose, wanted)
        made = await store_thread.run(
            manual_edits.add,
            wanted.text,
            today=date.today(),
            since=wanted.since,
            by=wanted.by,
            program=wanted.program,
            kind=wanted.kind,
        )
        if wanted.by == "user":
            await forgotten.lift(store_thread, services.embedder, made.text)
        await services.runner.order("index", {})
        return {"memory": (await store_thread.run(memories_to_json, [made]))[0]}

    @router.post("/memories/{memory_id}")
    async def edit_memory(memory_id: PathId, wanted: Edit) -> schemas.OneMemory:
        """Put a memory in other words, or make it one of another kind."""
        if wanted.text is None and wanted.kind is None:
            raise WireError(400, "Say what it should say, or its kind.", code="invalid_value", param="text")
        made = await edit(services, memory_id, wanted.text, kind=wanted.kind)
        return {"memory": (await store_thread.run(memories_to_json, [made]))[0]}

    @router.post("/undo")
    async def undo(wanted: Undoing) -> schemas.Undone:
        """Take the latest operation on a memory back, or the one of a number."""
        if wanted.memory is not None and wanted.event is None:
            done = await store_thread.run(memories.undo, wanted.memory, today=date.today())
        elif wanted.event is not None and wanted.memory is None:
            done = await store_thread.run(memories.undo_event, wanted.event, today=date.today())
        else:
            raise WireError(400, "Say which memory, or which event, to undo.", code="invalid_value")
        await services.runner.order("index", {})
        return to_json(schemas.Undone, done)


def _propose(db: Connection, wanted: NewMemory) -> WireError:
    """What a program is told of a statement that waits for the user's word now."""
    program = one_line(wanted.program) or "An assistant"
    if not normalised(wanted.text):
        raise NothingSaid()
    if proposals.count_of(db, "assistant") >= MOST_PROPOSED:
        raise TooManyAdded(program, MOST_PROPOSED, together=True)
    today = date.today()
    proposals.put(
        db,
        wanted.text,
        day=wanted.since or today,
        told_on=today,
        trust="assistant",
        origin=program,
        at=datetime.now(UTC),
    )
    why = "It is no memory yet: it waits for the user's word (setting approve; tsubasa memories waiting)."
    return WireError(409, why, code="waits")


async def edit(services: Services, memory_id: int, text: str | None, *, kind: Kind | None = None) -> Memory:
    """Another text or kind for a memory; the one that now holds. Raises what `manual_edits.edit` raises."""
    made = await services.store_thread.run(manual_edits.edit, memory_id, text, today=date.today(), kind=kind)
    await forgotten.lift(services.store_thread, services.embedder, made.text)
    await services.runner.order("index", {})
    return made


def memories_to_json(db: Connection, found: list[Memory]) -> list[schemas.Memory]:
    """Memories with what became of them; runs in the store's thread."""
    counted = recall_log.recall_counts(db, [memory.id for memory in found])
    never: schemas.Recalls = {"n": 0, "last_at": None}
    return [
        to_json(
            schemas.Memory,
            memory,
            state=memory.state,
            narrative=narrative,
            certainty=certainty(memory.text, memory.trust),
            secret=holds_secret(memory.text),
            recalls=to_json(schemas.Recalls, counted[memory.id]) if memory.id in counted else never,
        )
        for memory, narrative in zip(found, memories.narratives(db, found), strict=True)
    ]


def _end_of(day: date) -> datetime | None:
    """The moment at which a local day is over; None when time ends before."""
    try:
        return datetime.combine(day + timedelta(days=1), time()).astimezone(UTC)
    except OverflowError:
        return None


def _why(db: Connection, memory_id: int) -> schemas.MemoryDetail:
    line = memories.history(db, memory_id)
    events = [to_json(schemas.Event, event) for one in line for event in memories.events(db, one.id)]
    sources = sorted({source for one in line for source in memories.sources(db, one.id)})
    return {
        "memory": memories_to_json(db, [memories.get(db, memory_id)])[0],
        "history": memories_to_json(db, line),
        "events": sorted(events, key=itemgetter("id")),
        "messages": [to_json(chat_schemas.Message, chats.get(db, source)) for source in sources],
        "lessons": [to_json(schemas.TaughtLesson, one) for one in lessons.about(db, [memory_id])],
        "learned_by": list(generations.learned_by(db, memory_ids=[memory_id], lesson_ids=())),
    }
