"""
POST /v1/responses/input_tokens, as OpenAI has it, and /v1/chat/completions/input_tokens, as llama.cpp's server: how
long a prompt is, before it is asked.
"""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from daemon.api import reading
from daemon.api.openai import chat_request, responses_request
from daemon.api.openai.chat_request import ChatRequest
from daemon.api.openai.responses_request import ResponsesRequest, turns_before
from daemon.api.reading import body_of
from daemon.chat.conversation import Question
from daemon.config.settings import Config
from daemon.further_models.pool import FurtherModels
from daemon.store_thread import StoreThread


class PromptTokens(TypedDict):
    """How long a prompt is, without memories."""

    object: str  # "response.input_tokens"
    input_tokens: int


def routes(config: Config, further: FurtherModels, store_thread: StoreThread) -> APIRouter:
    """The routes, with and without /v1."""
    router = APIRouter(tags=["openai"])

    async def of_chat(request: Request) -> Response:
        """How many tokens the prompt of a chat has, memories not counted."""
        return await _counted(chat_request.question(chat_request.read(await request.body()), config))

    async def of_response(request: Request) -> Response:
        """How many tokens the prompt of a response has, memories not counted."""
        wanted = reading.read(ResponsesRequest, await request.body())
        previous = wanted.previous_response_id
        before = [] if previous is None else await store_thread.run(turns_before, previous)
        return await _counted(responses_request.question(wanted, config, before, id="", retry=False))

    async def _counted(question: Question) -> Response:
        engine = further.engine(question.model.further)
        count = await engine.count(question.history.messages(None), tools=question.tools)
        return JSONResponse({"object": "response.input_tokens", "input_tokens": count})

    for prefix in ("/v1", ""):
        for path, route, body in (
            ("/chat/completions/input_tokens", of_chat, ChatRequest),
            ("/responses/input_tokens", of_response, ResponsesRequest),
        ):
            router.add_api_route(
                prefix + path,
                route,
                methods=["POST"],
                response_model=None,
                responses={200: {"model": PromptTokens}},
                openapi_extra=body_of(body),
                include_in_schema=bool(prefix),
            )
    return router
