"""
POST /tsubasa/links gives a link, GET /sign-in/TOKEN takes it and gives the cookie, GET /sign-out takes that away.

Promises: the cookie is for this host only, out of reach of scripts, and never sent with a request that another
site began; a page that is only fetched ahead uses no link up. Knows nothing of what the page shows.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from daemon.api.errors import WireError, invalid
from daemon.api.page.access import ROOMS, SIGN_IN, cookie_name, is_signed_in
from daemon.api.page.plain_page import plain_page
from daemon.api.page.sessions import COOKIE_S, LINK_S, Visitors


class Wanted(BaseModel):
    """The body of POST /tsubasa/links."""

    page: str = "/"  # where the visit begins, for example /nights or /?private=1


def routes(visitors: Visitors, *, on_invited: Callable[[str, int], None] | None = None) -> APIRouter:
    """The three routes; `on_invited` is called with the address we listen on, before a visitor comes."""
    router = APIRouter()

    @router.post("/tsubasa/links")
    async def link(wanted: Wanted, request: Request) -> dict[str, Any]:
        if not _is_room(wanted.page):
            raise invalid(("page",), f"it must be a path of the page: {', '.join(ROOMS)}")
        if on_invited is not None:
            on_invited(*request.scope["server"])
        url = f"http://{_host(request)}{SIGN_IN}{visitors.invite(wanted.page)}"
        return {"url": url, "seconds": LINK_S}

    @router.get(SIGN_IN + "{token}")
    async def sign_in(token: str, request: Request) -> Response:
        if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
            raise WireError(403, "A sign-in link is not fetched ahead.", code="prefetch_refused")
        page = visitors.admit(token)
        if page is None:
            return _known() if is_signed_in(request.headers, visitors) else _used_up()
        # no redirect: after one, a browser that came from elsewhere would not send the new cookie
        reply = plain_page("Welcome", "One moment.", go_to=page)
        name = cookie_name(request.headers["host"])
        reply.set_cookie(name, visitors.cookie(), max_age=COOKIE_S, httponly=True, samesite="strict")
        return reply

    @router.get("/sign-out")
    async def sign_out(request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            raise WireError(403, "Only the page itself may sign out.", code="origin_refused")
        reply = plain_page("Signed out", "This browser needs a new link to come back:", code="tsubasa open")
        reply.delete_cookie(cookie_name(request.headers["host"]), httponly=True, samesite="strict")
        return reply

    return router


def _is_room(page: str) -> bool:
    try:
        parts = urlsplit(page)
    except ValueError:
        return False
    return parts[:2] == ("", "") and parts.path in ROOMS


def _known() -> Response:
    """For a second tab, or a page that is loaded again: the link was used up, by this very browser or before it."""
    return plain_page("Welcome back", "This browser is signed in already. One moment.", go_to="/")


def _used_up() -> Response:
    return plain_page(
        "This link is used up",
        "A sign-in link works once, and only for a minute. Get another one:",
        code="tsubasa open",
        status=410,
    )


def _host(request: Request) -> str:
    """The address that we listen on, which need not be the name the client used."""
    host, port = request.scope["server"]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
