"""
Past chats, over HTTP: the latest, and one of them.

Knows nothing of how chats are kept.
"""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from daemon.api.own.memories import PathId
from daemon.api.wire_error import WireError
from daemon.services import Services
from store import message_queries, recall_log
from store.chats import Message
from store.recall_log import RecallRecord

MOST = 200


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/chats."""
    router = APIRouter(prefix="/tsubasa/chats")
    store_thread = services.store_thread

    @router.get("")
    async def latest(n: Annotated[int, Query(ge=1, le=MOST)] = 30) -> dict[str, Any]:
        return {"chats": [asdict(chat) for chat in await store_thread.run(message_queries.latest_chats, n)]}

    @router.get("/{chat_id}")
    async def one(chat_id: PathId) -> dict[str, Any]:
        found = await store_thread.run(message_queries.latest_branch, chat_id)
        if not found:
            raise WireError(
                404, f"There is no chat {chat_id}. GET /tsubasa/chats lists them.", code="not_found"
            )
        lay = await store_thread.run(recall_log.of_answers, [message.id for message in found])
        return {"id": chat_id, "messages": [_told(message, lay.get(message.id)) for message in found]}

    return router


def _told(message: Message, lay: RecallRecord | None) -> dict[str, Any]:
    """A message, with what lay beside its question; null: it answers none, or that was not kept."""
    return asdict(message) | {"beside": None if lay is None else asdict(lay)}
