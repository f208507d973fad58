"""POST /v1/messages and /v1/messages/count_tokens, as Anthropic's clients write and read them."""

import json
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field
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
    events,
    sse,
    whole,
)
from daemon.api.errors import invalid
from daemon.api.openai.chat import is_retry
from daemon.api.reading import Stops, ToolFunction, Whole, Wire, body_of
from daemon.chat.conversation import Question
from daemon.chat.prompt_context import Turn, parse_history
from daemon.config.settings import Config
from daemon.engine.client import Piece, Reasoning, ToolCall, Tools
from daemon.further_models.pool import FurtherModels

CHOICES = {"auto": "auto", "any": "required", "none": "none"}  # of tools: theirs -> OpenAI's


class MessagesTool(Wire):
    """A tool; those with a type other than `custom` are left out of the prompt."""

    name: str = Field(min_length=1)
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None


class MessagesChoice(Wire):
    """Which tool to call."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Wire):
    """Whether to think before answering."""

    type: str  # enabled, adaptive or disabled


class MessagesTurn(Wire):
    """One message."""

    role: Literal["user", "assistant", "system"]
    content: Any = None  # a text, or a list of blocks


class MessagesRequest(Wire):
    """The keys that are honoured; others are ignored."""

    model: str | None = None
    messages: list[MessagesTurn] = Field(min_length=1)
    max_tokens: Whole | None = None
    system: Any = None  # a text, or a list of blocks
    stop_sequences: Stops = ()
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: Whole | None = None
    tools: list[MessagesTool] | None = None
    tool_choice: MessagesChoice | None = None
    thinking: Thinking | None = None


class MessagesUsage(TypedDict):
    """Tokens."""

    input_tokens: int  # less those that were still in memory
    output_tokens: int
    cache_read_input_tokens: int
    cache_creation_input_tokens: int  # 0


class MessagesAnswer(TypedDict):
    """A whole answer."""

    id: str
    type: str  # "message"
    role: str  # "assistant"
    model: str
    content: list[dict[str, Any]]  # blocks of type thinking, text, tool_use
    stop_reason: str | None  # end_turn, max_tokens, stop_sequence, tool_use
    stop_sequence: str | None
    usage: MessagesUsage


class InputTokens(TypedDict):
    """How long a prompt is, without memories."""

    input_tokens: int


def routes(config: Config, answering: Answering, further: FurtherModels) -> APIRouter:
    """The routes, with and without /v1."""
    router = APIRouter(tags=["anthropic"])

    async def messages(request: Request) -> Response:
        """An answer, whole, or as the events of Anthropic's API."""
        wanted = reading.read(MessagesRequest, await request.body())
        question = _question(wanted, config, retry=is_retry(request))
        begun = await answering.begin(request, question, _warnings(wanted))
        if wanted.stream:
            return AnswerStream(
                begun, _events(begun), failed=lambda error: sse(error.body("anthropic"), "error")
            )
        said = await whole(request, begun)
        blocks: list[dict[str, Any]] = []
        if said.thought:
            blocks.append({"type": "thinking", "thinking": said.thought, "signature": ""})
        if said.text or not (said.calls or said.thought):
            blocks.append({"type": "text", "text": said.text})
        blocks += [_tool_use(call, json.loads(call.arguments)) for call in said.calls]
        return JSONResponse(_message(begun, blocks, said.finish, said.last), headers=begun.headers)

    async def count_tokens(request: Request) -> Response:
        """How many tokens the prompt of a request has, memories not counted."""
        question = _question(reading.read(MessagesRequest, await request.body()), config)
        engine = further.engine(question.model.further)
        count = await engine.count(question.history.messages(None), tools=question.tools)
        return JSONResponse({"input_tokens": count})

    for prefix in ("/v1", ""):
        for path, route, answer in (
            ("/messages", messages, MessagesAnswer),
            ("/messages/count_tokens", count_tokens, InputTokens),
        ):
            router.add_api_route(
                prefix + path,
                route,
                methods=["POST"],
                response_model=None,
                responses={200: {"model": answer}},
                openapi_extra=body_of(MessagesRequest),
                include_in_schema=bool(prefix),
            )
    return router


def _question(wanted: MessagesRequest, config: Config, *, retry: bool = False) -> Question:
    thinks = None if wanted.thinking is None else wanted.thinking.type != "disabled"
    return Question(
        history=parse_history(_turns(wanted)),
        model=reading.model_of(wanted.model, config),
        sampling=reading.sampling(
            config,
            max_tokens=wanted.max_tokens,
            temperature=wanted.temperature,
            top_p=wanted.top_p,
            top_k=wanted.top_k,
            stop=wanted.stop_sequences,
        ),
        tools=_tools(wanted),
        retry=retry,
        reasoning=Reasoning(thinks=thinks),
    )


