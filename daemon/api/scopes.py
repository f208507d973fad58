"""
What a key needs for each route: one table; what does not stand in it is for the owner's key alone.

The owner's key does everything, so the table counts for keys of programs (`config/api_keys.py`). Routes that take a
path of this machine, let somebody into the page, or decide in a person's place are the owner's.
"""

import re
from functools import cache

OWNER, OPEN = "owner", "open"  # the owner's key alone; no key
ANY = "any"  # whichever key

ROUTES = {
    "GET /health": OPEN,
    "GET /v1/health": OPEN,
    "GET /sign-in/{token}": OPEN,
    "GET /sign-out": OPEN,
    "GET /tsubasa/identity/{challenge}": OPEN,
    "POST /v1/chat/completions": "chat",
    "POST /v1/chat/completions/input_tokens": "chat",
    "POST /v1/completions": "chat",
    "POST /v1/embeddings": "chat",
    "POST /v1/responses": "chat",
    "POST /v1/responses/input_tokens": "chat",
    "GET /v1/responses/{response_id}": "read",
    "DELETE /v1/responses/{response_id}": "forget",
    "POST /v1/messages": "chat",
    "POST /v1/messages/count_tokens": "chat",
    "GET /v1/models": "chat",
    "GET /v1/models/{name}": "chat",
    "POST /api/chat": "chat",
    "POST /api/generate": "chat",
    "POST /api/embed": "chat",
    "POST /api/embeddings": "chat",
    "POST /api/show": "chat",
    "GET /api/tags": "chat",
    "GET /api/ps": "chat",
    "GET /api/version": "chat",
    "POST /tokenize": "chat",
    "POST /detokenize": "chat",
    "GET /metrics": "read",
    "GET /tsubasa/openapi.json": "read",
    "GET /tsubasa/chats": "read",
    "GET /tsubasa/chats/{chat_id}": "read",
    "GET /tsubasa/chats/{chat_id}/export": "read",
    "GET /tsubasa/chat-changes": "read",
    "GET /tsubasa/typed": "read",
    "GET /tsubasa/messages": "read",
    "GET /tsubasa/messages/{message_id}": "read",
    "GET /tsubasa/logging": "read",
    "GET /tsubasa/memories": "read",
    "GET /tsubasa/memories/audit": "read",
    "GET /tsubasa/memories/changes": "read",
    "GET /tsubasa/memories/{memory_id}": "read",
    "GET /tsubasa/programs": "read",
    "GET /tsubasa/proposals": "read",
    "GET /tsubasa/confirmations": "read",
    "GET /tsubasa/confirmations/{id}": "read",
    "GET /tsubasa/import": "read",
    "GET /tsubasa/import/{number}": "read",
    "GET /tsubasa/export": "read",
    "GET /tsubasa/tend": "read",
    "GET /tsubasa/night": "read",
    "GET /tsubasa/night/estimate": "read",
    "GET /tsubasa/nights": "read",
    "GET /tsubasa/nights/latest": "read",
    "GET /tsubasa/nights/{night_id}": "read",
    "GET /tsubasa/generations": "read",
    "GET /tsubasa/generations/compare": "read",
    "GET /tsubasa/generations/{number}": "read",
    "GET /tsubasa/generations/{number}/adapter": "read",
    "GET /tsubasa/status": "read",
    "GET /tsubasa/models": "read",
    "GET /tsubasa/models/pull": "read",
    "GET /tsubasa/storage": "read",
    "POST /tsubasa/chats/{chat_id}": "write",
    "POST /tsubasa/memories": "write",
    "POST /tsubasa/memories/{memory_id}": "write",
    "POST /tsubasa/memories/changes/seen": OWNER,  # a person has looked
    "POST /tsubasa/undo": "write",
    "POST /tsubasa/messages/{message_id}/feedback": "write",
    "POST /tsubasa/confirmations": "write",
    "POST /tsubasa/tend": "write",
    "POST /tsubasa/night": "write",
    "POST /tsubasa/night/stop": "write",
    "POST /tsubasa/night/estimate": "write",
    "POST /tsubasa/generations/use": "write",
    "POST /tsubasa/generations/rollback": "write",
    "POST /tsubasa/generations/ask": "write",
    "GET /tsubasa/forget": "forget",
    "POST /tsubasa/forget": "forget",
    "POST /tsubasa/forget/preview": "forget",
    "POST /tsubasa/import/undo": "forget",
    "GET /tsubasa/settings": OWNER,
    "POST /tsubasa/settings": OWNER,  # what the daemon does from its next start on
    "POST /tsubasa/models/pull": OWNER,  # it leaves this machine
    "POST /tsubasa/models/stop": OWNER,
    "POST /tsubasa/models/use": OWNER,
    "POST /tsubasa/logging": OWNER,  # whether chats are kept at all
    "POST /tsubasa/programs/take-back": OWNER,
    "POST /tsubasa/confirmations/{id}": OWNER,  # a person's word
    "POST /tsubasa/proposals": OWNER,  # the same
    "POST /tsubasa/import": OWNER,  # a path of this machine
    "POST /tsubasa/import/preview": OWNER,
    "POST /tsubasa/notices/seen": OWNER,
    "GET /tsubasa/keys": OWNER,
    "POST /tsubasa/keys": OWNER,
    "POST /tsubasa/keys/revoke": OWNER,
    "GET /tsubasa/profiles": OWNER,
    "POST /tsubasa/profiles/start": OWNER,
    "POST /tsubasa/profiles/stop": OWNER,
    "POST /tsubasa/sign-out-everywhere": OWNER,
    "POST /tsubasa/restart": OWNER,
    "POST /tsubasa/delete-everything": OWNER,
    "POST /tsubasa/links": OWNER,  # into the page, which may do everything
    "POST /tsubasa/proof": OWNER,
}


def plain(path: str) -> str:
    """The path as the routes know it: without doubled slashes, one at its end, and a `/v1` said twice."""
    parts = [part for part in path.split("/") if part]
    while parts[:2] == ["v1", "v1"]:
        parts.pop(0)
    return "/" + "/".join(parts)


def needed(method: str, path: str) -> str:
    """The scope that a request needs: one of `SCOPES`, `OPEN`, or `OWNER`, also for what is no route."""
    verb, asked = "GET" if method == "HEAD" else method, plain(path)
    for route in (asked, f"/v1{asked}", asked.removeprefix("/v1")):  # many are there with and without it
        for pattern, scope in _patterns():
            if pattern.fullmatch(f"{verb} {route}"):
                return scope
    return OWNER


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The table; names of models may hold slashes. Literal parts go before those that stand for anything."""
    order = sorted(ROUTES, key=lambda route: route.count("{"))
    return tuple((_pattern(route), ROUTES[route]) for route in order)


def _pattern(route: str) -> re.Pattern[str]:
    any_name = r".+" if route.endswith("{name}") else r"[^/]+"
    pieces = re.split(r"\{\w+\}", route)
    return re.compile(any_name.join(map(re.escape, pieces)))
