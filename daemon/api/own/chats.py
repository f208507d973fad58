"""
Chats, over HTTP: the latest, one of them, single messages, what was typed, and whether chats are kept.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StrictBool, StrictInt

from daemon.api.errors import WireError
from daemon.api.wire import PathId, to_json
from daemon.chat.export_chat import export_chat
from daemon.chat.find_chats import FoundChat, find_chats
from daemon.client.schemas import chats as schemas
from daemon.services import Services
from daemon.store_thread import StoreThread
from store import (
    chat_labels,
    chats,
    feedback,
    full_text,
    memory_events,
    message_queries,
    off_record,
    recall_log,
    vectors,
)
from store.database import Connection

MOST = 200
MOST_FOUND = 50
MOST_TYPED = 1000
LONGEST_CORRECTION = 4000  # characters
LONGEST_SEARCH = 500  # characters
LONGEST_MINUTES = 366 * 24 * 60


class LoggingSwitch(BaseModel):
    """Keep chats, or pause that."""

    on: StrictBool
    for_minutes: StrictInt | None = Field(default=None, ge=1, le=LONGEST_MINUTES)  # null: until it is resumed


class ChatLabel(BaseModel):
    """What a chat is called, and whether it stays on top; what is left out stays as it is."""

    title: str | None = Field(
        default=None, max_length=chat_labels.LONGEST_TITLE
    )  # "": none of its own any more
    pinned: StrictBool | None = None


class FeedbackGiven(BaseModel):
    """What the user thinks of an answer."""

    thumb: Literal["up", "down"] | None = None
    correction: str = Field(default="", max_length=LONGEST_CORRECTION)  # how it should have been


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa about chats and messages."""
    router = APIRouter(prefix="/tsubasa", tags=["chats"])
    store_thread = services.store_thread

    @router.get("/chats")
    async def list_chats(
        n: Annotated[int, Query(ge=1, le=MOST)] = 30,
        skip: Annotated[int, Query(ge=0, lt=2**63)] = 0,
        search: Annotated[str | None, Query(max_length=LONGEST_SEARCH)] = None,
    ) -> schemas.PastChats:
        """
        The latest chats after the first `skip`, pinned ones first, then by when something was said in them.

        With `search`, those that have to do with it: by title, by words, then by meaning, the best first.
        """
        if search is not None and search.strip():
            hits = await find_chats(store_thread, services.embedder, search, n, skip=skip)
            return {"chats": [_found(one) for one in hits]}
        found = await store_thread.run(message_queries.latest_chats, n, skip=skip)
        return {
            "chats": [to_json(schemas.FoundChat, one, message_id=None, excerpt="", by="") for one in found]
        }

    @router.get("/chats/{chat_id}")
    async def get_chat(
        chat_id: PathId, branch: Annotated[int | None, Query(ge=1, lt=2**63)] = None
    ) -> schemas.Chat:
        """
        The messages of one chat, each answer with what was recalled for its question.

        Of its branches the one that was continued last, of those through the message `branch` where that is given.
        """
        found = await store_thread.run(_chat, chat_id, branch)
        if not found["messages"]:
            raise _no_chat(f"chat {chat_id}" if branch is None else f"message {branch} in chat {chat_id}")
        return found

    _add_labels(router, store_thread)
    _add_messages(router, services)
    _add_feedback(router, store_thread)
    _add_logging(router, store_thread)
    return router


def _add_labels(router: APIRouter, store_thread: StoreThread) -> None:
    @router.get("/chat-changes")
    async def chat_changes() -> schemas.ChatChanges:
        """A text that changes as soon as a message is stored or forgotten, or a chat renamed or pinned."""
        return {"changes": await store_thread.run(chat_labels.changes)}

    @router.post("/chats/{chat_id}")
    async def label_chat(chat_id: PathId, wanted: ChatLabel) -> schemas.PastChat:
        """Rename a chat, or keep it on top of the list."""
        if wanted.title is not None:
            await store_thread.run(chat_labels.rename, chat_id, wanted.title)
        if wanted.pinned is not None:
            await store_thread.run(chat_labels.pin, chat_id, wanted.pinned)
        found = await store_thread.run(message_queries.latest_chats, 1, among=[chat_id])
        if not found:
            raise _no_chat(f"chat {chat_id}")
        return to_json(schemas.PastChat, found[0])

    @router.get("/chats/{chat_id}/export")
    async def export_one(
        chat_id: PathId, as_: Annotated[Literal["markdown", "json"], Query(alias="as")] = "markdown"
    ) -> schemas.ExportedChat:
        """One chat as a file: its newest branch as Markdown, or all of it as JSON."""
        name, text = await store_thread.run(export_chat, chat_id, as_)
        return {"name": name, "text": text}


