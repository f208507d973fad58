"""
/v1/responses: an answer as items, whole or as events; a later request may go on from it by its id.

An answer is found again as long as its chat is kept: there is no second copy of it. What is off the record has no id
that anybody could ask for.
"""

import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from daemon.api import reading
from daemon.api.answering import (
    Answering,
    AnswerStream,
    Begun,
    Call,
    End,
    Text,
    Thought,
    Waiting,
    Whole,
    events,
    sse,
    whole,
)
from daemon.api.errors import WireError
from daemon.api.openai import responses_request
from daemon.api.openai.chat import STILL_HERE, is_retry
from daemon.api.openai.responses_request import ResponsesRequest, found_answer, turns_before, with_ids
from daemon.api.reading import body_of
from daemon.chat.prompt_context import without_calls
from daemon.config.settings import Config
from daemon.engine.client import Piece, ToolCall
from daemon.store_thread import StoreThread
from store import chats
from store.database import Connection

Item = dict[str, Any]


class ResponseObject(TypedDict):
    """An answer, or as much of it as there is."""

    id: str
    object: str  # "response"
    created_at: int  # seconds since 1970
    status: str  # in_progress, completed, incomplete, failed
    model: str
    output: list[dict[str, Any]]  # items of type reasoning, message, function_call
    error: None
    incomplete_details: dict[str, str] | None  # reason: max_output_tokens
    instructions: str | None
    metadata: dict[str, Any]
    parallel_tool_calls: bool
    previous_response_id: str | None
    temperature: float | None
    top_p: float | None
    text: dict[str, Any]
    tool_choice: Any
    tools: list[dict[str, Any]]
    usage: dict[str, Any] | None


class DeletedResponse(TypedDict):
    """That an answer can't be asked for any more; its chat is kept, until it is forgotten."""

    id: str
    object: str  # "response"
    deleted: bool


@dataclass(kw_only=True)
class _Shape:
    """What is told with every state of one answer."""

    wanted: ResponsesRequest
    begun: Begun
    id: str
    created: int = field(default_factory=lambda: int(time.time()))

    def response(self, status: str, output: list[Item], last: Piece | None = None) -> ResponseObject:
        wanted = self.wanted
        form = wanted.text.format if wanted.text else None
        text = {
            "format": {"type": "text"} if form is None else form.model_dump(by_alias=True, exclude_none=True)
        }
        return _response(
            self.id,
            created=self.created,
            status=status,
            model=self.begun.model,
            output=output,
            usage=None if last is None else _usage(last),
            instructions=wanted.instructions,
            metadata=wanted.metadata or {},
            parallel_tool_calls=wanted.parallel_tool_calls is not False,
            previous_response_id=wanted.previous_response_id,
            temperature=wanted.temperature,
            top_p=wanted.top_p,
            text=text,
            tool_choice="auto" if wanted.tool_choice is None else wanted.tool_choice,
            tools=[tool.model_dump(exclude_none=True) for tool in wanted.tools or ()],
        )


