"""POST /tokenize and /detokenize, as llama.cpp's server has them: texts and the tokens of the main model."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from daemon.api import reading
from daemon.api.errors import WireError
from daemon.api.reading import Whole, Wire, body_of
from daemon.engine.client import Engine

LONGEST = 250_000  # characters of one text: longer ones would stop everybody's answers meanwhile


class TokenizeRequest(Wire):
    """A text."""

    content: str
    with_pieces: bool | None = None  # true: each token with its text


class Piece(TypedDict):
    """One token, where pieces were asked for."""

    id: int
    piece: str


class Tokens(TypedDict):
    """The tokens of a text, in which nothing is a control token."""

    tokens: list[int] | list[Piece]


class DetokenizeRequest(Wire):
    """Tokens."""

    tokens: list[Whole]


class Content(TypedDict):
    """The text of tokens."""

    content: str


def routes(engine: Engine) -> APIRouter:
    """The two routes, with and without /v1."""
    router = APIRouter(tags=["openai"])

    async def tokenize(request: Request) -> Response:
        """The tokens of a text."""
        wanted = reading.read(TokenizeRequest, await request.body())
        if len(wanted.content) > LONGEST:
            why = f"it has {len(wanted.content):,} characters; send at most {LONGEST:,} at once"
            raise WireError(400, f"content is not valid: {why}.", code="invalid_value", param="content")
        tokens = await engine.cut(wanted.content) if wanted.content else []
        if wanted.with_pieces:
            texts = await engine.pieces(tokens) if tokens else []
            pieces = [{"id": id, "piece": text} for id, text in zip(tokens, texts, strict=True)]
            return JSONResponse({"tokens": pieces})
        return JSONResponse({"tokens": tokens})

    async def detokenize(request: Request) -> Response:
        """The text of tokens."""
        wanted = reading.read(DetokenizeRequest, await request.body())
        return JSONResponse({"content": await engine.join(wanted.tokens) if wanted.tokens else ""})

    for prefix in ("", "/v1"):
        shown = not prefix
        router.add_api_route(
            f"{prefix}/tokenize",
            tokenize,
            methods=["POST"],
            response_model=None,
            responses={200: {"model": Tokens}},
            openapi_extra=body_of(TokenizeRequest),
            include_in_schema=shown,
        )
        router.add_api_route(
            f"{prefix}/detokenize",
            detokenize,
            methods=["POST"],
            response_model=None,
            responses={200: {"model": Content}},
            openapi_extra=body_of(DetokenizeRequest),
            include_in_schema=shown,
        )
    return router
