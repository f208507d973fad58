"""
A request for a chat completion, as OpenAI's clients write it, read into a `Question`.

What we can't do is refused by name, never silently left out. Unknown keys are ignored.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Protocol

from pydantic import BeforeValidator, Field

from daemon.api import reading
from daemon.api.errors import WireError, invalid
from daemon.api.reading import Stops, ToolFunction, ToolSpec, Whole, Wire
from daemon.chat.conversation import Question
from daemon.chat.prompt_context import Turn, parse_history
from daemon.config.settings import Config
from daemon.engine.client import Reasoning, Sampling, Tools

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}  # on the wire -> ours
MOST_ANSWERS = 16
NOT_YET = (
    "dry_multiplier",
    "mirostat",
    "n_probs",
    "xtc_probability",
)  # change what is said, and are not known here


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


class WireMessage(Wire):
    """One message."""

    role: str  # system, developer, user, assistant or tool
    content: Any = None  # a text, a list of parts of type text, or null
    tool_calls: Any = None  # of an assistant
    tool_call_id: Any = None  # of a tool: the call that it answers
    name: Any = None


class StreamOptions(Wire):
    """What a stream should carry besides the text."""

    include_usage: bool | None = None


class JsonSchema(Wire):
    """The wanted shape of a JSON answer."""

    schema_: dict[str, Any] = Field(alias="schema")


class ResponseFormat(Wire):
    """Plain text, any JSON object, or JSON of one shape."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None
    schema_: dict[str, Any] | None = Field(
        alias="schema", default=None
    )  # of a json_object, as llama.cpp has it


class TemplateKwargs(Wire):
    """What a client wants the chat template to know; other names are ignored."""

    enable_thinking: bool | None = None
    reasoning_effort: str | None = None


class OurExtras(Wire):
    """What only Tsubasa knows; clients send it as `extra_body={"tsubasa": {...}}`."""

    recall: bool = True
    said_at: Annotated[datetime | None, BeforeValidator(_moment)] = None


class ChatRequest(Wire):
    """The keys that are honoured, and those that are refused by name."""

    model: str | None = None  # null: tsubasa
    messages: list[WireMessage] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Whole | None = None  # null, -1: up to the end of the context; 0: the prompt only
    max_completion_tokens: Whole | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: Whole | None = None
    min_p: float | None = None
    typical_p: float | None = None
    repeat_penalty: float | None = None
    stop: Stops = ()  # one text, or several
    seed: Whole | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float | None] | None = None  # by token, -100 to 100
    ignore_eos: bool | None = None  # true: it goes on up to its limit
    response_format: ResponseFormat | None = None
    json_schema: dict[str, Any] | None = None  # the same, as llama.cpp has it
    grammar: str | None = None  # GBNF that the answer follows
    reasoning_effort: str | None = None  # any but "none" and "minimal" lets a model think that can
    chat_template_kwargs: TemplateKwargs | None = None
    n: Whole | None = None  # so many answers; the first one is kept
    logprobs: bool | None = None  # true: how likely each token was
    top_logprobs: Whole | None = None  # and so many others in its place, up to 20
    store: bool | None = None  # false: as `tsubasa:private`
    tools: list[ToolSpec] | None = None
    tool_choice: Any = None  # none, auto, required, or an object that names a function
    parallel_tool_calls: bool | None = None
    functions: list[ToolFunction] | None = None  # what tools were called before
    function_call: Any = None
    tsubasa: OurExtras | None = None


def read(body: bytes) -> ChatRequest:
    """
    The request in `body`.

    Raises:
        WireError: 400 with `param`, when it is no JSON, a value is wrong, or it asks for what we can't do.
    """
    sent = reading.read_json(body)
    request = reading.checked(ChatRequest, sent)
    _refuse_what_we_cannot(request, sent)
    return request


def question(request: ChatRequest, config: Config, *, retry: bool = False) -> Question:
    """What the request asks; `config` stands in where it doesn't say."""
    extras = request.tsubasa or OurExtras()
    model = reading.model_of(request.model, config)
    return Question(
        history=parse_history(turns(request.messages)),
        model=model.off_the_record() if request.store is False else model,
        sampling=_sampling(request, config),
        schema=_schema(request),
        grammar=request.grammar or None,
        tools=_tools(request),
        recall=extras.recall,
        retry=retry,
        said_at=extras.said_at,
        reasoning=_reasoning(request),
    )


