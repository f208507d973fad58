"""
What the API is, for people: `docs/api.md`, made of its OpenAPI.

    python -m daemon.api.document > docs/api.md
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any, cast

from daemon.api.application import add_routes
from daemon.api.openapi import Api
from daemon.api.page.access import Sessions, sign_in_routes
from daemon.services import Services

INTRODUCTION = """\
# The API

On `http://127.0.0.1:4141` (`port` in config.toml), this machine only. Every request but `/health` shows the key of
`~/.tsubasa/api_key`: `Authorization: Bearer KEY` (or `x-api-key`). Bodies are JSON. A refusal is
`{"error": {"message", "type", "code", "param"}}` with a sentence that says what, why and what to do.

    curl -H "Authorization: Bearer $(cat ~/.tsubasa/api_key)" http://127.0.0.1:4141/tsubasa/memories

The same for programs, as OpenAPI: `GET /tsubasa/openapi.json`, which this file is made of. Types are written as in
TypeScript; a field with `?` may be missing. Times are strings in ISO 8601.
"""
SECTIONS = {
    "openai": "OpenAI's routes\n\nEach also without `/v1` in front, for clients whose base URL lacks it.",
    "anthropic": "Anthropic's routes\n\nEach also without `/v1` in front.",
    "ollama": "Ollama's routes",
    "chats": "Chats",
    "memories": "Memories",
    "forgetting": "Forgetting",
    "confirmations": "Confirmations\n\nA program asks to forget or to edit; a person allows it, or not.",
    "imports": "Imports and export",
    "nights": "Background work and nights",
    "generations": "Generations",
    "daemon": "The daemon",
    "page": "The page\n\n`/`, `/memories`, `/nights`, `/inbox` and `/privacy` are for a browser that was signed in.",
}
EXAMPLES = {  # bodies
    "POST /v1/chat/completions": '{"model": "tsubasa", "messages": [{"role": "user", "content": "Hi"}]}',
    "POST /v1/embeddings": '{"input": ["I have a dog."]}',
    "POST /v1/messages": '{"model": "tsubasa", "max_tokens": 500, "messages": [{"role": "user", "content": "Hi"}]}',
    "POST /tsubasa/memories": '{"text": "The user has a dog.", "since": "2026-03-05"}',
    "POST /tsubasa/undo": '{"memory": 42}',
    "POST /tsubasa/forget": '{"memories": [42]}',
    "POST /tsubasa/logging": '{"on": false, "for_minutes": 30}',
    "POST /tsubasa/import": '{"file": "/home/me/conversations.json"}',
    "POST /tsubasa/night": '{"recipe": {"epochs": 2.0}}',
    "POST /tsubasa/confirmations": '{"act": "forget", "memories": [42], "asked_by": "my program"}',
    "POST /tsubasa/links": '{"page": "/nights"}',
}


def markdown(spec: Mapping[str, Any]) -> str:
    """`docs/api.md`: by noun, a table of the routes and the fields of what they take and give."""
    parts, shown = [INTRODUCTION], set[str]()
    for tag, title in SECTIONS.items():
        routes = [one for one in _routes(spec) if tag in one[2]["tags"]]
        rows = [f"| {_call(*one)} | {_says(*one)} | {_answer(one[2])} |" for one in routes]
        parts.append("\n".join([f"## {title}\n", "| route | what | answer |", "|---|---|---|", *rows, ""]))
        examples = [name for method, path, _ in routes if (name := f"{method.upper()} {path}") in EXAMPLES]
        names = [name for *_, route in routes for name in _schemas(spec, route) if name not in shown]
        names = list(dict.fromkeys(names))
        shown |= set(names)
        lines = [f"{name} {EXAMPLES[name]}" for name in examples]
        if lines:
            parts.append("\n".join(["```http", *lines, "```", ""]))
        if names:
            blocks = (_block(name, spec["components"]["schemas"][name]) for name in names)
            parts.append("\n".join(["```ts", "\n\n".join(blocks), "```", ""]))
    return "\n".join(parts)


def _routes(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in spec["paths"].items():
        for method, route in methods.items():
            yield method, path, route


def _call(method: str, path: str, route: Mapping[str, Any]) -> str:
    query = [one["name"] for one in route.get("parameters", ()) if one["in"] == "query"]
    return f"`{method.upper()} {path}{'?' if query else ''}{'&'.join(f'{name}=' for name in query)}`"


def _says(method: str, path: str, route: Mapping[str, Any]) -> str:
    body = route.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    sent = f" Body: `{_type(body)}`." if body else ""
    return " ".join(route["description"].split()) + sent


def _answer(route: Mapping[str, Any]) -> str:
    content = route["responses"]["200"].get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return f"`{_type(schema)}`".replace("|", "\\|") if schema else ""


def _schemas(spec: Mapping[str, Any], value: object) -> Iterator[str]:
    """The names of all schemas that a part of the spec refers to, also by another one, but a refusal's."""
    if isinstance(value, Mapping):
        if isinstance(ref := value.get("$ref"), str):
            name = ref.rsplit("/", 1)[1]
            if name != "Refusal":
                yield name
                yield from _schemas(spec, spec["components"]["schemas"][name])
        for one in value.values():
            yield from _schemas(spec, one)
    elif isinstance(value, list):
        for one in value:
            yield from _schemas(spec, one)


def _block(name: str, schema: Mapping[str, Any]) -> str:
    described = schema.get("description", "").split("\n")[0]
    required = schema.get("required", ())
    lines = [f"{name} {{{f'  // {described}' if described else ''}"]
    for field, value in schema["properties"].items():
        said = f"  // {value['description']}" if "description" in value else ""
        may_lack = "" if field in required else "?"
        lines.append(f"  {field}{may_lack}: {_type(value)}{said}")
    return "\n".join([*lines, "}"])


def _type(schema: Mapping[str, Any]) -> str:
    """A type in short: `number`, `Memory[]`, `string | null`."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if several := schema.get("anyOf"):
        return " | ".join(dict.fromkeys(_type(one) for one in several))
    if choices := schema.get("enum", [schema["const"]] if "const" in schema else None):
        return " | ".join(f'"{one}"' for one in choices)
    if schema.get("type") == "array":
        inner = _type(schema.get("items", {}))
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if isinstance(value := schema.get("additionalProperties"), Mapping):
        return f"{{[name]: {_type(value)}}}"
    simple = {"integer": "number", "object": "object", None: "any"}
    kind = schema.get("type")
    return simple.get(kind, str(kind))


def described() -> Api:
    """All routes, without a daemon behind them."""
    api = Api()
    add_routes(api, cast(Services, _Anything()))
    api.include_router(sign_in_routes(cast(Sessions, _Anything())))
    return api


class _Anything:
    """Stands for the parts of a daemon that does not run: its routes are described, and none is called."""

    def __getattr__(self, name: str) -> "_Anything":
        return self


def main() -> None:
    """Write the API's documentation to standard output."""
    sys.stdout.write(markdown(described().openapi()))


if __name__ == "__main__":
    main()
