"""
POST /v1/completions: a text, gone on with as it is; for editors and old programs.

No chat and nobody's words: nothing of it is kept, and no memory is recalled for it. Several prompts are answered one
after the other.
"""

import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BeforeValidator
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from daemon.api import reading
from daemon.api.answering import Answering, AnswerStream, Begun, End, Text, Waiting, events, sse, whole
from daemon.api.errors import WireError
from daemon.api.openai.chat import DONE, STILL_HERE, usage
from daemon.api.openai.chat_request import StreamOptions
from daemon.api.reading import Stops, Whole, Wire, body_of
from daemon.chat.conversation import Question
from daemon.chat.prompt_context import parse_history
from daemon.client.schemas.chats import Usage
from daemon.config.settings import Config
from daemon.engine.client import Piece

MOST = 64  # answers of one request


Prompt = str | tuple[int | str, ...]  # a text, or tokens, also with texts between them


def prompts(value: object) -> tuple[Prompt, ...]:
    """A text, tokens, or a list of either; what llama.cpp's server takes for these, too."""
    if not isinstance(value, list) or any(map(_is_token, value)):
        value = [value]
    if not value:
        raise ValueError("must be a text, a list of tokens, or a list of these, not empty")
    return tuple(map(_prompt, value))


def _prompt(one: object) -> Prompt:
    if isinstance(one, dict) and isinstance(one.get("prompt_string"), str) and len(one) == 1:
        return str(one["prompt_string"])
    if isinstance(one, dict) and isinstance(parts := one.get("content"), list):
        if parts and all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in parts):
            return "".join(part["text"] for part in parts)
    if isinstance(one, list) and all(isinstance(part, str) or _is_token(part) for part in one):
        return tuple(one)
    if not isinstance(one, str):
        raise ValueError("must be a text, a list of tokens, or a list of these")
    return one


def _is_token(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


class CompletionRequest(Wire):
    """The keys that are honoured, and those that are refused by name."""

    prompt: Annotated[tuple[Prompt, ...], BeforeValidator(prompts)]  # texts, or lists of tokens
    model: str | None = None
    max_tokens: Whole | None = None  # null: up to the end of the context
    temperature: float | None = None
    top_p: float | None = None
    top_k: Whole | None = None
    min_p: float | None = None
    stop: Stops = ()
    seed: Whole | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    echo: bool | None = None  # true: the prompt stands before what follows it
    n: Whole | None = None
    best_of: Whole | None = None
    suffix: str | None = None
    logprobs: Whole | None = None
    grammar: str | None = None
    json_schema: dict[str, Any] | None = None


class CompletionChoice(TypedDict):
    """One answer."""

    text: str
    index: int
    logprobs: None
    finish_reason: str | None  # null in all parts of a stream but the last


class _CompletionHead(TypedDict):
    id: str
    object: str  # "text_completion"
    created: int  # seconds since 1970
    model: str
    system_fingerprint: str
    choices: list[CompletionChoice]


class TextCompletion(_CompletionHead, total=False):
    """A whole answer, or a part of one; `usage` where it is whole, or was asked for."""

    usage: Usage


def routes(config: Config, answering: Answering) -> APIRouter:
    """The route, with and without /v1."""
    router = APIRouter(tags=["openai"])

    async def complete(request: Request) -> Response:
        """What follows a text, whole, or as server-sent events. Nothing is kept, and no memory is recalled."""
        wanted = reading.read(CompletionRequest, await request.body())
        _refuse_what_we_cannot(wanted)
        questions = _questions(wanted, config)
        first = await answering.begin(request, questions[0])
        if not wanted.stream:
            return await _whole(request, answering, wanted, questions, first)
        return AnswerStream(first, _chunks(request, answering, wanted, questions, first))

    for path in ("/v1/completions", "/completions"):
        router.add_api_route(
            path,
            complete,
            methods=["POST"],
            response_model=None,
            responses={200: {"model": TextCompletion}},
            openapi_extra=body_of(CompletionRequest),
            include_in_schema=path.startswith("/v1"),
        )
    return router


def _refuse_what_we_cannot(wanted: CompletionRequest) -> None:
    refused = {
        "suffix": bool(wanted.suffix),
        "logprobs": bool(wanted.logprobs),
        "best_of": (wanted.best_of or 1) > (wanted.n or 1),
        "n": not 1 <= (1 if wanted.n is None else wanted.n) * len(wanted.prompt) <= MOST,
        "echo": bool(wanted.echo) and not all(isinstance(one, str) for one in wanted.prompt),
    }
    for name in (name for name, is_asked in refused.items() if is_asked):
        why = (
            "of tokens there is no text to repeat"
            if name == "echo"
            else "this release has no support for it yet"
        )
        why = f"it makes 1 to {MOST} answers at once" if name == "n" else why
        raise WireError(400, f"{name} is not supported: {why}.", code="unsupported_parameter", param=name)


def _questions(wanted: CompletionRequest, config: Config) -> list[Question]:
    sampling = reading.sampling(
        config,
        max_tokens=wanted.max_tokens,
        temperature=1.0 if wanted.temperature is None else wanted.temperature,
        top_p=wanted.top_p,
        top_k=wanted.top_k,
        min_p=wanted.min_p,
        seed=wanted.seed,
        stop=wanted.stop,
        presence_penalty=wanted.presence_penalty,
        frequency_penalty=wanted.frequency_penalty,
    )
    one = Question(
        history=parse_history(()),
        model=reading.model_of(wanted.model, config),
        sampling=sampling,
        recall=False,
        grammar=wanted.grammar or None,
        schema=wanted.json_schema,
    )
    times = range(wanted.n or 1)
    return [replace(one, raw=prompt, sampling=_seeded(one, at)) for prompt in wanted.prompt for at in times]


def _seeded(one: Question, at: int) -> Any:
    seed = one.sampling.seed
    return one.sampling if seed is None else replace(one.sampling, seed=(seed + at) & 0xFFFF_FFFF)


def _shape(begun: Begun) -> dict[str, Any]:
    return {
        "id": f"cmpl-{uuid.uuid4().hex}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": begun.model,
        "system_fingerprint": begun.fingerprint,
    }


def _choice(index: int, text: str, finish: str | None) -> CompletionChoice:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish}


