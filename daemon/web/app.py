"""
The page as one application: NiceGUI, set up for our own way, and the pages behind their paths.

Nothing is loaded from outside, and NiceGUI keeps nothing, files that are sent least of all. Neither addresses nor what
was refused are logged; a bug is logged with its traceback, and the visitor gets one line.
"""

import logging
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import FastAPI
from nicegui import app as nicegui
from nicegui import ui
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from daemon.client.transport import AsyncClient
from daemon.errors import DaemonError
from daemon.web import layout, privacy
from daemon.web.chat import page as chat
from daemon.web.inbox import page as inbox
from daemon.web.memories import page as memories
from daemon.web.nights import page as nights
from daemon.web.settings import page as settings

TALKATIVE = ("httpx", "httpcore", "engineio", "socketio", "websockets")  # they log what was asked for
PAGES: dict[str, Callable[[layout.Visit], None]] = {
    "/": chat.build,
    "/memories": memories.build,
    "/nights": nights.build,
    "/inbox": inbox.build,
    "/privacy": privacy.build,
    "/settings": settings.build,
}


class WebApp:
    """All pages and their backend, open inside its context."""

    def __init__(self, url: str, key: str, *, home: Path) -> None:
        """`url` and `key` of the daemon whose page this is."""
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        logging.getLogger("nicegui").addFilter(_is_bug)
        self._backend = AsyncClient(url, key, home=home)
        self._open = AsyncExitStack()
        self.asgi = FastAPI(openapi_url=None)
        MultiPartParser.spool_max_size = (
            sys.maxsize
        )  # no file elsewhere, readable; the middleware limits the size
        nicegui.add_static_files("/page", layout.STATIC, max_cache_age=86400)
        nicegui.config.socket_io_js_transports = ["websocket"]
        nicegui.config.vue_config_script += "setDark(document.documentElement.dataset.theme === 'dark');"
        nicegui.config.quasar_config["loadingBar"] = {"skipHijack": True}
        self.asgi.add_api_route("/page/export", self._export)
        for path, build in PAGES.items():
            _register(path, build, self._backend)
        ui.run_with(
            self.asgi,
            title="Tsubasa",
            favicon=layout.favicon(),
            dark=None,
            language="en-US",
            binding_refresh_interval=None,
            gzip_middleware_factory=None,
            tailwind=False,
            show_welcome_message=False,
        )

    async def __aenter__(self) -> "WebApp":
        await self._open.enter_async_context(self.asgi.router.lifespan_context(self.asgi))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()
        await self._backend.close()

    async def _export(self) -> Response:
        """Everything as one file; of a daemon that can't, why not, before the download begins."""
        pieces = self._backend.export()
        try:
            first = await anext(pieces, b"")
        except DaemonError as error:
            return PlainTextResponse(str(error), status_code=503)
        headers = {"content-disposition": 'attachment; filename="tsubasa.jsonl"', "cache-control": "no-store"}
        return StreamingResponse(_with(first, pieces), media_type="application/x-ndjson", headers=headers)


async def _with(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def _is_bug(record: logging.LogRecord) -> bool:
    """What the daemon refused is shown to the visitor; its words may be the user's, and are not for the log."""
    return not (record.exc_info and isinstance(record.exc_info[1], DaemonError))


def _register(path: str, build: Callable[[layout.Visit], None], backend: AsyncClient) -> None:
    """Have `build` make the page at `path` for each visitor."""
    title = next(view.name for view in layout.VIEWS if view.path == path)

    @ui.page(path, title=f"{title} · Tsubasa")
    def page(request: Request) -> None:
        given = parse_qs(request.url.query, keep_blank_values=True)
        query = {name: values[-1] for name, values in given.items()}
        with layout.frame(backend, path, query) as visit:
            build(visit)
