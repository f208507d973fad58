"""
ASGI middleware for what clients write in their own way: the same request, as the routes know it.

    /v1//chat/completions/, /v1/v1/chat/completions -> /v1/chat/completions      HEAD -> GET      gzip -> plain
"""

import zlib
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from daemon.api.errors import WireError
from daemon.api.page.access import is_page
from daemon.api.scopes import plain
from daemon.api.security import replay

ZIPPED = {
    "gzip": 31,
    "x-gzip": 31,
    "deflate": 47,
}  # content encoding -> zlib's window; 47 finds out by itself


class Paths:
    """Outside of the page, whose paths stay as they are."""

    def __init__(self, app: ASGIApp, *, max_body: int) -> None:
        """`max_body`: bytes of a body, also when it is unpacked."""
        self._app, self._max_body = app, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on. Raises `WireError` for a body that can't be unpacked."""
        if scope["type"] != "http" or is_page(scope["path"]):
            await self._app(scope, receive, send)
            return
        path = plain(scope["path"])
        scope = {
            **scope,
            "path": path,
            "raw_path": path.encode(),
            "method": scope["method"].replace("HEAD", "GET"),
        }
        encoding = Headers(scope=scope).get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            scope["headers"] = list(_without_encoding(scope["headers"]))
            receive = await self._unpacked(encoding, receive)
        await self._app(scope, receive, send)

    async def _unpacked(self, encoding: str, receive: Receive) -> Receive:
        if encoding not in ZIPPED:
            known = ", ".join(ZIPPED)
            raise WireError(
                415,
                f"A body in {encoding!r} can't be read. Send it as it is, or in one of: {known}.",
                code="unsupported_media_type",
            )
        first = await receive()  # it has been read whole
        unpacker = zlib.decompressobj(ZIPPED[encoding])
        try:
            body = unpacker.decompress(first.get("body", b""), self._max_body + 1)
        except zlib.error as error:
            raise WireError(
                400, f"The body is not {encoding}, as it says.", code="invalid_encoding"
            ) from error
        if len(body) > self._max_body:
            raise WireError(
                413,
                f"The request is larger than {self._max_body:,} bytes when it is unpacked. Send less, or raise "
                "max_body_mb in config.toml.",
                code="request_too_large",
            )
        if not unpacker.eof:
            raise WireError(400, f"The body ends before its {encoding} does.", code="invalid_encoding")
        return replay(body, receive)


def _without_encoding(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[bytes, bytes]]:
    return ((name, value) for name, value in headers if name not in (b"content-encoding", b"content-length"))
