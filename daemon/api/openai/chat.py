"""
POST /v1/chat/completions: the way in for every chat.

A request that can't be answered gets its status before any stream begins. The reply is committed before the last chunk
leaves. A client that goes away stops the engine. What OpenAI does not know is at the top level, under `tsubasa`.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from daemon.api.errors import WireError, ending_in_error
from daemon.api.openai import chat_request
from daemon.chat.conversation import Answer, Conversations
from daemon.chat.model_names import PRIVATE, ModelChoice
from daemon.client.schemas.chats import AnswerMessage, AnswerOrigin, Chunk, Completion, Usage
from daemon.config.settings import Config
from daemon.engine.client import Piece
from daemon.generations.service import Generations
from store.recall_log import RecallRecord

KEEP_ALIVE_S = 15.0
NO_BUFFERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}

REQUEST = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/ChatRequest"}}}}
PATIENCE = Piece(text="")  # stands for: nothing yet

T = TypeVar("T")
DONE = b"data: [DONE]\n\n"
STILL_HERE = b": still working\n\n"  # a comment: clients ignore it, proxies see life


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What all chunks of one answer have in common."""

    model: str
    fingerprint: str  # model file and generation
    recall: RecallRecord
    generation: int
    kept: bool = True  # False: nothing of this turn is recorded
    chat: int | None = None  # that it is kept in
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))  # seconds since 1970

    def whole(self, text: str, thought: str, last: Piece) -> Completion:
        """The complete answer; `last` is the piece with the finish reason and the final counts."""
        message: AnswerMessage = {"role": "assistant", "content": text, "refusal": None}
        if thought:
            message["reasoning_content"] = thought
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "logprobs": None,
                    "finish_reason": last.finish or "stop",
                }
            ],
            "usage": usage(last),
            "tsubasa": self._origin(),
        }

    def first(self) -> bytes:
        """The chunk that opens the stream."""
        chunk = self._chunk({"role": "assistant", "content": ""}, None)
        return event({**chunk, "tsubasa": self._origin()})

    def text(self, text: str) -> bytes:
        """A chunk of text."""
        return event(self._chunk({"content": text}, None))

    def thought(self, text: str) -> bytes:
        """A chunk of what the model thinks before it answers."""
        return event(self._chunk({"reasoning_content": text}, None))

    def last(self, finish: str) -> bytes:
        """The chunk that says why the answer ends."""
        return event(self._chunk({}, finish))

    def usage(self, last: Piece) -> bytes:
        """The chunk with the counts; only for clients that asked, others trip over its empty choices."""
        return event({**self._chunk({}, None), "choices": [], "usage": usage(last)})

    def _chunk(self, delta: dict[str, str], finish: str | None) -> Chunk:
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        }

    def _origin(self) -> AnswerOrigin:
        return {
            "memories": list(self.recall.memories),
            "messages": list(self.recall.messages),
            "recall_tokens": self.recall.recall_tokens,
            "generation": self.generation,
            "kept": self.kept,
            "chat": self.chat,
        }


def event(chunk: Chunk) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def usage(last: Piece) -> Usage:
    """The token counts of an answer."""
    return {
        "prompt_tokens": last.prompt_tokens,
        "completion_tokens": last.completion_tokens,
        "total_tokens": last.prompt_tokens + last.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": last.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": last.thought_tokens},
    }


