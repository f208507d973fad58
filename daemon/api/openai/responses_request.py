"""
A request of the Responses API, read into a `Question`: its items are turns, an earlier answer brings its chat along.
"""

import json
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from daemon.api import reading
from daemon.api.errors import WireError, invalid
from daemon.api.openai.chat_request import ROLES
from daemon.api.reading import ToolFunction, Whole, Wire
from daemon.chat.conversation import Question
from daemon.chat.prompt_context import Turn, parse_history, without_calls
from daemon.config.settings import Config
from daemon.engine.client import Reasoning, ToolCall, Tools
from store import chats
from store.chats import FORGOTTEN, Message
from store.database import Connection


class TextFormat(Wire):
    """Plain text, any JSON object, or JSON of one shape."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema_: dict[str, Any] | None = Field(alias="schema", default=None)
    strict: bool | None = None


class TextOptions(Wire):
    """How the text is to be."""

    format: TextFormat | None = None


class ReasoningOptions(Wire):
    """How much a model thinks that can."""

    effort: str | None = None


class ResponsesTool(Wire):
    """A tool; those of other types than `function` are left out of the prompt."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ResponsesRequest(Wire):
    """The keys that are honoured; others are ignored."""

    model: str | None = None
    input: Any  # a text, or a list of items: messages, calls of tools, and what came of these
    instructions: str | None = None
    previous_response_id: str | None = None  # the chat of that answer goes on
    stream: bool | None = None
    max_output_tokens: Whole | None = None
    temperature: float | None = None
    top_p: float | None = None
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    tools: list[ResponsesTool] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    metadata: dict[str, Any] | None = None
    store: bool | None = None  # false: nothing is kept, and no memory is used


def question(
    wanted: ResponsesRequest, config: Config, before: Sequence[Turn], *, id: str, retry: bool
) -> Question:
    """What the request asks, behind the turns of an earlier answer; it is found again by `id`."""
    model = reading.model_of(wanted.model, config)
    own = [Turn(role="system", text=wanted.instructions)] if wanted.instructions else []
    told = [turn for turn in before if turn.role != "system"] if own else list(before)
    effort = wanted.reasoning.effort if wanted.reasoning else None
    return Question(
        history=parse_history([*own, *told, *turns(wanted.input)]),
        model=model.off_the_record() if wanted.store is False else model,
        sampling=reading.sampling(
            config,
            max_tokens=wanted.max_output_tokens,
            temperature=wanted.temperature,
            top_p=wanted.top_p,
        ),
        schema=_schema(wanted),
        tools=tools(wanted),
        retry=retry,
        reasoning=Reasoning(
            thinks=None if effort is None else effort not in ("none", "minimal"), effort=effort
        ),
        answer_id=id,
    )


def warnings(wanted: ResponsesRequest) -> list[str]:
    """What was left out, for a header."""
    others = sorted({tool.type for tool in wanted.tools or () if tool.type != "function"})
    return [f"tools of these types are not known, and were left out: {', '.join(others)}"] if others else []


def tools(wanted: ResponsesRequest) -> Tools | None:
    """The tools on offer for the answer."""
    functions = []
    for at, tool in enumerate(wanted.tools or ()):
        if tool.type == "function" and not tool.name:
            raise invalid(("tools", at, "name"), "it is missing")
        if tool.type == "function" and tool.name:
            made = ToolFunction(name=tool.name, description=tool.description, parameters=tool.parameters)
            functions.append(reading.function_of(made))
    known = {one["function"]["name"] for one in functions}
    choice = wanted.tool_choice
    if isinstance(choice, dict) and choice.get("type") != "function" and choice.get("name") not in known:
        choice = "auto"  # one of the types that were left out
    return reading.chosen(functions, choice, parallel=wanted.parallel_tool_calls is not False)


def turns(sent: object) -> list[Turn]:
    """The turns of `input`: a text, or items; of unknown items nothing is taken."""
    if isinstance(sent, str):
        return [Turn(role="user", text=sent)]
    if not isinstance(sent, list) or not sent:
        raise invalid(("input",), "it must be a text or a list of items, not empty")
    spoken = [at for at, one in enumerate(sent) if _role(one) == "assistant" or _kind(one) != "message"]
    newest = spoken[-1] + 1 if spoken else 0
    found = list[Turn]()
    for at, item in enumerate(sent):
        kind = _kind(item)
        if kind == "message":
            role = ROLES.get(_role(item))
            if role is None and at >= newest:
                raise invalid(("input", at, "role"), f"it must be one of {', '.join(ROLES)}")
            text = reading.text_of(item.get("content"), ("input", at, "content"), newest=at >= newest)
            found.append(Turn(role=role or "tool", text=text))
        elif kind.endswith("_call") and isinstance(item.get("name"), str):
            _add_call(found, item)
        elif kind.endswith("_call_output"):
            text = reading.text_of(item.get("output"), ("input", at, "output"), newest=False)
            id = item.get("call_id")
            found.append(Turn(role="tool", text=text, call_id=id if isinstance(id, str) else ""))
    if not found:
        raise invalid(("input",), "there is no message in it")
    return found


def _kind(item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    kind = item.get("type", "message" if "role" in item else "")
    return kind if isinstance(kind, str) else ""


def _role(item: Any) -> str:
    return str(item.get("role")) if _kind(item) == "message" else ""


def _add_call(found: list[Turn], item: dict[str, Any]) -> None:
    """Calls behind each other, and behind the words before them, are of one turn."""
    given = item.get("arguments", item.get("input"))
    call = reading.made_call(item["name"], given, item.get("call_id"))
    last = found[-1] if found and found[-1].role == "assistant" else None
    if last is not None:
        found.pop()
    found.append(
        Turn(role="assistant", text=last.text if last else "", calls=(*(last.calls if last else ()), call))
    )


def _schema(wanted: ResponsesRequest) -> dict[str, Any] | None:
    form = wanted.text.format if wanted.text else None
    if form is None or form.type == "text":
        return None
    if form.type == "json_object":
        return {"type": "object"}
    if form.schema_ is None:
        raise invalid(("text", "format", "schema"), "it is missing")
    return form.schema_


def found_answer(db: Connection, id: str) -> Message:
    """The answer with this id. Raises `WireError`: 404."""
    message = chats.by_external_id(db, id) if id.startswith(chats.ANSWERED) else None
    if message is None or message.text == FORGOTTEN:
        raise WireError(
            404,
            f"There is no answer {id!r}: it was not kept, its chat was forgotten, or it was deleted.",
            code="previous_response_not_found",
            param="previous_response_id",
        )
    return message


def turns_before(db: Connection, id: str) -> list[Turn]:
    """The chat up to this answer. Raises `WireError`: 404."""
    found = list[Turn]()
    for message in chats.path(db, found_answer(db, id).id):
        text, calls = without_calls(message.text) if message.role == "assistant" else (message.text, ())
        found.append(Turn(role=message.role, text=text, calls=with_ids(calls, message.hash)))
    return found


def with_ids(calls: Sequence[ToolCall], hash: str) -> tuple[ToolCall, ...]:
    """Calls of a kept answer, with ids that are the same each time they are read."""
    return tuple(
        ToolCall(id=f"call_{hash[:16]}{at}", name=call.name, arguments=json.dumps(json.loads(call.arguments)))
        for at, call in enumerate(calls)
    )
