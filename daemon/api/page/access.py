"""
Who may see the page: sessions of browsers, and the rules for the page's paths.

    POST /tsubasa/links (with the key) -> /sign-in/TOKEN, once, within a minute -> a cookie for 30 days

Links and cookies are signed by itsdangerous with keys derived from the API key: another API key signs everybody out.
The cookie opens the page's paths and nothing else. It is out of reach of scripts, and never sent with a request that
another site began. A page that is only fetched ahead uses no link up.
"""

import asyncio
import hashlib
import html
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response

from daemon.api.errors import WireError, invalid
from daemon.atomic_file import replacing
from daemon.client.schemas.status import Link, SignedOutAll
from daemon.errors import DaemonError

LINK_S = 60
COOKIE_S = 30 * 24 * 3600
SIGN_IN = "/sign-in/"
VIEWS = ("/", "/memories", "/nights", "/inbox", "/privacy", "/settings")
BELOW = ("/_nicegui/", "/_nicegui_ws/", "/page/")  # scripts, the socket, our own style and fonts
SOCKET = "/_nicegui_ws/"
UPLOAD = "/_nicegui/client/"
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
STYLE = """
:root { color-scheme: light dark; --paper: #faf8f4; --ink: #22242e; --soft: #62646f; --line: #e4dfd6; --wing: #4a48c4 }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12131b; --ink: #eceae4; --soft: #a5a6b2; --line: #2b2d3a; --wing: #b3b6ff }
}
body { margin: 0; min-height: 100vh; display: grid; place-content: center; justify-items: center; padding: 2rem;
  box-sizing: border-box; background: var(--paper); color: var(--ink); text-align: center;
  font: 1.0625rem/1.6 ui-sans-serif, system-ui, sans-serif }
main { max-width: 30rem }
svg { width: 3.5rem; color: var(--wing) }
a { color: var(--wing) }
h1 { font: 500 1.9rem/1.25 ui-serif, Georgia, serif; margin: 1rem 0 .5rem }
p { color: var(--soft); margin: .5rem 0 }
code { display: inline-block; margin: .75rem 0; padding: .6rem 1.1rem; border: 1px solid var(--line);
  border-radius: .7rem; font: 1rem ui-monospace, monospace; color: var(--ink) }
"""
WING = """<svg viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"
 stroke-linejoin="round" aria-hidden="true"><path d="M4 24C6 12 15 5 28 5c0 5-3 9-8 11"/>
<path d="M20 16c3 0 4 0 5-.5C24 20 20 22.5 15 22.5"/><path d="M15 22.5h4C16.5 26 11 27.5 4 24"/></svg>"""


class Sessions:
    """Signs links and cookies, and checks them."""

    def __init__(
        self, api_key: str, *, clock: Callable[[], float] = time.time, epoch: Path | None = None
    ) -> None:
        """
        Args:
            clock: seconds since 1970.
            epoch: the file that tells cookies of before "sign out everywhere" from those after it.
        """
        self._api_key = api_key
        self._clock = clock
        self._epoch = epoch
        self.ended = asyncio.Event()  # of all that are signed in now; another one once they are signed out
        self._links = _serializer(api_key, f"link {secrets.token_hex()}", clock)  # a restart ends all links
        self._cookies = _serializer(api_key, _salt(epoch), clock)
        self._used: dict[str, float] = {}  # the nonces of links that were used, until they expire

    def sign_all_out(self) -> None:
        """Take no cookie and no link from before any more, and end the open pages; raises `DaemonError`."""
        if self._epoch is not None:
            try:
                with replacing(self._epoch) as written:
                    written.write(secrets.token_hex(16).encode())
            except OSError as error:
                raise DaemonError(
                    f"Nobody was signed out: {self._epoch} can't be written ({error.strerror or error}). "
                    f"Make room, or remove the file api_key and start again."
                ) from error
        self._links = _serializer(self._api_key, f"link {secrets.token_hex()}", self._clock)
        self._cookies = _serializer(self._api_key, _salt(self._epoch), self._clock)
        self.ended.set()
        self.ended = asyncio.Event()

    def new_link(self, page: str = "/") -> str:
        """A token for one sign-in within a minute, which leads to `page`."""
        return str(self._links.dumps([secrets.token_urlsafe(9), page]))

    def redeem(self, token: str) -> str | None:
        """Where the link of `token` leads; None when it was used before, expired, or is not ours."""
        try:
            nonce, page = self._links.loads(token, max_age=LINK_S - 1)
        except BadData:
            return None
        now = self._clock()
        self._used = {one: until for one, until in self._used.items() if until > now}
        if nonce in self._used:  # the nonce, because one signature can be written in several ways
            return None
        self._used[nonce] = now + LINK_S
        return str(page)

    def new_cookie(self) -> str:
        """The value of a new cookie."""
        return str(self._cookies.dumps(secrets.token_urlsafe(9)))

    def is_valid(self, cookie: str) -> bool:
        """Whether we made this cookie, and it has not expired."""
        try:
            self._cookies.loads(cookie, max_age=COOKIE_S - 1)
        except BadData:
            return False
        return True

    def is_signed_in(self, headers: Headers) -> bool:
        """
        Whether the browser shows a cookie of ours.

        Browsers send the cookies of every program on this machine to all its ports, and not all are well formed:
        each is looked at by itself, so that none hides ours.
        """
        wanted = cookie_name(headers.get("host", ""))
        pairs = [one.partition("=") for sent in headers.getlist("cookie") for one in sent.split(";")]
        return any(self.is_valid(value.strip()) for name, _, value in pairs if name.strip() == wanted)