def _echoed(wanted: CompletionRequest, question: Question) -> str:
    return question.raw if wanted.echo and isinstance(question.raw, str) else ""


async def _whole(
    request: Request, answering: Answering, wanted: CompletionRequest, questions: list[Question], begun: Begun
) -> Response:
    choices, total, shape = list[CompletionChoice](), Piece(text=""), _shape(begun)
    for index, question in enumerate(questions):
        begun = begun if index == 0 else await answering.begin(request, question)
        said = await whole(request, begun)
        choices.append(_choice(index, _echoed(wanted, question) + said.text, said.finish))
        total = _sum(total, said.last)
    return JSONResponse({**shape, "choices": choices, "usage": usage(total)}, headers=begun.headers)


async def _chunks(
    request: Request, answering: Answering, wanted: CompletionRequest, questions: list[Question], begun: Begun
) -> AsyncIterator[bytes]:
    total, shape = Piece(text=""), _shape(begun)
    for index, question in enumerate(questions):
        begun = begun if index == 0 else await answering.begin(request, question)
        try:
            if echoed := _echoed(wanted, question):
                yield sse({**shape, "choices": [_choice(index, echoed, None)]})
            async for event in events(begun):
                match event:
                    case Text(text):
                        yield sse({**shape, "choices": [_choice(index, text, None)]})
                    case Waiting():
                        yield STILL_HERE
                    case End(finish, last):
                        yield sse({**shape, "choices": [_choice(index, "", finish)]})
                        total = _sum(total, last)
        finally:
            begun.answer.leave()
    if wanted.stream_options and wanted.stream_options.include_usage:
        yield sse({**shape, "choices": [], "usage": usage(total)})
    yield DONE


def _sum(one: Piece, other: Piece) -> Piece:
    return Piece(
        text="",
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        completion_tokens=one.completion_tokens + other.completion_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
    )
