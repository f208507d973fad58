"""
The way to the page: opened when somebody comes, so that a daemon without visitors never loads NiceGUI.

Promises: the API is answered while the page is being loaded, and its first visitor sees at once that it is coming;
closing is harmless when nobody ever came.
Knows nothing of what the page shows, nor of who may see it: the gate does.
"""

import asyncio
from importlib import import_module
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from daemon.api.page.access import ROOMS, is_page
from daemon.api.page.content_security_policy import Policy
from daemon.api.page.plain_page import plain_page


class Door:
    """ASGI: the page, loaded by its first visitor; `close` it at the end."""

    def __init__(self, key: str, home: Path) -> None:
        """`key` opens our own API; `home` is only named in errors."""
        self._key = key
        self._home = home
        self._loading: asyncio.Task[ASGIApp] | None = None
        self._staying: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Show the page; to the first visitor, that it is coming."""
        if self._loading is None and scope["type"] == "http" and scope["path"] in ROOMS:
            self.wake(*scope["server"])
            await _coming(scope)(scope, receive, send)
            return
        page = await self._page(*scope["server"])
        await page(scope, receive, send)

    def wake(self, host: str, port: int) -> None:
        """Somebody is about to come: load the page of the daemon that listens at `host` and `port`."""
        self._task(host, port)

    async def close(self) -> None:
        """Send everybody home."""
        self._leave.set()
        if self._staying is not None:
            await self._staying

    async def _page(self, host: str, port: int) -> ASGIApp:
        return await asyncio.shield(self._task(host, port))

    def _task(self, host: str, port: int) -> asyncio.Task[ASGIApp]:
        if self._loading is None:
            name = f"[{host}]" if ":" in host else host
            self._loading = asyncio.create_task(self._load(f"http://{name}:{port}"), name="load the page")
        return self._loading

    async def _load(self, url: str) -> ASGIApp:
        module = await asyncio.to_thread(import_module, "daemon.web.app")  # 1.5 s of NiceGUI
        house = module.House(url, self._key, home=self._home)
        lit = asyncio.Event()
        self._staying = asyncio.create_task(self._stay(house, lit), name="the page")
        waiting = asyncio.create_task(lit.wait())
        await asyncio.wait({waiting, self._staying}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._staying.done():
            self._staying.result()  # raises why it could not be opened
        return Policy(house.app)

    async def _stay(self, house: Any, lit: asyncio.Event) -> None:
        """Open and close in one task, as the page's context wants it."""
        async with house:
            lit.set()
            await self._leave.wait()


def _coming(scope: Scope) -> Response:
    """A page that is painted at once, and then waits for the real one in its place."""
    asked = scope["query_string"].decode("latin-1")
    there = scope["path"] + ("?" + asked if asked else "")
    return plain_page("Tsubasa", "One moment, the page is being opened.", go_to=there)


class PageBeside:
    """ASGI: the page's paths to the page, all others to the application."""

    def __init__(self, app: ASGIApp, *, page: ASGIApp) -> None:
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead the visitor to the right one."""
        to_page = scope["type"] != "lifespan" and is_page(scope["path"]) and scope["path"] != "/sign-out"
        await (self._page if to_page else self._app)(scope, receive, send)
