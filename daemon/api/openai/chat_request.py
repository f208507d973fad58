"""
A request for a chat completion, as OpenAI's clients write it, read into a `Question`.

A known key of the wrong type or out of range is a 400 that names it. What we can't do yet is refused by name, never
silently left out. Unknown keys are ignored.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from daemon.api.errors import WireError, invalid
from daemon.chat.conversation import Question
from daemon.chat.model_names import parse_model_name
from daemon.chat.prompt_context import Turn, parse_history
from daemon.engine.client import Reasoning, Sampling

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}  # on the wire -> ours
MOST_TOKENS = 2**31 - 1
TOP_P, TOP_K = (
    0.8,
    20,
)  # beside our own temperature; a client that names a temperature gets its own values only


def _text(value: object) -> str | None:
    """Message content: text, a list of text parts, or null."""
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise ValueError("must be text, a list of parts, or null")
    return "".join(_part(part) for part in value)


def _part(part: object) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    key = {"text": "text", "refusal": "refusal"}.get(kind) if isinstance(kind, str) else None
    if not isinstance(part, dict) or key is None:
        raise ValueError(f"has a part of type {kind!r}; only text is supported")
    if not isinstance(part.get(key), str):
        raise ValueError(f"has a part without {key}")
    return str(part[key])


def _stops(value: object) -> tuple[str, ...]:
    """Stop texts: one, a list, or null."""
    if value is None:
        return ()
    texts = [value] if isinstance(value, str) else value
    if (
        not isinstance(texts, list)
        or not all(isinstance(text, str) and text for text in texts)
        or len(texts) > 16
    ):
        raise ValueError("must be a text or a list of up to 16 texts, none empty")
    return tuple(texts)


def _moment(value: object) -> datetime | None:
    """A moment, ISO 8601; UTC when it names no zone."""
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
        if read is not None:
            return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # overflow: before the first or after the last moment in UTC
        pass
    raise ValueError("must be a moment such as 2026-03-05T18:00:00Z")


class _Wire(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class WireMessage(_Wire):
    """One message."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[str | None, BeforeValidator(_text)] = None


class StreamOptions(_Wire):
    """What a stream should carry besides the text."""

    include_usage: bool | None = None


class JsonSchema(_Wire):
    """The wanted shape of a JSON answer."""

    schema_: dict[str, Any] = Field(alias="schema")


class ResponseFormat(_Wire):
    """Plain text, any JSON object, or JSON of one shape."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class TemplateKwargs(_Wire):
    """What a client wants the chat template to know; other names are ignored."""

    enable_thinking: bool | None = None
    reasoning_effort: str | None = None


class OurExtras(_Wire):
    """What only Tsubasa knows; clients send it as `extra_body={"tsubasa": {...}}`."""

    recall: bool = True
    said_at: Annotated[datetime | None, BeforeValidator(_moment)] = None


class ChatRequest(_Wire):
    """The keys that are honoured, and those that are refused by name."""

    model: str = "tsubasa"
    messages: list[WireMessage] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: Annotated[tuple[str, ...], BeforeValidator(_stops)] = ()  # one text, or up to 16
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None  # any but "none" and "minimal" lets a model think that can
    chat_template_kwargs: TemplateKwargs | None = None
    n: int | None = None
    logprobs: bool | None = None
    logit_bias: dict[str, float] | None = None
    store: bool | None = None  # false: as `tsubasa:private`
    tools: list[Any] | None = None
    tool_choice: Any = None
    functions: list[Any] | None = None
    tsubasa: OurExtras | None = None


def read(body: bytes) -> ChatRequest:
    """
    The request in `body`.

    Raises:
        WireError: 400 with `param`, when it is no JSON, a value is wrong, or it asks for what we can't do.
    """
    try:
        request = ChatRequest.model_validate(read_json(body))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise invalid(first["loc"], first["msg"]) from error
    _refuse_what_we_cannot(request)
    return request


def read_json(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; a 400 when it is none, or holds text that is no Unicode."""
    try:
        value = json.loads(body)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except UnicodeEncodeError as error:
        raise WireError(
            400, "The request holds a lone surrogate, which is no text.", code="invalid_json"
        ) from error
    except ValueError as error:
        raise WireError(400, f"The request is not JSON: {error}.", code="invalid_json") from error
    except RecursionError as error:
        raise WireError(400, "The request is nested too deeply.", code="invalid_json") from error
    if not isinstance(value, dict):
        raise WireError(400, "The request must be a JSON object.", code="invalid_json")
    return value


