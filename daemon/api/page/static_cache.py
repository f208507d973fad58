"""
Middleware: the page's scripts and styles, held in memory once they were asked for, and compressed.

A first visit asks for twenty of them at once; read from the disk one by one, they kept the first paint waiting. Only
what the page itself says may be kept is kept here: its addresses change with its content.
"""

import asyncio
import gzip
import re
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 4 * 2**20  # bytes of one
MOST = 256  # of them
KEPT_S = 3600  # what may be kept for less is not kept
TEXT = re.compile(r"text/|javascript|json|svg")
OF_OTHERS = {
    "if-none-match",
    "if-modified-since",
    "if-range",
    "range",
}  # such requests are not ours to answer


@dataclass(frozen=True, slots=True)
class Kept:
    """One reply: its headers, its body, and the same compressed where that is shorter."""

    headers: Headers
    body: bytes
    packed: bytes | None


class StaticCache:
    """ASGI middleware around the page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[tuple[str, bytes], Kept] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or hand on and keep what may be kept."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if OF_OTHERS & {*headers.keys()}:
            await self._app(scope, receive, send)
            return
        asked = (scope["path"], scope["query_string"])
        if (kept := self._kept.get(asked)) is None:
            reply = _Reply(send)
            await self._app(scope, receive, reply.hear)
            if (made := reply.made) is None:
                return
            kept = await asyncio.to_thread(_packed, *made)
            if len(self._kept) < MOST:
                self._kept[asked] = kept
        await _answer(kept, send, packed="gzip" in headers.get("accept-encoding", ""))


class _Reply:
    """One reply of the page: collected where it may be kept, else handed on as it comes."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""
        self.made: tuple[Headers, bytes] | None = None

    async def hear(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _may_keep(message):
            self._start = message
        elif message["type"] == "http.response.body" and self._start is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                self.made = Headers(raw=self._start["headers"]), self._body
        else:
            await self._send(message)


def _may_keep(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    age = re.search(r"max-age=(\d{1,10})", headers.get("cache-control", ""))
    length = headers.get("content-length", "")
    is_small = length.isdigit() and int(length) <= LARGEST
    is_whole = start["status"] == 200 and "content-encoding" not in headers and "set-cookie" not in headers
    return bool(age and int(age[1]) >= KEPT_S and is_small and is_whole)


def _packed(headers: Headers, body: bytes) -> Kept:
    packed = gzip.compress(body, 6, mtime=0) if TEXT.search(headers.get("content-type", "")) else body
    return Kept(headers, body, packed if len(packed) < len(body) else None)


async def _answer(kept: Kept, send: Send, *, packed: bool) -> None:
    body = kept.packed if packed and kept.packed is not None else kept.body
    start: Message = {"type": "http.response.start", "status": 200, "headers": list(kept.headers.raw)}
    headers = MutableHeaders(scope=start)
    headers["content-length"] = str(len(body))
    if kept.packed is not None:
        headers.add_vary_header("accept-encoding")
    if body is not kept.body:
        headers["content-encoding"] = "gzip"
        del headers["etag"]  # of the other bytes
    await send(start)
    await send({"type": "http.response.body", "body": body})