def _add_messages(router: APIRouter, services: Services) -> None:
    store_thread = services.store_thread

    @router.get("/typed")
    async def typed(n: Annotated[int, Query(ge=1, le=MOST_TYPED)] = 200) -> schemas.Typed:
        """What the user typed, each text once."""
        return {"typed": await store_thread.run(message_queries.typed_texts, n)}

    @router.get("/messages")
    async def find_messages(
        external_id: str | None = None, text: str | None = None, like: str | None = None, k: int = 10
    ) -> schemas.Messages:
        """Messages by words (`text`), by meaning (`like`), or by their id in an export (`external_id`)."""
        k = max(1, min(k, MOST_FOUND))
        if external_id is not None:
            one = await store_thread.run(chats.by_external_id, external_id)
            return {"messages": [to_json(schemas.Message, one)] if one else []}
        if text is not None:
            found = await store_thread.run(full_text.search, "message", text, k)
        elif like is not None:
            (vector,) = await services.embedder.embed([like], query=True)
            found = await store_thread.run(vectors.nearest, "message", vector, k)
        else:
            raise WireError(400, "Ask for messages by external_id, text or like.", code="invalid_value")
        every = [await store_thread.run(chats.get, message_id) for message_id, _ in found]
        return {"messages": [to_json(schemas.Message, one) for one in every]}

    @router.get("/messages/{message_id}")
    async def get_message(message_id: PathId) -> schemas.OneMessage:
        """One message."""
        return {"message": to_json(schemas.Message, await store_thread.run(chats.get, message_id))}


def _add_feedback(router: APIRouter, store_thread: StoreThread) -> None:
    @router.post("/messages/{message_id}/feedback")
    async def give_feedback(message_id: PathId, wanted: FeedbackGiven) -> schemas.OneFeedback:
        """Say what you think of an answer, and how it should have been; both left out takes it back."""
        if (await store_thread.run(chats.get, message_id)).role != "assistant":
            raise WireError(400, "Only an answer is given a thumb.", code="invalid_value")
        thumb = {"up": feedback.UP, "down": feedback.DOWN, None: 0}[wanted.thumb]
        correction, now = wanted.correction.strip(), datetime.now(UTC)
        await store_thread.run(feedback.put, message_id, thumb=thumb, correction=correction, at=now)
        found = (await store_thread.run(feedback.of_messages, [message_id])).get(message_id)
        return {"feedback": to_json(schemas.Feedback, found) if found else None}


def _add_logging(router: APIRouter, store_thread: StoreThread) -> None:
    @router.get("/logging")
    async def logging() -> schemas.Logging:
        """Whether chats are kept."""
        return to_json(schemas.Logging, await store_thread.run(off_record.logging, at=datetime.now(UTC)))

    @router.post("/logging")
    async def switch_logging(wanted: LoggingSwitch) -> schemas.Logging:
        """Pause the keeping of chats, for a while or until it is resumed; or resume it."""
        now, minutes = datetime.now(UTC), wanted.for_minutes
        if wanted.on and minutes is not None:
            raise WireError(
                400,
                "for_minutes says how long a pause lasts, and on: true ends one. Send one of them only.",
                code="invalid_value",
                param="for_minutes",
            )
        if wanted.on:
            await store_thread.run(off_record.resume)
        else:
            until = now + timedelta(minutes=minutes) if minutes is not None else None
            await store_thread.run(off_record.pause, until=until)
        return to_json(schemas.Logging, await store_thread.run(off_record.logging, at=now))


def _no_chat(which: str) -> WireError:
    return WireError(404, f"There is no {which}. GET /tsubasa/chats lists them.", code="not_found")


def _found(one: FoundChat) -> schemas.FoundChat:
    return to_json(schemas.FoundChat, one.chat, message_id=one.message_id, excerpt=one.excerpt, by=one.by)


def _chat(db: Connection, chat_id: int, through: int | None) -> schemas.Chat:
    found = message_queries.branches(db, chat_id)
    return {
        "id": chat_id,
        "messages": _messages(db, chat_id, through),
        "branches": [to_json(schemas.Branch, one) for one in found],
        "title": message_queries.title(db, chat_id),
    }


def _messages(db: Connection, chat_id: int, through: int | None) -> list[schemas.ChatMessage]:
    """The messages of a branch; `beside` is null where a message answers none, or its recall was not kept."""
    found = message_queries.branch(db, chat_id, through)
    recalled = recall_log.of_answers(db, [message.id for message in found])
    siblings = message_queries.siblings(db, chat_id)
    said = feedback.of_messages(db, [message.id for message in found])
    noted = memory_events.noted_of(db, [message.id for message in found])
    return [
        to_json(
            schemas.ChatMessage,
            message,
            beside=to_json(schemas.Recalled, recalled[message.id]) if message.id in recalled else None,
            feedback=to_json(schemas.Feedback, said[message.id]) if message.id in said else None,
            siblings=siblings.get(message.id, []),
            noted=[to_json(schemas.Noted, one) for one in noted.get(message.id, ())],
        )
        for message in found
    ]
