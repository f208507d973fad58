"""
The middleware in front of every route: who may talk to the daemon, and how much.

    Host is this machine -> Origin is none, this machine or allowed -> key with the scope, or cookie for the page
    -> JSON -> not too large -> route

A web page of another site gets nothing, with or without its visitor's help (DNS rebinding, CORS, simple POSTs). The key
is compared in constant time, and guesses are slowed. The body has been read whole, within the limit, before a route
runs. Every reply has an `x-request-id`.
"""

import asyncio
import hmac
import ipaddress
import logging
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.api.errors import WireError
from daemon.api.page.access import (
    Sessions,
    SignedOut,
    asks_for_a_page,
    check_browser,
    check_length,
    is_page,
    may_open_socket,
    no_such_page,
)
from daemon.api.scopes import ANY, OPEN, OWNER, needed
from daemon.api.users import PROFILE
from daemon.config.api_keys import ApiKey, ProgramKeys

log = logging.getLogger(__name__)

PREFLIGHT = {
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": "authorization, content-type, x-api-key, anthropic-version",
    "access-control-max-age": "600",
}
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
FREE_GUESSES = 5  # wrong keys in a minute that are answered at once
GUESSED_S = 60.0
LONGEST_HOLD_S = 5.0
MOST_HELD = 64  # at a time; each holds a connection
LOGGED_EVERY_S = 10.0
DRAINED = 4  # this many times the limit is read and thrown away, so that the client hears the refusal


