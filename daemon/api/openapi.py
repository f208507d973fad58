"""
OpenAPI of all routes, served at /tsubasa/openapi.json: made of the routes, their docstrings and their schemas.

The comment behind a field of a schema, or of the body of a request, is its description.
"""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from daemon.api.dialects.anthropic import MessagesRequest
from daemon.api.dialects.llama_cpp import DetokenizeRequest, TokenizeRequest
from daemon.api.dialects.ollama import (
    OllamaChatRequest,
    OllamaEmbeddingRequest,
    OllamaEmbedRequest,
    OllamaGenerateRequest,
    OllamaShowRequest,
)
from daemon.api.openai.chat_request import ChatRequest
from daemon.api.openai.completions import CompletionRequest
from daemon.api.openai.embeddings import EmbeddingsRequest
from daemon.api.openai.responses_request import ResponsesRequest
from daemon.client import schemas
from daemon.version import version

BODIES = (  # their routes read them themselves
    ChatRequest,
    CompletionRequest,
    EmbeddingsRequest,
    ResponsesRequest,
    MessagesRequest,
    OllamaChatRequest,
    OllamaGenerateRequest,
    OllamaEmbedRequest,
    OllamaEmbeddingRequest,
    OllamaShowRequest,
    TokenizeRequest,
    DetokenizeRequest,
)
REFUSAL = {
    "type": "object",
    "description": "Why a request was refused.",
    "properties": {
        "error": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("message", "type", "code", "param")},
        }
    },
}


class Api(FastAPI):
    """A FastAPI whose OpenAPI has our own shape of a refusal, and a description of each field."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = _described(self)
        return self.openapi_schema


def _described(api: FastAPI) -> dict[str, Any]:
    found = get_openapi(title="Tsubasa", version=version(), routes=api.routes)
    components = found["components"]["schemas"]
    for kind in BODIES:
        body = kind.model_json_schema(ref_template="#/components/schemas/{model}")
        components |= {**body.pop("$defs", {}), kind.__name__: body}
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's: we answer 400 in OpenAI's shape
        components.pop(name, None)
    components["Refusal"] = REFUSAL
    refusal = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    for route in (route for methods in found["paths"].values() for route in methods.values()):
        route["responses"].pop("422", None)
        route["responses"]["default"] = {"description": "It was refused.", "content": refusal}
    for name, schema in components.items():
        for field, value in schema.get("properties", {}).items():
            value.pop("title", None)
            if comment := _comments().get(name, {}).get(field):
                value["description"] = comment
    return found


@cache
def _comments() -> dict[str, dict[str, str]]:
    """The comment behind each field of the schemas and of the bodies of requests, by class and field."""
    folders = [Path(next(iter(schemas.__path__))), Path(__file__).parent]
    found: dict[str, dict[str, str]] = {}
    for file in sorted(file for folder in folders for file in folder.rglob("*.py")):
        source = file.read_text(encoding="utf-8")
        lines = source.splitlines()
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef):
                name, bases = node.name, [ast.unparse(base) for base in node.bases]
            elif isinstance(node, ast.Assign) and "TypedDict(" in lines[node.lineno - 1]:
                name, bases = ast.unparse(node.targets[0]), []
            else:
                continue
            inherited = {field: text for base in bases for field, text in found.get(base, {}).items()}
            commented = re.findall(
                r'^ +"?(\w+)"?: [^#\n]*#\s+(.+)$', "\n".join(lines[node.lineno : node.end_lineno]), re.M
            )
            found[name] = inherited | dict(commented)
    return found