def routes(config: Config, answering: Answering, store_thread: StoreThread) -> APIRouter:
    """The routes, with and without /v1."""
    router = APIRouter(tags=["openai"])

    async def respond(request: Request) -> Response:
        """An answer as items, whole, or as the events of the Responses API."""
        wanted = reading.read(ResponsesRequest, await request.body())
        previous, before = wanted.previous_response_id, []
        if previous is not None:
            before = await store_thread.run(turns_before, previous)
        id = f"{chats.ANSWERED}{uuid.uuid4().hex}"
        question = responses_request.question(wanted, config, before, id=id, retry=is_retry(request))
        begun = await answering.begin(request, question, responses_request.warnings(wanted))
        shape = _Shape(wanted=wanted, begun=begun, id=id)
        if wanted.stream:
            return AnswerStream(begun, _events(shape), failed=failed)
        said = await whole(request, begun)
        return JSONResponse(
            shape.response(_status(said.finish), _items(said, _status(said.finish)), said.last),
            headers=begun.headers,
        )

    async def stored(response_id: str) -> ResponseObject:
        """An earlier answer, as long as its chat is kept."""
        return await store_thread.run(_stored, response_id)

    async def delete(response_id: str) -> DeletedResponse:
        """Let an answer be asked for no more. Its chat is kept; `POST /tsubasa/forget` forgets."""
        await store_thread.run(_deleted, response_id)
        return {"id": response_id, "object": "response", "deleted": True}

    for path in ("/v1/responses", "/responses"):
        shown = path.startswith("/v1")
        router.add_api_route(
            path,
            respond,
            methods=["POST"],
            response_model=None,
            responses={200: {"model": ResponseObject}},
            openapi_extra=body_of(ResponsesRequest),
            include_in_schema=shown,
        )
        one = path + "/{response_id}"
        router.add_api_route(one, stored, methods=["GET"], include_in_schema=shown)
        router.add_api_route(one, delete, methods=["DELETE"], include_in_schema=shown)
    return router


def _response(
    id: str, *, created: int, status: str, model: str, output: list[Item], **more: Any
) -> ResponseObject:
    incomplete = {"reason": "max_output_tokens"} if status == "incomplete" else None
    return {
        "id": id,
        "object": "response",
        "created_at": created,
        "status": status,
        "model": model,
        "output": output,
        "error": None,
        "incomplete_details": incomplete,
        "instructions": more.get("instructions"),
        "metadata": more.get("metadata", {}),
        "parallel_tool_calls": more.get("parallel_tool_calls", True),
        "previous_response_id": more.get("previous_response_id"),
        "temperature": more.get("temperature"),
        "top_p": more.get("top_p"),
        "text": more.get("text", {"format": {"type": "text"}}),
        "tool_choice": more.get("tool_choice", "auto"),
        "tools": more.get("tools", []),
        "usage": more.get("usage"),
    }


def _stored(db: Connection, id: str) -> ResponseObject:
    message = found_answer(db, id)
    text, calls = without_calls(message.text)
    said = Whole(text, "", with_ids(calls, message.hash), "stop", Piece(text=""))
    created, model = int(message.said_at.timestamp()), message.model or "tsubasa"
    return _response(id, created=created, status="completed", model=model, output=_items(said, "completed"))


def _deleted(db: Connection, id: str) -> None:
    chats.rename(db, found_answer(db, id).id, None)


def _status(finish: str) -> str:
    return "incomplete" if finish == "length" else "completed"


def _usage(last: Piece) -> dict[str, Any]:
    return {
        "input_tokens": last.prompt_tokens,
        "input_tokens_details": {"cached_tokens": last.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": last.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": last.thought_tokens},
        "total_tokens": last.prompt_tokens + last.completion_tokens,
    }


def _new(kind: str) -> Item:
    prefix = {"message": "msg", "reasoning": "rs", "function_call": "fc"}[kind]
    return {"id": f"{prefix}_{uuid.uuid4().hex}", "type": kind}


def _message(item: Item, text: str | None, status: str) -> Item:
    content = [] if text is None else [_part("output_text", text)]
    return {**item, "role": "assistant", "status": status, "content": content}


def _thoughts(item: Item, text: str | None, status: str) -> Item:
    content = [] if text is None else [_part("reasoning_text", text)]
    return {**item, "summary": [], "content": content, "status": status}


def _part(kind: str, text: str) -> Item:
    return {"type": kind, "text": text} | (
        {"annotations": [], "logprobs": []} if kind == "output_text" else {}
    )


def _called(item: Item, call: ToolCall, arguments: str, status: str) -> Item:
    return {**item, "call_id": call.id, "name": call.name, "arguments": arguments, "status": status}


def _items(said: Whole, status: str) -> list[Item]:
    items = [_thoughts(_new("reasoning"), said.thought, "completed")] if said.thought else []
    if said.text or not said.calls:
        items.append(_message(_new("message"), said.text, status))
    calls = (_called(_new("function_call"), call, call.arguments, "completed") for call in said.calls)
    return [*items, *calls]


