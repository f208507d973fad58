"""
POST /v1/chat/completions: the way in for every chat.

What OpenAI does not know is at the top level, under `tsubasa`.
"""

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from daemon.api.answering import (
    Answering,
    AnswerStream,
    Begun,
    Call,
    End,
    Finished,
    Text,
    Thought,
    Waiting,
    Whole,
    events,
    sse,
    whole,
)
from daemon.api.openai import chat_request
from daemon.api.openai.chat_request import ChatRequest
from daemon.api.reading import body_of
from daemon.api.wire import to_json
from daemon.chat.conversation import Question
from daemon.client.schemas.chats import (
    AnswerChoice,
    AnswerMessage,
    AnswerOrigin,
    CalledTool,
    Chunk,
    Completion,
    Logprobs,
    Noted,
    Usage,
)
from daemon.config.settings import Config
from daemon.engine.client import Likely, Piece, ToolCall

DONE = b"data: [DONE]\n\n"
STILL_HERE = b": still working\n\n"  # a comment: clients ignore it, proxies see life


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What all chunks of one answer have in common."""

    begun: Begun
    index: int = 0  # of the answers to one question
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))  # seconds since 1970

    def whole(self, answers: Sequence[Whole]) -> Completion:
        """The complete answer, or several."""
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.begun.model,
            "system_fingerprint": self.begun.fingerprint,
            "choices": [_choice(index, said) for index, said in enumerate(answers)],
            "usage": usage(summed([said.last for said in answers])),
            "tsubasa": self._origin(),
        }

    def first(self) -> bytes:
        """The chunk that opens an answer; that of the first one opens the stream."""
        chunk = self._chunk({"role": "assistant", "content": ""}, None)
        return sse({**chunk, "tsubasa": self._origin()} if self.index == 0 else chunk)

    def delta(self, logprobs: Sequence[Likely] = (), **delta: Any) -> bytes:
        """A chunk with more of the answer."""
        return sse(self._chunk(delta, None, logprobs))

    def call(self, call: Call) -> bytes:
        """Two chunks: which tool, and its arguments."""
        opened = {"index": call.number, **_called(call.call, arguments="")}
        arguments = {"index": call.number, "function": {"arguments": call.call.arguments}}
        return self.delta(tool_calls=[opened]) + self.delta(tool_calls=[arguments])

    def last(self, finish: Finished) -> bytes:
        """The chunk that says why the answer ends."""
        return sse(self._chunk({}, finish))

    def usage(self, last: Piece) -> bytes:
        """The chunk with the counts; only for clients that asked, others trip over its empty choices."""
        return sse({**self._chunk({}, None), "choices": [], "usage": usage(last)})

    def _chunk(self, delta: dict[str, Any], finish: str | None, logprobs: Sequence[Likely] = ()) -> Chunk:
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.begun.model,
            "system_fingerprint": self.begun.fingerprint,
            "choices": [
                {
                    "index": self.index,
                    "delta": delta,
                    "logprobs": _logprobs(logprobs),
                    "finish_reason": finish,
                }
            ],
        }

    def _origin(self) -> AnswerOrigin:
        answer = self.begun.answer
        return {
            "memories": list(answer.recall.memories),
            "messages": list(answer.recall.messages),
            "recall_tokens": answer.recall.recall_tokens,
            "generation": answer.generation,
            "kept": answer.kept,
            "chat": answer.chat_id,
            "left_out": answer.left_out,
            "noted": [to_json(Noted, one) for one in answer.noted],
        }


def _choice(index: int, said: Whole) -> AnswerChoice:
    text = None if said.calls and not said.text else said.text
    message: AnswerMessage = {"role": "assistant", "content": text, "refusal": None}
    if said.thought:
        message["reasoning_content"] = said.thought
    if said.calls:
        message["tool_calls"] = [_called(call) for call in said.calls]
    logprobs = _logprobs(said.logprobs)
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": said.finish}


def _logprobs(told: Sequence[Likely]) -> Logprobs | None:
    if not told:
        return None
    content = [{**_token(one), "top_logprobs": [_token(other) for other in one.others]} for one in told]
    return {"content": content, "refusal": None}


def _token(one: Likely) -> dict[str, Any]:
    text = bytes(one.bytes).decode("utf-8", "replace")
    return {"token": text, "logprob": one.logprob, "bytes": list(one.bytes)}


def summed(answers: Sequence[Piece]) -> Piece:
    """The counts of several answers to one question, whose prompt counts once."""
    return replace(
        answers[0],
        completion_tokens=sum(one.completion_tokens for one in answers),
        thought_tokens=sum(one.thought_tokens for one in answers),
    )


def _called(call: ToolCall, arguments: str | None = None) -> CalledTool:
    function = {"name": call.name, "arguments": call.arguments if arguments is None else arguments}
    return {"id": call.id, "type": "function", "function": function}


def usage(last: Piece) -> Usage:
    """The token counts of an answer."""
    return {
        "prompt_tokens": last.prompt_tokens,
        "completion_tokens": last.completion_tokens,
        "total_tokens": last.prompt_tokens + last.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": last.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": last.thought_tokens},
    }


def routes(config: Config, answering: Answering) -> APIRouter:
    """The route, with and without /v1."""
    router = APIRouter(tags=["openai"])

    async def complete(request: Request) -> Response:
        """
        An answer, whole, or as server-sent events, each a `Chunk`.

        Models: `tsubasa` (memories and the live generation), `tsubasa@N` (generation N), `tsubasa:base`,
        `tsubasa:private` (nothing kept, no memories); those of the setting `models` by their names, with the same
        endings. Any other name, unless the setting `aliases` allows it, and `store: false`, are answered as the last
        one. `tsubasa` in the answer names what was recalled.
        What a model thinks before it answers is `reasoning_content`. A last turn of the assistant is gone on with.
        `tools` are called where the model's template knows tools, else it is answered in words; a call that
        `tool_choice` asks for is made in any case. Of several answers (`n`) the first one is kept.
        """
        wanted = chat_request.read(await request.body())
        question = chat_request.question(wanted, config, retry=is_retry(request))
        begun = await answering.begin(request, question, chat_request.warnings(wanted))
        others = [_another(question, at) for at in range(1, wanted.n or 1)]
        if not wanted.stream:
            answers = [await whole(request, begun)]
            for other in others:
                answers.append(await whole(request, await answering.begin(request, other)))
            return JSONResponse(Shape(begun=begun).whole(answers), headers=begun.headers)
        with_usage = bool(wanted.stream_options and wanted.stream_options.include_usage)
        more = (answering.begin(request, other) for other in others)
        return AnswerStream(begun, _chunks(Shape(begun=begun), more, with_usage=with_usage))

    for path in ("/v1/chat/completions", "/chat/completions"):
        router.add_api_route(
            path,
            complete,
            methods=["POST"],
            response_model=None,
            responses={200: {"model": Completion | Chunk}},
            openapi_extra=body_of(ChatRequest),
            include_in_schema=path.startswith("/v1"),
        )
    return router


def is_retry(request: Request) -> bool:
    """Whether the official client sends this request again."""
    return request.headers.get("x-stainless-retry-count", "0") not in ("", "0")


def _another(question: Question, at: int) -> Question:
    """The same question for one more answer, which is not kept."""
    seed = question.sampling.seed
    sampling = (
        question.sampling if seed is None else replace(question.sampling, seed=(seed + at) & 0xFFFF_FFFF)
    )
    return replace(question, again=True, sampling=sampling)


async def _chunks(
    shape: Shape, more: Iterable[Awaitable[Begun]], *, with_usage: bool
) -> AsyncIterator[bytes]:
    ends = list[Piece]()
    async for chunk in _answer(shape, ends):
        yield chunk
    for index, begins in enumerate(more, start=1):
        begun = await begins
        try:
            async for chunk in _answer(replace(shape, begun=begun, index=index), ends):
                yield chunk
        finally:
            begun.answer.leave()
    if with_usage:
        yield shape.usage(summed(ends))
    yield DONE


async def _answer(shape: Shape, ends: list[Piece]) -> AsyncIterator[bytes]:
    """The chunks of one answer; its counts are added to `ends`."""
    yield shape.first()
    async for event in events(shape.begun):
        match event:
            case Text(text, logprobs):
                yield shape.delta(logprobs, content=text)
            case Thought(text):
                yield shape.delta(reasoning_content=text)
            case Call():
                yield shape.call(event)
            case Waiting():
                yield STILL_HERE
            case End(finish, last):
                yield shape.last(finish)
                ends.append(last)
