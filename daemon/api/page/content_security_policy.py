"""
Middleware: what a browser may do with our page. It runs our scripts, loads from us, and nothing else.

A script runs only if it is one of our files or carries the nonce of this very reply, so text that slipped into the
page can't run. NiceGUI compiles its components in the browser, hence 'unsafe-eval'.
"""

import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class ContentSecurityPolicy:
    """ASGI middleware around the page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to each reply, and the nonce to our own scripts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reply = _Reply(send, host=Headers(scope=scope).get("host", ""))
        await self._app(scope, receive, reply.send)


class _Reply:
    """One reply; a document is collected first, because the nonces change its length."""

    def __init__(self, send: Send, *, host: str) -> None:
        self._send = send
        self._host = host
        self._nonce = secrets.token_urlsafe(16)
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Hand on one message of the application."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update({**HEADERS, "content-security-policy": rules(self._nonce, self._host)})
            if headers.get("content-type", "").startswith("text/html"):
                headers["cache-control"] = "no-store"
                self._start = message
                return
        elif self._start is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_document(self._start)
            return
        await self._send(message)

    async def _send_document(self, start: Message) -> None:
        body = add_nonce(self._body, self._nonce)
        MutableHeaders(scope=start)["content-length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def add_nonce(document: bytes, nonce: str) -> bytes:
    """`document` with the nonce on each script; texts in it can't fake one, NiceGUI writes < as &lt; there."""
    return document.replace(b"<script", b'<script nonce="%s"' % nonce.encode())


def rules(nonce: str, host: str) -> str:
    """The Content-Security-Policy."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            f"connect-src 'self' ws://{host}",
            "form-action 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