def cookie_name(host: str) -> str:
    """The name of our cookie; with the port, because browsers send cookies to all ports of a host."""
    return f"tsubasa_{urlsplit('//' + host).port or 80}"


def _salt(epoch: Path | None) -> str:
    try:
        return f"cookie {epoch.read_text(encoding='ascii')}" if epoch is not None else "cookie"
    except FileNotFoundError:
        return "cookie"
    except (OSError, UnicodeDecodeError):
        return f"cookie {secrets.token_hex()}"  # rather sign in once more than let one in who was signed out


def _serializer(api_key: str, salt: str, clock: Callable[[], float]) -> URLSafeTimedSerializer:
    class Signer(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(clock())

    options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeTimedSerializer(api_key, salt=salt, signer=Signer, signer_kwargs=options)


class SignedOut(WireError):
    """A browser that did not come through a link; it is shown how to get one."""

    def __init__(self) -> None:
        super().__init__(
            401,
            "This browser is not signed in. Type `tsubasa open`, or choose Open in the tray's menu.",
            type="authentication_error",
            code="signed_out",
        )

    def response(self) -> Response:
        """A page that a person can read."""
        return plain_page(
            "This page is yours alone",
            "It opens with a link that works once. Get one in a terminal:",
            code="tsubasa open",
            after="or from the tray's menu: Open. The link signs this browser in for 30 days.",
            status=self.status,
        )


def is_page(path: str) -> bool:
    """Whether `path` is the page's, so that the cookie counts and the key is not asked for."""
    return path in VIEWS or path == "/sign-out" or path.startswith(BELOW)


def check_browser(path: str, method: str, headers: Headers, sessions: Sessions) -> None:
    """Raise unless a signed-in browser asks, and from the page itself where it changes something."""
    if not sessions.is_signed_in(headers):
        raise SignedOut()
    if method in ("GET", "HEAD"):
        return
    if not (method == "POST" and path.startswith(UPLOAD)):
        raise WireError(405, f"{method} is not possible here.", code="method_not_allowed")
    if not is_same_origin(headers):
        raise WireError(403, "Only the page itself may send files (Origin header).", code="origin_refused")


def check_length(headers: Headers, most: int) -> None:
    """Raise a 413 unless a file of at most `most` bytes is announced; the server reads no more than that."""
    length = headers.get("content-length", "")
    in_pieces = "transfer-encoding" in headers  # then the length counts for nothing
    if in_pieces or not length.isdigit() or int(length) > most:
        raise WireError(
            413,
            f"The file is larger than {most:,} bytes. Send a smaller one, or raise max_import_mb in config.toml.",
            code="request_too_large",
        )


def may_open_socket(path: str, headers: Headers, sessions: Sessions) -> bool:
    """Whether a signed-in browser asks, and our page in it."""
    return path.startswith(SOCKET) and is_same_origin(headers) and sessions.is_signed_in(headers)


def is_same_origin(headers: Headers) -> bool:
    """Whether the request comes from a page of the very host and port it goes to."""
    origins, host = headers.getlist("origin"), headers.get("host", "")
    return len(origins) == 1 and origins[0] in (f"http://{host}", f"https://{host}")


class LinkRequest(BaseModel):
    """The body of POST /tsubasa/links."""

    page: str = "/"  # where the visit begins, for example /nights or /?private=1


def sign_in_routes(sessions: Sessions, *, on_link: Callable[[str, int], object] | None = None) -> APIRouter:
    """The routes of sign-in; `on_link` is called with the address we listen on, before the browser comes."""
    router = APIRouter(tags=["page"])

    @router.post("/tsubasa/links")
    async def link(wanted: LinkRequest, request: Request) -> Link:
        """A link that signs a browser in, once, within a minute."""
        if not _is_view(wanted.page):
            raise invalid(("page",), f"it must be a path of the page: {', '.join(VIEWS)}")
        host, port = request.scope["server"]  # where we listen, which need not be the name the client used
        if on_link is not None:
            on_link(host, port)
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return {"url": f"http://{address}{SIGN_IN}{sessions.new_link(wanted.page)}", "seconds": LINK_S}

    @router.get(SIGN_IN + "{token}")
    async def sign_in(token: str, request: Request) -> Response:
        """Take the link, and give the cookie."""
        if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
            raise WireError(403, "A sign-in link is not fetched ahead.", code="prefetch_refused")
        page = sessions.redeem(token)
        if page is None:
            return _signed_in_already() if sessions.is_signed_in(request.headers) else _used_up()
        # no redirect: after one, a browser that came from elsewhere would not send the new cookie
        reply = plain_page("Welcome", "One moment.", go_to=page)
        name = cookie_name(request.headers["host"])
        reply.set_cookie(name, sessions.new_cookie(), max_age=COOKIE_S, httponly=True, samesite="strict")
        return reply

    @router.post("/tsubasa/sign-out-everywhere")
    async def sign_out_everywhere() -> SignedOutAll:
        """Sign every browser out: none of their cookies counts any more, and open pages end."""
        sessions.sign_all_out()
        return {"signed_out": True}

    @router.get("/sign-out")
    async def sign_out(request: Request) -> Response:
        """Take the cookie away."""
        if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            raise WireError(403, "Only the page itself may sign out.", code="origin_refused")
        reply = plain_page("Signed out", "This browser needs a new link to come back:", code="tsubasa open")
        reply.delete_cookie(cookie_name(request.headers["host"]), httponly=True, samesite="strict")
        return reply

    return router


def _is_view(page: str) -> bool:
    try:
        parts = urlsplit(page)
    except ValueError:
        return False
    return parts[:2] == ("", "") and parts.path in VIEWS


def _signed_in_already() -> Response:
    """For a second tab, or a page that is loaded again."""
    return plain_page("Welcome back", "This browser is signed in already. One moment.", go_to="/")


def no_such_page(path: str) -> Response:
    """For a signed-in browser at an address that leads nowhere."""
    return plain_page(
        "There is no such page",
        f"Nothing is at {path[:100]}. It may have moved, or the address has a mistake in it.",
        link=("Back to the chat", "/"),
        status=404,
    )


def asks_for_a_page(method: str, headers: Headers) -> bool:
    """Whether a person typed this address, or followed a link to it, rather than a program."""
    wants_text = "text/html" in headers.get("accept", "")
    return method in ("GET", "HEAD") and wants_text and not {"authorization", "x-api-key"} & {*headers.keys()}


def _used_up() -> Response:
    return plain_page(
        "This link is used up",
        "A sign-in link works once, and only for a minute. Get another one:",
        code="tsubasa open",
        status=410,
    )


def plain_page(
    title: str,
    text: str,
    *,
    code: str = "",
    after: str = "",
    link: tuple[str, str] | None = None,
    status: int = 200,
    go_to: str = "",
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """
    A page with a title, a text, something to type, a last word.

    Args:
        link: words, and the address that they lead to.
        go_to: it leads there by itself.
    """
    typed = f"<div><code>{html.escape(code)}</code></div>" if code else ""
    last = f"<p>{html.escape(after)}</p>" if after else ""
    on = f'<meta http-equiv="refresh" content="0; url={html.escape(go_to)}">' if go_to else ""
    to = f'<p><a href="{html.escape(link[1])}">{html.escape(link[0])}</a></p>' if link else ""
    body = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)} · Tsubasa</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{on}<style>{STYLE}</style></head>
<body><main>{WING}<h1>{html.escape(title)}</h1><p>{html.escape(text)}</p>{typed}{last}{to}</main></body></html>"""
    return HTMLResponse(body, status_code=status, headers={**HEADERS, **(headers or {})})