def question(
    request: ChatRequest, *, retry: bool, temperature: float, max_tokens: int, aliases: str = ""
) -> Question:
    """What the request asks; `temperature` and `max_tokens` stand in where it doesn't say."""
    extras = request.tsubasa or OurExtras()
    model = parse_model_name(request.model, aliases)
    return Question(
        history=parse_history(_turns(request.messages)),
        model=model.off_the_record() if request.store is False else model,
        sampling=_sampling(request, temperature=temperature, max_tokens=max_tokens),
        schema=_schema(request.response_format),
        recall=extras.recall,
        retry=retry,
        said_at=extras.said_at,
        reasoning=_reasoning(request),
    )


def _refuse_what_we_cannot(request: ChatRequest) -> None:
    asked = {
        "n": request.n not in (None, 1),
        "tools": bool(request.tools) and request.tool_choice != "none",
        "functions": bool(request.functions),
        "logprobs": bool(request.logprobs),
        "logit_bias": bool(request.logit_bias),
    }
    for name, is_asked in asked.items():
        if is_asked:
            reason = (
                "only one answer (n = 1) can be made"
                if name == "n"
                else "this release has no support for it yet"
            )
            raise WireError(
                400, f"{name} is not supported: {reason}.", code="unsupported_parameter", param=name
            )


def _turns(messages: Sequence[WireMessage]) -> tuple[Turn, ...]:
    for place, message in enumerate(messages):
        if message.content is None and message.role != "assistant":
            raise invalid(("messages", place, "content"), "it must be text")
    return tuple(Turn(role=ROLES[message.role], text=message.content or "") for message in messages)


def _sampling(request: ChatRequest, *, temperature: float, max_tokens: int) -> Sampling:
    ours = request.temperature is None and request.top_p is None
    top_p = 1.0 if request.top_p is None else request.top_p
    return Sampling(
        max_tokens=_limit(request, max_tokens),
        temperature=temperature if request.temperature is None else request.temperature,
        top_p=TOP_P if ours else top_p or 1e-6,  # 0 is allowed on the wire, and means the likeliest token
        top_k=TOP_K if ours else 0,
        seed=None if request.seed is None else request.seed & 0xFFFF_FFFF,
        stop=request.stop,
        presence_penalty=request.presence_penalty or 0.0,
        frequency_penalty=request.frequency_penalty or 0.0,
    )


def _reasoning(request: ChatRequest) -> Reasoning:
    told = request.chat_template_kwargs or TemplateKwargs()
    effort = told.reasoning_effort or request.reasoning_effort
    thinks = told.enable_thinking
    if thinks is None and effort is not None:
        thinks = effort not in ("none", "minimal")
    return Reasoning(thinks=thinks, effort=effort)


def _limit(request: ChatRequest, default: int) -> int | None:
    limit = request.max_tokens if request.max_completion_tokens is None else request.max_completion_tokens
    if limit is None:
        return default
    return None if limit == -1 else min(limit, MOST_TOKENS)  # -1 is how some clients say "to the end"


def _schema(wanted: ResponseFormat | None) -> dict[str, Any] | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return {"type": "object"}
    if wanted.json_schema is None:
        raise invalid(("response_format", "json_schema"), "it is missing")
    return wanted.json_schema.schema_
