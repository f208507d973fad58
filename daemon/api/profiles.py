"""
ASGI middleware: a request that names the user of a profile, or shows a profile's key, is that profile's.

    key checked ──> whose? ── the main person's, or nobody's that is known ──> the routes
                      `── a profile's ──> its daemon, with the key of that one ──> its answer, as it is

The whole request goes on, and nothing of it is read here but who asks; nothing of it reaches the main person's store.
What only the owner's key may do is about this home and stays here. Where the daemon of a profile can't answer, that is
a 503 with the reason; in the middle of a stream it is the stream's last event.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.api.answering import sse
from daemon.api.errors import WireError, dialect_of, log_and_convert
from daemon.api.openai.responses import failed
from daemon.api.page.access import is_page
from daemon.api.scopes import OPEN, OWNER, needed
from daemon.api.security import WITH_BODY, replay
from daemon.api.users import PROFILE, users_of
from daemon.client.pass_on import BrokenOff, NotReached, Passed, pass_on
from daemon.errors import ProfileUnusable
from daemon.processes.foreground_gate import ForegroundGate
from daemon.profiles.daemons import Daemons

OWN_ROUTES = "/tsubasa/"  # whose bodies name no user


class ToProfile:
    """Between the checks and the routes."""

    def __init__(self, app: ASGIApp, *, profiles: Daemons, gate: ForegroundGate) -> None:
        """`gate` is closed while a person is answered, here or in a profile."""
        self._app, self._profiles, self._gate = app, profiles, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to whom it is for. Raises `WireError`, `ProfileUnusable`."""
        if scope["type"] != "http" or is_page(scope["path"]):
            return await self._app(scope, receive, send)
        told_apart = scope.get(PROFILE) or self._profiles.known.are_there
        if not told_apart or needed(scope["method"], scope["path"]) in (OPEN, OWNER):
            return await self._app(scope, receive, send)
        body = b""
        if scope["method"] in WITH_BODY:
            body = (await receive()).get("body", b"")  # it has been read whole
            receive = replay(body, receive)
        name = self._whose(scope, body)
        if name is None:
            return await self._app(scope, receive, send)
        passage = _Passage(self._profiles, name, scope, body, send)
        with self._closed(scope["method"]):
            await _or_gone(receive, passage.run())

    def _whose(self, scope: Scope, body: bytes) -> str | None:
        """The profile that the request is for; None: the main person, or nobody who has one."""
        if bound := scope.get(PROFILE):
            return self._bound(str(bound))
        in_body = b"" if scope["path"].startswith(OWN_ROUTES) else body
        users = users_of(Headers(scope=scope), in_body)
        named = self._profiles.known.named(user.name for user in users) if users else []
        if len(named) > 1:
            raise WireError(
                400,
                f"The request names users of several profiles ({', '.join(named)}), and one request is one "
                f"person's. Send one user; `tsubasa profiles` lists whose each is.",
                code="several_users",
            )
        return named[0] if named else None

    def _bound(self, name: str) -> str:
        """The profile of the key that was shown: a key that outlived it opens nothing."""
        if name not in (one.name for one in self._profiles.known.every):
            why = f"This key is of the profile {name!r}, which is gone. Ask with another one."
            raise WireError(403, why, type="permission_error", code="profile_gone")
        return name

    @contextmanager
    def _closed(self, method: str) -> Iterator[None]:
        """No night of anybody works while a person is answered."""
        if method not in WITH_BODY:
            yield
            return
        self._gate.enter()
        try:
            yield
        finally:
            self._gate.leave()


class _Passage:
    """One request to the daemon of a profile, and the answer."""

    def __init__(self, profiles: Daemons, name: str, scope: Scope, body: bytes, send: Send) -> None:
        self._profiles, self._name = profiles, name
        self._scope, self._body, self._send = scope, body, send
        self._begun = False

    async def run(self) -> None:
        """Ask, once more where the daemon was just leaving, and hand the answer on."""
        try:
            try:
                await self._ask()
            except NotReached:
                await self._profiles.gone(self._name)
                await self._ask()
        except (NotReached, BrokenOff) as error:
            if self._begun:
                raise
            raise ProfileUnusable(self._name, str(error)) from error

    async def _ask(self) -> None:
        place = await self._profiles.served(self._name)
        query = self._scope["query_string"]
        async with pass_on(
            place.url,
            place.key,
            method=self._scope["method"],
            target=quote(self._scope["path"]).encode() + (b"?" + query if query else b""),
            headers=self._scope["headers"],
            body=self._body,
        ) as passed:
            await self._answer(passed)

    async def _answer(self, passed: Passed) -> None:
        kind = Headers(raw=passed.headers).get("content-type", "")
        if "event-stream" in kind or "ndjson" in kind:
            pieces = self._to_its_end(whole_lines(passed.pieces), is_sse="event-stream" in kind)
        elif "json" in kind:  # so short that it is had whole, and a failure still has a status
            whole = b"".join([piece async for piece in passed.pieces])
            passed.headers.append((b"content-length", str(len(whole)).encode()))
            pieces = _one(whole)
        else:
            pieces = passed.pieces
        await self._send({"type": "http.response.start", "status": passed.status, "headers": passed.headers})
        self._begun = True
        async for piece in pieces:
            await self._send(_body(piece, more=True))
        await self._send(_body(b"", more=False))

    async def _to_its_end(self, lines: AsyncIterator[bytes], *, is_sse: bool) -> AsyncIterator[bytes]:
        """A stream whose last event is the error, where it does not come to its end."""
        try:
            async for line in lines:
                yield line
        except BrokenOff as error:
            answer = log_and_convert(ProfileUnusable(self._name, str(error)))
            yield _last_event(answer, self._scope["path"], is_sse=is_sse)


async def whole_lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes, cut at the ends of lines: what follows a stream that breaks off begins a line of its own."""
    held = b""
    async for piece in pieces:
        lines, end, held = (held + piece).rpartition(b"\n")
        if end:
            yield lines + end
    if held:
        yield held


def _last_event(error: WireError, path: str, *, is_sse: bool) -> bytes:
    dialect = dialect_of(path)
    if not is_sse:
        return json.dumps(error.body(dialect), ensure_ascii=False).encode() + b"\n"
    if path.endswith("/responses"):
        event = failed(error)
    else:
        event = sse(error.body(dialect), "error" if dialect == "anthropic" else None)
    return b"\n" + event  # the line ends what was begun


async def _one(whole: bytes) -> AsyncIterator[bytes]:
    yield whole


def _body(piece: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": piece, "more_body": more}


async def _or_gone(receive: Receive, passage: Coroutine[Any, Any, None]) -> None:
    """Until the answer is handed on, or the client goes away: then the other side hears of it."""
    passing = asyncio.create_task(passage)
    leaving = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({passing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if passing.done():
            passing.result()
    finally:
        passing.cancel()
        leaving.cancel()
        await asyncio.gather(passing, leaving, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