def failed(error: WireError) -> bytes:
    """An error as the last event of a stream."""
    told = error.body()["error"]
    fields = {"code": told["code"], "message": told["message"], "param": told["param"]}
    return sse({"type": "error", **fields, "sequence_number": 2**31 - 1}, "error")


class _Stream:
    """The events of one answer, numbered, and the items that they are about."""

    def __init__(self) -> None:
        self.output: list[Item] = []
        self._number = -1
        self._open: tuple[Item, str] | None = None  # an item of words, and the kind of its part
        self._text = ""

    def event(self, kind: str, **fields: Any) -> bytes:
        self._number += 1
        return sse({"type": kind, "sequence_number": self._number, **fields}, kind)

    def words(self, kind: str, text: str) -> bytes:
        """More of a message ("output_text") or of thoughts ("reasoning_text")."""
        sent = b""
        if self._open is None or self._open[1] != kind:
            sent = self.close("completed") + self._opened(kind)
        assert self._open is not None
        self._text += text
        more: Item = {"logprobs": []} if kind == "output_text" else {}
        return sent + self.event(f"response.{kind}.delta", **self._place(), delta=text, **more)

    def call(self, call: ToolCall) -> bytes:
        """A whole call of a tool."""
        sent, item = self.close("completed"), _new("function_call")
        at = {"output_index": len(self.output)}
        place = {"item_id": item["id"], **at}
        done = _called(item, call, call.arguments, "completed")
        self.output.append(done)
        name = {"arguments": call.arguments, "name": call.name}
        return sent + b"".join(
            (
                self.event("response.output_item.added", **at, item=_called(item, call, "", "in_progress")),
                self.event("response.function_call_arguments.delta", **place, delta=call.arguments),
                self.event("response.function_call_arguments.done", **place, **name),
                self.event("response.output_item.done", **at, item=done),
            )
        )

    def close(self, status: str) -> bytes:
        """The end of the open item, if there is one."""
        if self._open is None:
            return b""
        (item, kind), text = self._open, self._text
        whole = _message(item, text, status) if kind == "output_text" else _thoughts(item, text, status)
        more: Item = {"logprobs": []} if kind == "output_text" else {}
        sent = (
            self.event(f"response.{kind}.done", **self._place(), text=text, **more),
            self.event("response.content_part.done", **self._place(), part=_part(kind, text)),
            self.event("response.output_item.done", output_index=len(self.output), item=whole),
        )
        self.output.append(whole)
        self._open, self._text = None, ""
        return b"".join(sent)

    def _opened(self, kind: str) -> bytes:
        item = _new("message" if kind == "output_text" else "reasoning")
        make = _message if kind == "output_text" else _thoughts
        self._open = item, kind
        begun = make(item, None, "in_progress")
        added = self.event("response.output_item.added", output_index=len(self.output), item=begun)
        return added + self.event("response.content_part.added", **self._place(), part=_part(kind, ""))

    def _place(self) -> Item:
        item = self._open[0]["id"] if self._open else ""
        return {"item_id": item, "output_index": len(self.output), "content_index": 0}


async def _events(shape: _Shape) -> AsyncIterator[bytes]:
    stream = _Stream()
    begun = shape.response("in_progress", [])
    yield stream.event("response.created", response=begun)
    yield stream.event("response.in_progress", response=begun)
    async for event in events(shape.begun):
        match event:
            case Text(text):
                yield stream.words("output_text", text)
            case Thought(text):
                yield stream.words("reasoning_text", text)
            case Call(call):
                yield stream.call(call)
            case Waiting():
                yield STILL_HERE
            case End(finish, last):
                status = _status(finish)
                yield stream.close(status)
                if not stream.output:
                    yield stream.words("output_text", "") + stream.close(status)
                response = shape.response(status, stream.output, last)
                yield stream.event(f"response.{status}", response=response)
