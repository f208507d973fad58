"""
What every dialect reads alike: JSON, whole numbers, the content of messages, tools, and how words are chosen.

A known key of the wrong type is a 400 that names it; unknown keys are ignored. What is history never refuses a
question: only the newest turn of the user is held to what the model can read.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from daemon.api.errors import WireError, invalid, reason
from daemon.chat.model_names import MAIN, ModelChoice, parse_model_name
from daemon.config.settings import Config
from daemon.engine.client import Sampling, ToolCall, Tools
from daemon.further_models.entries import names_of

MOST_TOKENS = 2**31 - 1
TOP_P, TOP_K = 0.8, 20  # beside our own temperature; a client that names any of them gets its own values only
TEXTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}  # part -> its key
UNSEEN = frozenset({"thinking", "redacted_thinking", "reasoning", "reasoning_text", "tool_use", "tool_call"})
M = TypeVar("M", bound="Wire")


class Wire(BaseModel):
    """A part of a request."""

    model_config = ConfigDict(strict=True, extra="ignore")


def body_of(kind: type[Wire]) -> dict[str, Any]:
    """For a route that reads its body itself: what OpenAPI says of it."""
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]  # 10.0 is one too


def _stops(value: object) -> tuple[str, ...]:
    """Stop texts: one, a list, or null; empty ones are none."""
    texts = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("must be a text or a list of texts")
    return tuple(text for text in texts if text)


Stops = Annotated[tuple[str, ...], BeforeValidator(_stops)]


class ToolFunction(Wire):
    """A function that the model may call."""

    name: str = Field(min_length=1)
    description: str | None = None
    parameters: dict[str, Any] | None = None  # JSON schema of its arguments


class ToolSpec(Wire):
    """A tool; those of other types than `function` are left out of the prompt."""

    type: str = "function"
    function: ToolFunction | None = None


def read(kind: type[M], body: bytes) -> M:
    """The request in `body`. Raises `WireError`: 400 with `param`, when it is no JSON or a value is wrong."""
    return checked(kind, read_json(body))


def checked(kind: type[M], sent: dict[str, Any]) -> M:
    """The request that was sent. Raises `WireError`: 400 with `param`, when a value is wrong."""
    try:
        return kind.model_validate(sent)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise invalid(first["loc"], reason(first)) from error


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


def text_of(content: object, place: Sequence[str | int], *, newest: bool) -> str:
    """
    The text of a message: a text, parts, or null.

    Args:
        place: where it stands in the request, for the error.
        newest: what is not text is refused; in what was said before, its kind is named in its place.
    """
    if content is None or isinstance(content, str):
        if content is None and newest:
            raise invalid(place, "it must be text")
        return content or ""
    parts = [content] if isinstance(content, dict) else content
    if isinstance(parts, list):
        return "".join(_part(part, place, newest=newest) for part in parts)
    if newest:
        raise invalid(place, "it must be text, a list of parts, or null")
    return str(content)


def _part(part: object, place: Sequence[str | int], *, newest: bool) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("type") if isinstance(part, dict) else None
    key = TEXTS.get(kind) if isinstance(kind, str) else None
    if isinstance(part, dict) and key is not None and isinstance(part.get(key), str):
        return str(part[key])
    if kind in UNSEEN:
        return ""
    if newest:
        why = f"has a part without {key}" if key else f"has a part of type {kind!r}; only text is supported"
        raise invalid(place, why)
    return f"[{kind}]"


def calls_of(sent: object) -> tuple[ToolCall, ...]:
    """The calls in a turn of the history, as OpenAI and Ollama write them; what can't be read is left out."""
    found = []
    for one in sent if isinstance(sent, list) else ():
        function = one.get("function") if isinstance(one, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            found.append(made_call(function["name"], function.get("arguments"), one.get("id")))
    return tuple(found)


def made_call(name: str, arguments: object, id: object = None) -> ToolCall:
    """A call of the history; its arguments may be an object or the text of one."""
    written = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
    return ToolCall(name=name, arguments=written or "{}", id=id if isinstance(id, str) else "")


def offered(tools: Sequence[ToolSpec] | None) -> list[dict[str, Any]]:
    """The functions among the tools, as the templates of models take them."""
    found = []
    for at, tool in enumerate(tools or ()):
        if tool.type == "function" and tool.function is None:
            raise invalid(("tools", at, "function"), "it is missing")
        if tool.function is not None:
            found.append(function_of(tool.function))
    return found


def function_of(tool: ToolFunction) -> dict[str, Any]:
    """A tool as the templates of models take it."""
    schema = tool.parameters or {"type": "object", "properties": {}}
    function = {"name": tool.name, "description": tool.description or "", "parameters": schema}
    return {"type": "function", "function": function}


def chosen(functions: Sequence[Mapping[str, Any]], choice: object, *, parallel: bool = True) -> Tools | None:
    """
    The tools on offer for one reply; None: it is in words.

    Args:
        choice: "none", "auto", "required" or "any", the name of a tool, or OpenAI's object with one.
    """
    name = _named(choice)
    if name is None and (choice == "none" or not functions):
        if choice in ("required", "any"):
            raise invalid(("tool_choice",), f"it is {choice!r}, and there are no tools")
        return None
    if name is not None:
        functions = [one for one in functions if one["function"]["name"] == name]
        if not functions:
            raise invalid(("tool_choice",), f"there is no tool {name!r}")
        return Tools(offered=tuple(functions), must=True, parallel=False)
    return Tools(offered=tuple(functions), must=choice in ("required", "any"), parallel=parallel)


def _named(choice: object) -> str | None:
    if choice is None or choice in ("none", "auto", "required", "any"):
        return None
    if isinstance(choice, dict):
        inner = choice.get("function")
        name = inner.get("name") if isinstance(inner, dict) else choice.get("name")
        if isinstance(name, str):
            return name
        if choice.get("type") in ("allowed_tools", "auto"):
            return None
    raise invalid(("tool_choice",), "it must be none, auto, required, or name a function")


def model_of(name: str | None, config: Config) -> ModelChoice:
    """What the name of a model asks for; null is `tsubasa`."""
    return parse_model_name(MAIN if name is None else name, config.aliases, names_of(config.models))


def sampling(
    config: Config,
    *,
    max_tokens: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    min_p: float | None = None,
    typical_p: float | None = None,
    repeat_penalty: float | None = None,
    presence_penalty: float | None = None,
    frequency_penalty: float | None = None,
    seed: int | None = None,
    **more: Any,
) -> Sampling:
    """
    How words are chosen. Who names nothing gets our own values; who names any gets neutral ones beside it, as OpenAI's.

    Args:
        max_tokens: None: what the setting says; -1: up to the end of the context.
    """
    ours = temperature is None and top_p is None and top_k is None and min_p is None
    limit = config.max_tokens or None if max_tokens is None else max_tokens
    return Sampling(
        max_tokens=None if limit in (None, -1, -2) else min(limit, MOST_TOKENS),
        temperature=config.temperature if temperature is None else temperature,
        top_p=TOP_P if ours else 1.0 if top_p is None else top_p or 1e-6,  # 0 means the likeliest token
        top_k=TOP_K if ours else max(0, top_k or 0),
        min_p=min_p or 0.0,
        typical_p=1.0 if typical_p is None else typical_p,
        repeat_penalty=1.0 if repeat_penalty is None else repeat_penalty,
        presence_penalty=presence_penalty or 0.0,
        frequency_penalty=frequency_penalty or 0.0,
        seed=None if seed is None else seed & 0xFFFF_FFFF,
        **more,
    )
