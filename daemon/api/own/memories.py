"""
What is remembered, over HTTP: list, search, as of a day, why; and the messages it was drawn from.

Knows nothing of how memories are made, changed by hand or forgotten.
"""

from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from daemon.api.wire_error import WireError
from daemon.memory.recall import recall
from daemon.services import Services
from store import (
    chats,
    full_text,
    generations,
    lessons,
    memories,
    message_queries,
    recall_log,
    vectors,
)
from store.chats import Message
from store.database import Connection
from store.memories import Memory

MOST_FOUND = 50
SEARCHED = 3  # memories that a search finds, as a chat does; up to 10 where they bear on it about equally
MOST_TYPED = 1000
HIGHEST_ID = 2**63 - 1  # that the store can hold
PathId = Annotated[int, Path(ge=1, le=HIGHEST_ID)]


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa that read."""
    router = APIRouter(prefix="/tsubasa")
    store_thread = services.store_thread

    @router.get("/memories")
    async def listed(
        search: str | None = None, as_of: date | None = None, known_on: date | None = None
    ) -> dict[str, Any]:
        if search is not None:
            bearing = await recall(store_thread, services.embedder, search, k=SEARCHED, at_once=True)
            found = list(bearing.best_first)
        elif as_of is not None or known_on is not None:
            by = _end_of(known_on) if known_on else None
            found = await store_thread.run(memories.as_of, as_of or date.today(), known_by=by)
        else:
            found = await store_thread.run(memories.holding)
        return {
            "memories": await store_thread.run(told, found),
            "ops": await store_thread.run(memories.op_counts),
        }

    @router.get("/memories/{memory_id}")
    async def why(memory_id: PathId) -> dict[str, Any]:
        return await store_thread.run(_why, memory_id)

    @router.get("/messages")
    async def messages(
        external_id: str | None = None, text: str | None = None, like: str | None = None, k: int = 10
    ) -> dict[str, Any]:
        if external_id is not None:
            one = await store_thread.run(chats.by_external_id, external_id)
            return {"messages": [asdict(one)] if one else []}
        k = max(1, min(k, MOST_FOUND))
        if text is not None:
            found = await store_thread.run(full_text.search, "message", text, k)
        elif like is not None:
            (vector,) = await services.embedder.embed([like])
            found = await store_thread.run(vectors.nearest, "message", vector, k)
        else:
            raise WireError(400, "Ask for messages by external_id, text or like.", code="invalid_value")
        return {
            "messages": [asdict(await store_thread.run(chats.get, message_id)) for message_id, _ in found]
        }

    @router.get("/typed")
    async def typed(n: Annotated[int, Query(ge=1, le=MOST_TYPED)] = 200) -> dict[str, Any]:
        return {"typed": await store_thread.run(message_queries.typed_texts, n)}

    @router.get("/messages/{message_id}")
    async def message(message_id: PathId) -> dict[str, Any]:
        return {"message": asdict(await store_thread.run(chats.get, message_id))}

    return router


def told(db: Connection, found: list[Memory]) -> list[dict[str, Any]]:
    """Memories as they go over the wire; runs in the store's thread."""
    counted = recall_log.recall_counts(db, [memory.id for memory in found])
    return [
        {
            **asdict(memory),
            "state": memory.state,
            "narrative": narrative,
            "recalls": asdict(counted[memory.id]) if memory.id in counted else {"n": 0, "last_at": None},
        }
        for memory, narrative in zip(found, memories.narratives(db, found), strict=True)
    ]


def _end_of(day: date) -> datetime | None:
    """The moment at which a local day is over; None when time ends before."""
    try:
        return datetime.combine(day + timedelta(days=1), time()).astimezone(UTC)
    except OverflowError:
        return None


def _why(db: Connection, memory_id: int) -> dict[str, Any]:
    """All that is known of one memory: what it was, what was done with it, and the messages behind it."""
    memory, line = memories.get(db, memory_id), memories.history(db, memory_id)
    sources: list[Message] = [
        chats.get(db, source) for source in sorted({s for one in line for s in memories.sources(db, one.id)})
    ]
    return {
        "memory": told(db, [memory])[0],
        "history": told(db, line),
        "events": sorted(
            (asdict(event) for one in line for event in memories.events(db, one.id)), key=itemgetter("id")
        ),
        "messages": [asdict(message) for message in sources],
        "lessons": [
            {"question": one.question, "answer": one.answer, "kind": one.kind, "split": one.split}
            for one in lessons.about(db, [memory_id])
        ],
        "learned_by": generations.learned_by(db, memory_ids=[memory_id], lesson_ids=()),
    }