def routes(config: Config, conversations: Conversations, generations: Generations) -> APIRouter:
    """The route, with and without /v1."""
    router = APIRouter(tags=["openai"])

    async def complete(request: Request) -> Response:
        """
        An answer, whole, or as server-sent events, each a `Chunk`.

        Models: `tsubasa` (memories and the live generation), `tsubasa@N` (generation N), `tsubasa:base`,
        `tsubasa:private` (nothing kept, no memories). Any other name, unless the setting `aliases` allows it, and
        `store: false`, are answered as the last one. `tsubasa` in the answer names what was recalled.
        What a model thinks before it answers is `reasoning_content`. A last turn of the assistant is gone on with.
        """
        wanted = chat_request.read(await request.body())
        question = chat_request.question(
            wanted,
            retry=request.headers.get("x-stainless-retry-count", "0") not in ("", "0"),
            temperature=config.temperature,
            max_tokens=config.max_tokens,
            aliases=config.aliases,
        )
        answer = await conversations.begin(question)
        headers = _headers(question.model)
        first, shape = await _or_gone(request, answer, _opening(generations, question.model, answer))
        if not wanted.stream:
            return await _whole(request, answer, shape, headers)
        with_usage = bool(wanted.stream_options and wanted.stream_options.include_usage)
        chunks = _chunks(answer, first, shape, with_usage=with_usage)
        return _AnswerStream(answer, chunks, headers=headers | NO_BUFFERS)

    for path in ("/v1/chat/completions", "/chat/completions"):
        router.add_api_route(
            path,
            complete,
            methods=["POST"],
            response_model=None,
            responses={200: {"model": Completion | Chunk}},
            openapi_extra={"requestBody": REQUEST},
            include_in_schema=path.startswith("/v1"),
        )
    return router


async def _opening(
    generations: Generations, model: ModelChoice, answer: Answer
) -> tuple[Piece | None, Shape]:
    """The first piece, which tells the tokens of the recalled context, and the shape of all that follows."""
    first, base = await answer.next(), await generations.model()
    return first, Shape(
        model=model.name if model.known else PRIVATE,
        fingerprint=f"{base.sha256[:12]}-g{answer.generation}",
        recall=answer.recall,
        generation=answer.generation,
        kept=answer.kept,
        chat=answer.chat_id,
    )


def _headers(model: ModelChoice) -> dict[str, str]:
    if model.known:
        return {}
    return {
        "x-tsubasa-warning": f"unknown model name, answered as {PRIVATE}: nothing is kept, no memory is used; "
        "GET /v1/models lists the names, the setting aliases allows others"
    }


async def _whole(request: Request, answer: Answer, shape: Shape, headers: dict[str, str]) -> Response:
    texts, thoughts = list[str](), list[str]()
    last = Piece(text="")

    async def collect() -> None:
        nonlocal last
        while (piece := await answer.next()) is not None:
            texts.append(piece.text)
            thoughts.append(piece.thought)
            last = piece

    await _or_gone(request, answer, collect())
    return JSONResponse(shape.whole("".join(texts), "".join(thoughts), last), headers=headers)


async def _chunks(
    answer: Answer, first: Piece | None, shape: Shape, *, with_usage: bool
) -> AsyncIterator[bytes]:
    yield shape.first()
    piece, last = first, Piece(text="")
    while piece is not None:
        last = piece
        if piece.thought:
            yield shape.thought(piece.thought)
        if piece.text:
            yield shape.text(piece.text)
        while (got := await _soon(answer)) is PATIENCE:
            yield STILL_HERE
        piece = got
    yield shape.last(last.finish or "stop")
    if with_usage:
        yield shape.usage(last)
    yield DONE


async def _soon(answer: Answer) -> Piece | None:
    """The next piece, None after the last; `PATIENCE` when it takes its time."""
    try:
        async with asyncio.timeout(KEEP_ALIVE_S):
            return await answer.next()
    except TimeoutError:
        return PATIENCE


async def _or_gone(request: Request, answer: Answer, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, unless the client goes away first: then the engine is stopped."""
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            why = "The client closed the connection before it was answered."
            raise WireError(499, why, code="client_gone")  # nginx's number, and nobody reads it
        return working.result()
    except BaseException:
        answer.leave()
        raise
    finally:
        working.cancel()
        leaving.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _AnswerStream(StreamingResponse):
    """The events of an answer; the engine stops when they can't be delivered any more."""

    def __init__(self, answer: Answer, chunks: AsyncIterator[bytes], *, headers: dict[str, str]) -> None:
        super().__init__(ending_in_error(chunks), headers=headers, media_type="text/event-stream")
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all events, or as many as the client wants to hear."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._answer.leave()
