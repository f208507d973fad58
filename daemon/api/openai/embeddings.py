"""POST /v1/embeddings: the vectors that retrieval itself compares texts with."""

import base64
from collections.abc import Sequence
from itertools import groupby
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BeforeValidator
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from daemon.api import reading
from daemon.api.errors import WireError
from daemon.api.openai.completions import Prompt, prompts
from daemon.api.reading import Whole, Wire, body_of
from daemon.embedding.client import Embedder, EmbedderInfo
from daemon.engine.client import Engine

MOST_TEXTS = 2048  # of one request, as OpenAI has it
TOKENS = "token ids were read as those of POST /tokenize; ids of other tokenizers mean other texts"


class EmbeddingsRequest(Wire):
    """The keys that are honoured, and those that are refused by name."""

    input: Annotated[tuple[Prompt, ...], BeforeValidator(prompts)]  # texts, or lists of tokens
    model: str | None = None  # there is one embedder; the answer names it
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Whole | None = None


class Embedding(TypedDict):
    """One vector, of length 1."""

    object: str  # "embedding"
    index: int  # of its text
    embedding: list[float] | str  # text: little-endian float32 in base64


class Embeddings(TypedDict):
    """A vector for each text, in their order."""

    object: str  # "list"
    data: list[Embedding]
    model: str
    usage: dict[str, int]  # prompt_tokens, total_tokens: of the embedder; words, where it does not tell them


def routes(embedder: Embedder, engine: Engine) -> APIRouter:
    """The route, with and without /v1."""
    router = APIRouter(tags=["openai"])

    async def embed(request: Request) -> Response:
        """Vectors of texts, by the model that memories are found with (`embedder` in config.toml)."""
        wanted = reading.read(EmbeddingsRequest, await request.body())
        info = await embedder.info()
        if wanted.dimensions not in (None, info.dimension):
            why = f"the vectors of {info.id} have {info.dimension} numbers, and mean nothing with fewer"
            raise WireError(
                400, f"dimensions is not supported: {why}.", code="unsupported_parameter", param="dimensions"
            )
        if len(wanted.input) > MOST_TEXTS:
            why = f"{len(wanted.input)} texts at once are too many; send up to {MOST_TEXTS}"
            raise WireError(400, f"input is not valid: {why}.", code="invalid_value", param="input")
        texts = [await _text(one, engine) for one in wanted.input]
        counts = await embedder.count(texts) or [len(text.split()) for text in texts]
        _check_lengths(counts, info)
        vectors = await embedder.embed(texts)
        as_text = wanted.encoding_format == "base64"
        data = [
            {"object": "embedding", "index": at, "embedding": _coded(vector, as_text=as_text)}
            for at, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": sum(counts), "total_tokens": sum(counts)}
        given = any(isinstance(one, tuple) for one in wanted.input)
        headers = {"x-tsubasa-warning": TOKENS} if given else {}
        found = {"object": "list", "data": data, "model": info.id, "usage": usage}
        return JSONResponse(found, headers=headers)

    for path in ("/v1/embeddings", "/embeddings"):
        router.add_api_route(
            path,
            embed,
            methods=["POST"],
            response_model=None,
            responses={200: {"model": Embeddings}},
            openapi_extra=body_of(EmbeddingsRequest),
            include_in_schema=path.startswith("/v1"),
        )
    return router


async def _text(one: Prompt, engine: Engine) -> str:
    if isinstance(one, str):
        return one
    runs = groupby(one, key=type)  # tokens that follow one another may share a character
    return "".join(
        ["".join(map(str, run)) if kind is str else await engine.join([*map(int, run)]) for kind, run in runs]
    )


def _check_lengths(counts: Sequence[int], info: EmbedderInfo) -> None:
    """Raises a 400 for a text of which only the beginning would count."""
    for at, count in enumerate(counts):
        if info.longest and count > info.longest:
            raise WireError(
                400,
                f"This model's maximum context length is {info.longest} tokens. However, text {at} of input is too "
                f"large: it has {count}. Send it in parts (context_length_exceeded).",
                code="context_length_exceeded",
                param="input",
            )


def _coded(vector: Any, *, as_text: bool) -> list[float] | str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode() if as_text else vector.tolist()
