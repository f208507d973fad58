"""
Ollama's /api: chat, generate, embed, and what there is, as its clients and the programs made for it expect them.

Its streams are lines of JSON, and streaming is what happens when nothing is said of it.
"""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BeforeValidator
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from daemon.api import reading
from daemon.api.answering import Answering, AnswerStream, Begun, Call, End, Text, Thought, events, whole
from daemon.api.errors import WireError
from daemon.api.names import About, Name, about, every_name, of_main
from daemon.api.openai.chat_request import WireMessage, asked_from, turns
from daemon.api.reading import Stops, ToolSpec, Whole, Wire, body_of
from daemon.chat.conversation import Question
from daemon.chat.prompt_context import Turn, parse_history
from daemon.config.settings import Config
from daemon.embedding.client import Embedder
from daemon.engine.client import Piece, Reasoning, Sampling, ToolCall
from daemon.further_models.pool import FurtherModels
from daemon.generations.service import Generations

SPOKEN = "0.12.0"  # the version of Ollama whose API this is: programs ask before they use a part of it


def _texts(value: object) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("must be a text or a list of texts")
    return tuple(texts)


class Options(Wire):
    """How words are chosen; others, such as num_ctx, are ignored."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: Whole | None = None
    min_p: float | None = None
    typical_p: float | None = None
    repeat_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: Whole | None = None
    stop: Stops = ()
    num_predict: Whole | None = None  # -1, -2: up to the end of the context


class OllamaMessage(Wire):
    """One message."""

    role: str  # system, user, assistant or tool
    content: Any = None
    images: Any = None
    tool_calls: Any = None
    tool_name: Any = None


class _Asked(Wire):
    model: str | None = None
    stream: bool | None = None  # null: true
    format: Any = None  # "json", or a JSON schema that the answer follows
    options: Options | None = None
    think: bool | str | None = None  # true, false, or how much


class OllamaChatRequest(_Asked):
    """The keys that are honoured; others are ignored."""

    messages: list[OllamaMessage] = []
    tools: list[ToolSpec] | None = None


class OllamaGenerateRequest(_Asked):
    """The keys that are honoured; others are ignored."""

    prompt: str | None = None
    system: str | None = None
    suffix: str | None = None
    images: Any = None
    raw: bool | None = None  # true: the prompt is gone on with as it is


class OllamaEmbedRequest(Wire):
    """Texts."""

    model: str | None = None
    input: Annotated[tuple[str, ...], BeforeValidator(_texts)]  # one, or several
    dimensions: Whole | None = None


class OllamaEmbeddingRequest(Wire):
    """One text, as older programs send it."""

    model: str | None = None
    prompt: str


class OllamaShowRequest(Wire):
    """A model."""

    model: str | None = None
    name: str | None = None  # the same, of older programs


class _OllamaHead(TypedDict):
    model: str
    created_at: str
    done: bool  # true in the last line


class _OllamaCounts(_OllamaHead, total=False):
    done_reason: str  # stop, length
    total_duration: int  # nanoseconds
    load_duration: int
    prompt_eval_count: int  # tokens
    prompt_eval_duration: int
    eval_count: int
    eval_duration: int


class OllamaChat(_OllamaCounts):
    """A whole answer, or a line of one; the counts are in the last."""

    message: dict[str, Any]  # role, content, thinking, tool_calls


class OllamaGenerate(_OllamaCounts, total=False):
    """A whole answer, or a line of one; the counts are in the last."""

    response: str
    thinking: str


class OllamaEmbed(TypedDict):
    """A vector for each text."""

    model: str
    embeddings: list[list[float]]
    total_duration: int  # nanoseconds
    load_duration: int
    prompt_eval_count: int  # words


class OllamaEmbedding(TypedDict):
    """The vector of a text."""

    embedding: list[float]


class OllamaModel(TypedDict):
    """One name that a chat can ask for."""

    name: str
    model: str
    modified_at: str
    size: int  # bytes
    digest: str  # "": not known before the model was loaded once
    details: dict[str, Any]


class OllamaModels(TypedDict):
    models: list[OllamaModel]


class OllamaShow(TypedDict):
    """What a model is and can do."""

    modelfile: str
    parameters: str
    template: str
    details: dict[str, Any]
    model_info: dict[str, Any]
    capabilities: list[str]
    modified_at: str


class OllamaVersion(TypedDict):
    """The version of Ollama whose API this is."""

    version: str


class _Lines:
    """How the lines of one answer look; chat and generate differ in where the words stand."""

    def __init__(self, begun: Begun, words: Callable[..., dict[str, Any]]) -> None:
        self._begun, self._words, self._began = begun, words, time.perf_counter_ns()

    def line(self, *, last: bool = False, **words: Any) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        return {"model": self._begun.model, "created_at": now, **self._words(**words), "done": last}

    def end(self, finish: str, last: Piece, **words: Any) -> dict[str, Any]:
        took = time.perf_counter_ns() - self._began
        return {
            **self.line(last=True, **words),
            "done_reason": "length" if finish == "length" else "stop",
            "total_duration": took,
            "load_duration": 0,
            "prompt_eval_count": last.prompt_tokens,
            "prompt_eval_duration": 0,
            "eval_count": last.completion_tokens,
            "eval_duration": took,
        }


def routes(
    config: Config,
    answering: Answering,
    generations: Generations,
    further: FurtherModels,
    embedder: Embedder,
) -> APIRouter:
    """All routes under /api."""
    router = APIRouter(tags=["ollama"])
    ours = _Routes(config, answering, generations, further, embedder)
    posts: tuple[tuple[str, Any, Any, type[Wire]], ...] = (
        ("chat", ours.chat, OllamaChat, OllamaChatRequest),
        ("generate", ours.generate, OllamaGenerate, OllamaGenerateRequest),
        ("embed", ours.embed, OllamaEmbed, OllamaEmbedRequest),
        ("embeddings", ours.embedding, OllamaEmbedding, OllamaEmbeddingRequest),
        ("show", ours.show, OllamaShow, OllamaShowRequest),
    )
    for name, route, answer, body in posts:
        router.add_api_route(
            f"/api/{name}",
            route,
            methods=["POST"],
            response_model=None,
            responses={200: {"model": answer}},
            openapi_extra=body_of(body),
        )
    router.add_api_route("/api/tags", ours.tags)
    router.add_api_route("/api/ps", ours.running)
    router.add_api_route("/api/version", ours.version)
    return router


class _Routes:
    def __init__(
        self,
        config: Config,
        answering: Answering,
        generations: Generations,
        further: FurtherModels,
        embedder: Embedder,
    ) -> None:
        self._config, self._answering = config, answering
        self._generations, self._further, self._embedder = generations, further, embedder
        self._started_at = datetime.now(UTC)

    async def chat(self, request: Request) -> Response:
        """An answer, as lines of JSON, or whole with `stream: false`."""
        wanted = reading.read(OllamaChatRequest, await request.body())
        if not wanted.messages:
            return JSONResponse(_loaded(wanted.model, message={"role": "assistant", "content": ""}))
        return await self._answered(request, wanted, _chat_question(wanted, self._config), _message)

    async def generate(self, request: Request) -> Response:
        """What follows a prompt, which is a question unless `raw` says otherwise."""
        wanted = reading.read(OllamaGenerateRequest, await request.body())
        if not wanted.prompt:
            return JSONResponse(_loaded(wanted.model, response=""))
        return await self._answered(request, wanted, _generate_question(wanted, self._config), _response)

    async def _answered(
        self, request: Request, wanted: _Asked, question: Question, words: Callable[..., dict[str, Any]]
    ) -> Response:
        begun = await self._answering.begin(request, question)
        lines = _Lines(begun, words)
        if wanted.stream is False:
            said = await whole(request, begun)
            told = {"text": said.text, "thought": said.thought, "calls": said.calls}
            return JSONResponse(lines.end(said.finish, said.last, **told), headers=begun.headers)
        return AnswerStream(
            begun,
            _stream(begun, lines),
            media_type="application/x-ndjson",
            failed=lambda error: _line(error.body("ollama")),
        )

    async def embed(self, request: Request) -> Response:
        """Vectors of texts, by the model that memories are found with."""
        wanted = reading.read(OllamaEmbedRequest, await request.body())
        began, info = time.perf_counter_ns(), await self._embedder.info()
        if wanted.dimensions not in (None, info.dimension):
            why = f"the vectors of {info.id} have {info.dimension} numbers"
            raise WireError(400, f"dimensions is not supported: {why}.", param="dimensions")
        vectors = await self._embedder.embed(wanted.input)
        found: OllamaEmbed = {
            "model": wanted.model or info.id,
            "embeddings": vectors.tolist(),
            "total_duration": time.perf_counter_ns() - began,
            "load_duration": 0,
            "prompt_eval_count": sum(len(text.split()) for text in wanted.input),
        }
        return JSONResponse(found)

    async def embedding(self, request: Request) -> Response:
        """The vector of one text, as older programs ask for it."""
        wanted = reading.read(OllamaEmbeddingRequest, await request.body())
        (vector,) = (await self._embedder.embed([wanted.prompt])).tolist()
        return JSONResponse({"embedding": vector})

    async def show(self, request: Request) -> Response:
        """What the model is and can do; one beside the main one has to be loaded once before its template is known."""
        wanted = reading.read(OllamaShowRequest, await request.body())
        asked = reading.model_of(wanted.model or wanted.name, self._config).further
        one = self._further.of(asked) if asked else None
        known = one.generations.known if one else await self._generations.model()
        info = about(one) if one else of_main(await self._generations.model(), is_running=True)
        capabilities = [
            "completion",
            *(["tools"] if known and known.calls_tools else []),
            *(["thinking"] if known and known.thinks else []),
        ]
        found: OllamaShow = {
            "modelfile": "",
            "parameters": "",
            "template": "",
            "details": _details(info.architecture, info.quantization),
            "model_info": {
                "general.architecture": info.architecture,
                "general.basename": info.name,
                f"{info.architecture}.context_length": info.n_ctx,
            },
            "capabilities": capabilities,
            "modified_at": datetime.now(UTC).isoformat(),
        }
        return JSONResponse(found)

    async def tags(self) -> OllamaModels:
        """The names that a chat can ask for."""
        return {"models": [_model(one.text, one.about) for one in await self._names()]}

    async def running(self) -> OllamaModels:
        """Those of models that are in memory."""
        return {
            "models": [_model(one.text, one.about) for one in await self._names() if one.about.is_running]
        }

    async def _names(self) -> list[Name]:
        found = await every_name(self._generations, self._further, self._started_at)
        return [one for one in found if not one.text.endswith("@0")]

    async def version(self) -> OllamaVersion:
        """The version of Ollama whose API this is."""
        return {"version": SPOKEN}


def _chat_question(wanted: OllamaChatRequest, config: Config) -> Question:
    for at in range(asked_from(wanted.messages), len(wanted.messages)):
        if wanted.messages[at].images:
            why = f"messages[{at}].images is not supported: this model sees no pictures"
            raise WireError(400, f"{why}.", code="unsupported_parameter", param=f"messages[{at}].images")
    history = turns(
        [
            WireMessage(role=one.role, content=one.content, tool_calls=one.tool_calls, name=one.tool_name)
            for one in wanted.messages
        ]
    )
    tools = reading.chosen(reading.offered(wanted.tools), "auto")
    return Question(tools=tools, history=parse_history(history), **_common(wanted, config))


def _generate_question(wanted: OllamaGenerateRequest, config: Config) -> Question:
    for name in ("suffix", "images"):
        if getattr(wanted, name):
            raise WireError(400, f"{name} is not supported.", code="unsupported_parameter", param=name)
    if wanted.raw:
        return Question(history=parse_history(()), raw=wanted.prompt, recall=False, **_common(wanted, config))
    system = [Turn(role="system", text=wanted.system)] if wanted.system else []
    asked = Turn(role="user", text=wanted.prompt or "")
    return Question(history=parse_history([*system, asked]), **_common(wanted, config))


def _common(wanted: _Asked, config: Config) -> dict[str, Any]:
    thinks = None if wanted.think is None else wanted.think not in (False, "none", "minimal")
    return {
        "model": reading.model_of(wanted.model, config),
        "sampling": _sampling(wanted.options or Options(), config),
        "schema": _schema(wanted.format),
        "reasoning": Reasoning(thinks=thinks, effort=wanted.think if isinstance(wanted.think, str) else None),
    }


def _sampling(options: Options, config: Config) -> Sampling:
    return reading.sampling(
        config,
        max_tokens=options.num_predict,
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        min_p=options.min_p,
        typical_p=options.typical_p,
        repeat_penalty=options.repeat_penalty,
        presence_penalty=options.presence_penalty,
        frequency_penalty=options.frequency_penalty,
        seed=options.seed,
        stop=options.stop,
    )


def _schema(form: object) -> dict[str, Any] | None:
    if form in (None, ""):
        return None
    if form == "json":
        return {"type": "object"}
    if isinstance(form, dict):
        return form
    raise WireError(
        400, 'format is not valid: it must be "json" or a JSON schema.', code="invalid_value", param="format"
    )


def _message(text: str = "", thought: str = "", calls: tuple[ToolCall, ...] = ()) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if thought:
        message["thinking"] = thought
    if calls:
        made = ({"name": call.name, "arguments": json.loads(call.arguments)} for call in calls)
        message["tool_calls"] = [{"function": function} for function in made]
    return {"message": message}


def _response(text: str = "", thought: str = "", calls: tuple[ToolCall, ...] = ()) -> dict[str, Any]:
    return {"response": text} | ({"thinking": thought} if thought else {})


async def _stream(begun: Begun, lines: _Lines) -> AsyncIterator[bytes]:
    async for event in events(begun):
        match event:
            case Text(text):
                yield _line(lines.line(text=text))
            case Thought(text):
                yield _line(lines.line(thought=text))
            case Call(call):
                yield _line(lines.line(calls=(call,)))
            case End(finish, last):
                yield _line(lines.end(finish, last))


def _line(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode() + b"\n"


def _loaded(model: str | None, **words: Any) -> dict[str, Any]:
    """What a program hears that wants the model loaded, and asks nothing."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {"model": model or "tsubasa", "created_at": now, **words, "done": True, "done_reason": "load"}


def _model(name: str, of: About) -> OllamaModel:
    now = datetime.now(UTC).isoformat()
    return {
        "name": name,
        "model": name,
        "modified_at": now,
        "size": of.bytes,
        "digest": of.sha256,
        "details": _details(of.architecture, of.quantization),
    }


def _details(architecture: str, quantization: str) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": architecture,
        "families": [architecture],
        "parameter_size": "",
        "quantization_level": quantization,
    }