def _turns(wanted: MessagesRequest) -> tuple[Turn, ...]:
    turns = list[Turn]()
    if system := reading.text_of(wanted.system or "", ("system",), newest=True):
        turns.append(Turn(role="system", text=system))
    spoken = [place for place, message in enumerate(wanted.messages) if message.role == "assistant"]
    newest = spoken[-1] + 1 if spoken else 0
    for place, message in enumerate(wanted.messages):
        blocks = message.content if isinstance(message.content, list) else []
        at = ("messages", place, "content")
        rest = [one for one in blocks if not (isinstance(one, dict) and one.get("type") == "tool_result")]
        content = rest if isinstance(message.content, list) else message.content
        results = [_result(one) for one in blocks if one not in rest]
        turns += results
        asks = place >= newest and message.role != "assistant" and not results
        text = reading.text_of(content, at, newest=asks)
        calls = _calls(blocks) if message.role == "assistant" else ()
        if text or calls or not results:
            turns.append(Turn(role=message.role, text=text, calls=calls))
    return tuple(turns)


def _result(block: Mapping[str, Any]) -> Turn:
    text = reading.text_of(block.get("content"), (), newest=False)
    id = block.get("tool_use_id")
    return Turn(role="tool", text=text, call_id=id if isinstance(id, str) else "")


def _calls(blocks: list[Any]) -> tuple[ToolCall, ...]:
    used = (one for one in blocks if isinstance(one, dict) and one.get("type") == "tool_use")
    return tuple(
        reading.made_call(one["name"], one.get("input"), one.get("id"))
        for one in used
        if isinstance(one.get("name"), str)
    )


def _is_ours(tool: MessagesTool) -> bool:
    return tool.type in (None, "custom")


def _tools(wanted: MessagesRequest) -> Tools | None:
    functions = [
        reading.function_of(
            ToolFunction(name=one.name, description=one.description, parameters=one.input_schema)
        )
        for one in wanted.tools or ()
        if _is_ours(one)
    ]
    choice = wanted.tool_choice
    if choice is None:
        return reading.chosen(functions, "auto")
    if choice.type == "tool" and choice.name is None:
        raise invalid(("tool_choice", "name"), "it is missing")
    named = {"name": choice.name} if choice.type == "tool" else CHOICES[choice.type]
    return reading.chosen(functions, named, parallel=not choice.disable_parallel_tool_use)


def _warnings(wanted: MessagesRequest) -> list[str]:
    others = sorted({str(one.type) for one in wanted.tools or () if not _is_ours(one)})
    return [f"tools of these types are not known, and were left out: {', '.join(others)}"] if others else []


def _message(begun: Begun, blocks: list[dict[str, Any]], finish: str | None, last: Piece) -> MessagesAnswer:
    return {
        "id": f"msg_{uuid.uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "model": begun.model,
        "content": blocks,
        "stop_reason": None if finish is None else _reason(finish, last),
        "stop_sequence": last.stopped_by or None,
        "usage": _usage(last),
    }


def _reason(finish: str, last: Piece) -> str:
    if last.stopped_by:
        return "stop_sequence"
    return {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}[finish]


def _usage(last: Piece) -> MessagesUsage:
    return {
        "input_tokens": last.prompt_tokens - last.cached_tokens,
        "output_tokens": last.completion_tokens,
        "cache_read_input_tokens": last.cached_tokens,
        "cache_creation_input_tokens": 0,
    }


def _tool_use(call: ToolCall, given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": given}


def _event(kind: str, **fields: Any) -> bytes:
    return sse({"type": kind, **fields}, kind)


async def _events(begun: Begun) -> AsyncIterator[bytes]:
    first = begun.first or Piece(text="")
    yield _event("message_start", message=_message(begun, [], None, first))
    index, open_kind = -1, ""
    async for event in events(begun):
        if isinstance(event, Waiting):
            yield _event("ping")
            continue
        kind = "text" if isinstance(event, Text) else "thinking" if isinstance(event, Thought) else ""
        if open_kind and kind != open_kind:
            yield _event("content_block_stop", index=index)
            open_kind = ""
        if kind and not open_kind:
            index, open_kind = index + 1, kind
            block = {"type": kind, kind: ""} | ({"signature": ""} if kind == "thinking" else {})
            yield _event("content_block_start", index=index, content_block=block)
        match event:
            case Text(text) | Thought(text):
                yield _event("content_block_delta", index=index, delta={"type": f"{kind}_delta", kind: text})
            case Call(call):
                index += 1
                yield _event("content_block_start", index=index, content_block=_tool_use(call, {}))
                delta = {"type": "input_json_delta", "partial_json": call.arguments}
                yield _event("content_block_delta", index=index, delta=delta)
                yield _event("content_block_stop", index=index)
            case End(finish, last):
                ended = {"stop_reason": _reason(finish, last), "stop_sequence": last.stopped_by or None}
                yield _event("message_delta", delta=ended, usage=_usage(last))
    yield _event("message_stop")
