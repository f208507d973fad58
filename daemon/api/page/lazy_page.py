"""
The page, loaded by its first visitor: a daemon without visitors never loads NiceGUI.

The API is answered meanwhile, and the first visitor sees at once that the page is coming.
"""

import asyncio
from importlib import import_module
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from daemon.api.page.access import VIEWS, is_page, plain_page
from daemon.api.page.content_security_policy import ContentSecurityPolicy
from daemon.api.page.static_cache import StaticCache


class LazyPage:
    """ASGI: the page; `close` it at the end."""

    def __init__(self, key: str, home: Path) -> None:
        """`key` opens our own API; `home` is only named in errors."""
        self._key = key
        self._home = home
        self._loading: asyncio.Task[ASGIApp] | None = None
        self._serving: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Show the page; to the first visitor, that it is coming."""
        if self._loading is None and scope["type"] == "http" and scope["path"] in VIEWS:
            self.load(*scope["server"])
            query = scope["query_string"].decode("latin-1")
            again = scope["path"] + ("?" + query if query else "")
            coming = plain_page("Tsubasa", "One moment, the page is being opened.", go_to=again)
            await coming(scope, receive, send)
            return
        page = await asyncio.shield(self.load(*scope["server"]))
        await page(scope, receive, send)

    def load(self, host: str, port: int) -> asyncio.Task[ASGIApp]:
        """Begin to load the page of the daemon that listens at `host` and `port`, unless it was begun."""
        if self._loading is None:
            name = f"[{host}]" if ":" in host else host
            self._loading = asyncio.create_task(self._load(f"http://{name}:{port}"), name="load the page")
        return self._loading

    async def close(self) -> None:
        """Send everybody home; harmless when nobody ever came."""
        self._leave.set()
        if self._serving is not None:
            await self._serving

    async def _load(self, url: str) -> ASGIApp:
        module = await asyncio.to_thread(import_module, "daemon.web.app")  # 1.5 s of NiceGUI
        app = module.WebApp(url, self._key, home=self._home)
        is_open = asyncio.Event()
        self._serving = asyncio.create_task(self._serve(app, is_open), name="the page")
        waiting = asyncio.create_task(is_open.wait())
        await asyncio.wait({waiting, self._serving}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._serving.done():
            self._serving.result()  # raises why it could not be opened
        return ContentSecurityPolicy(StaticCache(app.asgi))

    async def _serve(self, app: Any, is_open: asyncio.Event) -> None:
        """Open and close in one task, as the page's context wants it."""
        async with app:
            is_open.set()
            await self._leave.wait()


class PageMiddleware:
    """ASGI middleware: the page's paths go to the page, all others to the application."""

    def __init__(self, app: ASGIApp, *, page: ASGIApp) -> None:
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to the right one."""
        to_page = scope["type"] != "lifespan" and is_page(scope["path"]) and scope["path"] != "/sign-out"
        await (self._page if to_page else self._app)(scope, receive, send)