def warnings(request: ChatRequest) -> list[str]:
    """What was left out, for a header."""
    others = sorted({tool.type for tool in request.tools or () if tool.function is None})
    return [f"tools of these types are not known, and were left out: {', '.join(others)}"] if others else []


def _refuse_what_we_cannot(request: ChatRequest, sent: dict[str, Any]) -> None:
    for name in (name for name in NOT_YET if sent.get(name)):
        why = f"{name} is not supported: this release has no support for it yet."
        raise WireError(400, why, code="unsupported_parameter", param=name)
    if not 1 <= (1 if request.n is None else request.n) <= MOST_ANSWERS:
        raise invalid(("n",), f"it makes 1 to {MOST_ANSWERS} answers")
    if request.top_logprobs and not request.logprobs:
        raise invalid(("top_logprobs",), "logprobs must be true with it")


class _HasRole(Protocol):
    role: str


def asked_from(messages: Sequence[_HasRole]) -> int:
    """The place from which on the user asks: behind the last message of an assistant or a tool."""
    spoken = [at for at, message in enumerate(messages) if message.role in ("assistant", "tool", "function")]
    return spoken[-1] + 1 if spoken else 0


def turns(messages: Sequence[WireMessage]) -> tuple[Turn, ...]:
    """The messages as turns; a 400 for what the newest of the user holds that can't be read."""
    newest = asked_from(messages)
    return tuple(_turn(message, place, asks=place >= newest) for place, message in enumerate(messages))


def _turn(message: WireMessage, place: int, *, asks: bool) -> Turn:
    role = ROLES.get(message.role)
    if role is None and asks:
        raise invalid(("messages", place, "role"), f"it must be one of {', '.join(ROLES)}")
    is_asked = asks and role in ("user", "system")
    calls = reading.calls_of(message.tool_calls) if role == "assistant" else ()
    return Turn(
        role=role or "tool",
        text=reading.text_of(message.content, ("messages", place, "content"), newest=is_asked),
        calls=calls,
        call_id=message.tool_call_id if isinstance(message.tool_call_id, str) else "",
        name=message.name if isinstance(message.name, str) and role == "tool" else "",
    )


def _sampling(request: ChatRequest, config: Config) -> Sampling:
    limit = request.max_tokens if request.max_completion_tokens is None else request.max_completion_tokens
    return reading.sampling(
        config,
        max_tokens=limit,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        min_p=request.min_p,
        typical_p=request.typical_p,
        repeat_penalty=request.repeat_penalty,
        seed=request.seed,
        stop=request.stop,
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        logit_bias=_bias(request.logit_bias or {}),
        ignore_eos=bool(request.ignore_eos),
        logprobs=(request.top_logprobs or 0) if request.logprobs else None,
    )


def _bias(sent: dict[str, float | None]) -> dict[str, float]:
    wrong = next((token for token in sent if not token.isdecimal()), None)
    if wrong is not None:
        raise invalid(("logit_bias",), f"{wrong!r} is no number of a token")
    return {token: bias for token, bias in sent.items() if bias is not None}


def _reasoning(request: ChatRequest) -> Reasoning:
    told = request.chat_template_kwargs or TemplateKwargs()
    effort = told.reasoning_effort or request.reasoning_effort
    thinks = told.enable_thinking
    if thinks is None and effort is not None:
        thinks = effort not in ("none", "minimal")
    return Reasoning(thinks=thinks, effort=effort)


def _schema(request: ChatRequest) -> dict[str, Any] | None:
    wanted = request.response_format
    if wanted is None or wanted.type == "text":
        return request.json_schema
    if wanted.type == "json_object":
        return wanted.schema_ or {"type": "object"}
    if wanted.json_schema is None:
        raise invalid(("response_format", "json_schema"), "it is missing")
    return wanted.json_schema.schema_


def _tools(request: ChatRequest) -> Tools | None:
    functions = reading.offered(request.tools) + [reading.function_of(one) for one in request.functions or ()]
    choice = request.function_call if request.tool_choice is None else request.tool_choice
    return reading.chosen(functions, choice, parallel=request.parallel_tool_calls is not False)
