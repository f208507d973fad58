"""
One answer on its way out, in whatever dialect it was asked for: a question in, events out.

    a dialect's body -> Question -> begin -> Text, Thought, Call … End -> the dialect's JSON

A request that can't be answered gets its status before any stream begins. The reply is committed before its end is
told. A client that goes away stops the engine.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, TypeVar

from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from daemon.api.errors import WireError, ending_in_error
from daemon.api.users import user_of
from daemon.chat.conversation import Answer, Conversations, Question
from daemon.chat.model_names import PRIVATE
from daemon.engine.client import Likely, Piece, ToolCall

KEEP_ALIVE_S = 15.0
NO_BUFFERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
Finished = Literal["stop", "length", "tool_calls"]
T = TypeVar("T")


class Text(NamedTuple):
    """More of the answer; with logprobs it may have no text yet."""

    text: str
    logprobs: tuple[Likely, ...] = ()


class Thought(NamedTuple):
    """More of what the model thinks before it answers."""

    text: str


class Call(NamedTuple):
    """A tool is to be called."""

    call: ToolCall
    number: int  # of the calls of this answer, from 0


class Waiting(NamedTuple):
    """Nothing yet; sent now and then, so that clients and proxies see life."""


class End(NamedTuple):
    """The answer is whole, and kept where it is to be."""

    finish: Finished
    last: Piece  # with the final counts


Event = Text | Thought | Call | Waiting | End


class Whole(NamedTuple):
    """A whole answer."""

    text: str
    thought: str
    calls: tuple[ToolCall, ...]
    finish: Finished
    last: Piece
    logprobs: tuple[Likely, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An answer of which the engine has taken the question."""

    answer: Answer
    first: Piece | None
    model: str  # as the reply names it
    fingerprint: str  # model file and generation
    headers: dict[str, str]  # warnings


class Answering:
    """Begins answers, for all dialects."""

    def __init__(
        self,
        conversations: Conversations,
        *,
        by_code: Callable[[Question], Awaitable[str | None]] | None = None,
    ) -> None:
        """`by_code`: the answer to what is not for the model; None where it is."""
        self._conversations, self._by_code = conversations, by_code

    async def begin(self, request: Request, question: Question, warnings: Sequence[str] = ()) -> Begun:
        """Ask; returns with the first piece, which tells the tokens of the recalled context."""
        question = replace(question, user=user_of(request.headers, await request.body()))
        if self._by_code is not None:
            question = replace(question, reply=await self._by_code(question))
        answer = await self._conversations.begin(question)
        first = await or_gone(request, answer, answer.next())
        model = question.model
        said = list(warnings)
        if not model.known:
            said.append(
                f"unknown model name, answered as {PRIVATE}: nothing is kept, no memory is used; "
                "GET /v1/models lists the names, the setting aliases allows others"
            )
        return Begun(
            answer=answer,
            first=first,
            model=model.name if model.known else PRIVATE,
            fingerprint=f"{answer.base_sha256[:12]}-g{answer.generation}",
            headers={"x-tsubasa-warning": "; ".join(said)} if said else {},
        )


async def events(begun: Begun) -> AsyncIterator[Event]:
    """Everything that comes of an answer, `End` last. Raises what stopped it."""
    piece, last, calls = begun.first, Piece(text=""), 0
    while piece is not None:
        last = piece
        if piece.thought:
            yield Thought(piece.thought)
        if piece.text or piece.logprobs:
            yield Text(piece.text, piece.logprobs)
        for call in piece.calls:
            yield Call(call, calls)
            calls += 1
        while isinstance(got := await _soon(begun.answer), Waiting):
            yield got
        piece = got
    finish = last.finish or "stop"
    yield End("tool_calls" if calls and finish == "stop" else finish, last)


async def whole(request: Request, begun: Begun) -> Whole:
    """The whole answer; the engine is stopped when the client goes away first."""
    return await or_gone(request, begun.answer, _collected(begun))


async def _collected(begun: Begun) -> Whole:
    texts, thoughts, calls, logprobs = list[str](), list[str](), list[ToolCall](), list[Likely]()
    async for event in events(begun):
        if isinstance(event, Text):
            texts.append(event.text)
            logprobs += event.logprobs
        elif isinstance(event, Thought):
            thoughts.append(event.text)
        elif isinstance(event, Call):
            calls.append(event.call)
        elif isinstance(event, End):
            end = event
    return Whole("".join(texts), "".join(thoughts), tuple(calls), end.finish, end.last, tuple(logprobs))


def sse(data: object, name: str | None = None) -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


async def _soon(answer: Answer) -> Piece | Waiting | None:
    """The next piece, None after the last; `Waiting` when it takes its time."""
    try:
        async with asyncio.timeout(KEEP_ALIVE_S):
            return await answer.next()
    except TimeoutError:
        return Waiting()


async def or_gone(request: Request, answer: Answer, work: Coroutine[Any, Any, T]) -> T:
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


class AnswerStream(StreamingResponse):
    """The events of an answer; the engine stops when they can't be delivered any more."""

    def __init__(
        self,
        begun: Begun,
        chunks: AsyncIterator[bytes],
        *,
        media_type: str = "text/event-stream",
        failed: Callable[[WireError], bytes] | None = None,
    ) -> None:
        """`failed`: an error as the last event of a stream that has begun; by default as OpenAI's."""
        ended = ending_in_error(chunks, failed or (lambda error: sse(error.body())))
        super().__init__(ended, headers=begun.headers | NO_BUFFERS, media_type=media_type)
        self._answer = begun.answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all events, or as many as the client wants to hear."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._answer.leave()