class Guesses:
    """Wrong keys: the more of them, the later each is answered; they are counted in the log, which holds no key."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._seen: deque[float] = deque()  # when, those of the last minute
        self._told_at = -LOGGED_EVERY_S
        self._held = 0

    async def hold(self, who: str) -> None:
        """Wait before a wrong key is answered; `who` showed it. Right ones are never held."""
        now = self._clock()
        self._seen.append(now)
        while now - self._seen[0] >= GUESSED_S:
            self._seen.popleft()
        if now - self._told_at >= LOGGED_EVERY_S:
            self._told_at = now
            log.warning("A wrong API key was refused, from %s; %d in the last minute.", who, len(self._seen))
        beyond = len(self._seen) - FREE_GUESSES
        if beyond > 0 and self._held < MOST_HELD:
            self._held += 1
            try:
                await self._sleep(min(0.1 * 2 ** min(beyond - 1, 10), LONGEST_HOLD_S))
            finally:
                self._held -= 1


class AuthMiddleware:
    """ASGI middleware; the only layer that sees a request before it is known to be welcome."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        api_key: str,
        max_body: int,
        sessions: Sessions | None = None,
        max_upload: int = 0,
        programs: ProgramKeys | None = None,
        origins: Collection[str] = (),
        scope_of: Callable[[str, str], str] = needed,
    ) -> None:
        """
        Args:
            max_body, max_upload: bytes; the latter of a file that the page sends.
            sessions: None: there is no page.
            programs: keys that may do less than the owner's; None: there are none.
            origins: sites whose pages may ask with a key ("https://chat.example").
            scope_of: what a key needs for a method and a path.
        """
        self._app = app
        self._api_key = api_key
        self._sessions = sessions
        self._max_body = max_body
        self._max_upload = max_upload
        self._programs = programs
        self._origins = frozenset(origins)
        self._scope_of = scope_of
        self._guesses = Guesses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it with the reason why not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, _with_request_id(send))
        elif scope["type"] == "websocket" and self._is_welcome(scope):
            await self._socket(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A socket of the page, until its browser is signed out."""
        assert self._sessions is not None
        ending = asyncio.create_task(self._sessions.ended.wait(), name="signed out")

        async def received() -> Message:
            waiting = asyncio.ensure_future(receive())
            try:
                await asyncio.wait({waiting, ending}, return_when=asyncio.FIRST_COMPLETED)
                if waiting.done():
                    return waiting.result()
                await send({"type": "websocket.close", "code": 1008})
                return {"type": "websocket.disconnect", "code": 1008}
            finally:
                waiting.cancel()

        try:
            await self._app(scope, received, send)
        finally:
            ending.cancel()

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        is_allowed = origin in self._origins and not is_page(scope["path"])
        if is_allowed:
            send = _for_origin(send, origin)
        try:
            check_place(headers, allowed=is_allowed)
            if is_allowed and scope["method"] == "OPTIONS":
                await Response(status_code=204, headers=PREFLIGHT)(scope, receive, send)
                return
            if self._sessions is not None and is_page(scope["path"]):
                check_browser(scope["path"], scope["method"], headers, self._sessions)
                if scope["method"] in WITH_BODY:
                    check_length(headers, self._max_upload)
            else:
                receive = await self._checked(scope, headers, receive)
        except WireError as error:
            await self._refusal(error, scope, headers)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, error: WireError, scope: Scope, headers: Headers) -> Response:
        """The reason why not; to a person who has lost the way, with a way back."""
        if error.status == 401 and self._sessions and asks_for_a_page(scope["method"], headers):
            lost = self._sessions.is_signed_in(headers)
            return no_such_page(scope["path"]) if lost else SignedOut().response()
        return error.response()

    async def _checked(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        """The request's body, read whole, of a client that showed the key."""
        scope_needed = self._scope_of(scope["method"], scope["path"])
        if scope_needed != OPEN:
            await self._check_key(scope, headers, scope_needed)
        if scope["method"] not in WITH_BODY:
            return receive
        check_json(headers)
        return replay(await self._body(headers, receive), receive)

    async def _check_key(self, scope: Scope, headers: Headers, scope_needed: str) -> None:
        shown = shown_keys(headers)
        program = self._programs.find(shown) if self._programs else None
        if program is not None:
            scope[PROFILE] = program.profile
            return check_scope(program, scope_needed)
        try:
            check_key(shown, self._api_key)
        except WireError:
            if "authorization" in headers or "x-api-key" in headers:  # else nothing was guessed
                host, port = scope["client"] or ("an unknown address", 0)
                await self._guesses.hold(f"{host}:{port}")
            raise

    def _is_welcome(self, scope: Scope) -> bool:
        """Whether a socket is opened by our page, in a browser that is signed in."""
        headers = Headers(scope=scope)
        try:
            check_place(headers)
        except WireError:
            return False
        return self._sessions is not None and may_open_socket(scope["path"], headers, self._sessions)

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size = 0
        more = True
        while more and size <= self._max_body * DRAINED:
            message = await receive()
            if message["type"] != "http.request":
                break  # the client is gone: nobody will read the answer
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size <= self._max_body:
                chunks.append(chunk)
            more = message.get("more_body", False)
        if size > self._max_body:
            limit = f"{self._max_body:,} bytes"
            raise WireError(
                413,
                f"The request is larger than {limit}. Send less, or raise max_body_mb in config.toml.",
                code="request_too_large",
            )
        return b"".join(chunks)


def check_place(headers: Headers, *, allowed: bool = False) -> None:
    """Raise a 403 unless the request means this machine and comes from no other site's page, or is `allowed` to."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not is_this_machine("//" + hosts[0]):
        raise WireError(
            403,
            "Only requests to localhost or a loopback address are answered (Host header).",
            code="host_refused",
        )
    if allowed:
        return
    origins = headers.getlist("origin")
    if any(not is_this_machine(origin) for origin in origins):
        raise WireError(
            403, "Requests from pages of other sites are refused (Origin header).", code="origin_refused"
        )
    if headers.get("sec-fetch-site") == "cross-site":
        raise WireError(
            403, "Requests from pages of other sites are refused (Sec-Fetch-Site).", code="origin_refused"
        )


def is_this_machine(url: str) -> bool:
    """Whether the host of `url` ("//localhost:4141", "http://[::1]") is a loopback address or `localhost`."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # reading the port checks it
    except ValueError:
        return False
    if not host or "@" in parts.netloc or parts.path or parts.query or parts.fragment:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def shown_keys(headers: Mapping[str, str]) -> list[str]:
    """What a request shows as its key, as `Authorization: Bearer` or `x-api-key`."""
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    return [headers.get("x-api-key", ""), bearer.strip() if scheme.lower() == "bearer" else ""]


def check_key(shown: Iterable[str], api_key: str) -> None:
    """Raise a 401 unless the owner's key was shown."""
    fits = [hmac.compare_digest(one.encode(), api_key.encode()) for one in shown]
    if not any(fits):
        raise WireError(
            401,
            "The key is missing or wrong. Send what the file api_key in the home holds as a Bearer token.",
            type="authentication_error",
            code="invalid_api_key",
            headers={"www-authenticate": "Bearer"},
        )


def check_scope(program: ApiKey, scope_needed: str) -> None:
    """Raise a 403 unless the key of a program may do this."""
    if scope_needed in (ANY, *program.scopes):
        return
    if scope_needed == OWNER:
        todo = "only the owner's key may, which the file api_key in the home holds"
    else:
        todo = f"make another one that may: tsubasa keys make NAME --may {scope_needed}"
    raise WireError(
        403,
        f"The key {program.name!r} may only {', '.join(program.scopes)}; for this, {todo}.",
        type="permission_error",
        code="insufficient_scope",
    )


def check_json(headers: Headers) -> None:
    """Raise a 415 unless the body is declared as JSON: pages can post other types to any site unasked."""
    declared = headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != "application/json":
        raise WireError(
            415,
            f"Content-Type must be application/json, not {declared or 'missing'}.",
            code="unsupported_media_type",
        )


def _for_origin(send: Send, origin: str) -> Send:
    """Let the page of an allowed site read the answer; it gets no cookie of ours."""

    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["access-control-allow-origin"] = origin
            headers["access-control-expose-headers"] = "x-request-id, retry-after"
            headers.add_vary_header("origin")
        await send(message)

    return named


def _with_request_id(send: Send) -> Send:
    request_id = f"req_{uuid.uuid4().hex}"

    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["x-request-id"] = request_id
        await send(message)

    return named


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives `body` first, whole, then what `receive` says: whether the client is still there."""
    is_given = False

    async def replayed() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
