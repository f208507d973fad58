"""
The page as a whole: NiceGUI, set up for our own way, and the rooms behind their paths.

Promises: nothing is loaded from outside, nothing is kept by NiceGUI, files that are sent least of all; neither
addresses nor what was refused are logged; a bug in a room is logged with its traceback and told to the visitor in
one line. Knows nothing of who may come in.
"""

import logging
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import FastAPI
from nicegui import app as nicegui
from nicegui import ui
from starlette.formparsers import MultiPartParser
from starlette.requests import Request

from daemon.errors import DaemonError
from daemon.web import layout
from daemon.web.backend import Desk
from daemon.web.chat.page import build as chat_page
from daemon.web.inbox.page import build as inbox_page
from daemon.web.memories.page import build as memories_page
from daemon.web.nights.page import build as nights_page
from daemon.web.privacy.page import build as privacy_page

TALKATIVE = ("httpx", "httpcore", "engineio", "socketio", "websockets")  # they log what was asked for
ROOMS: dict[str, Callable[[layout.Visit], None]] = {
    "/": chat_page,
    "/memories": memories_page,
    "/nights": nights_page,
    "/inbox": inbox_page,
    "/privacy": privacy_page,
}


class House:
    """The rooms and their desk, open inside its context."""

    def __init__(self, url: str, key: str, *, home: Path) -> None:
        """`url` and `key` of the daemon whose page this is."""
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        logging.getLogger("nicegui").addFilter(_is_bug)
        self._desk = Desk(url, key, home=home)
        self._open = AsyncExitStack()
        self.app = FastAPI(openapi_url=None)
        MultiPartParser.spool_max_size = sys.maxsize  # no file elsewhere, readable; the gate limits the size
        nicegui.add_static_files("/page", layout.STATIC, max_cache_age=86400)
        nicegui.config.socket_io_js_transports = ["websocket"]
        nicegui.config.vue_config_script += "setDark(document.documentElement.dataset.theme === 'dark');"
        nicegui.config.quasar_config["loadingBar"] = {"skipHijack": True}
        for path, build in ROOMS.items():
            _furnish(path, build, self._desk)
        ui.run_with(
            self.app,
            title="Tsubasa",
            favicon=layout.FAVICON,
            dark=None,
            language="en-US",
            binding_refresh_interval=None,
            gzip_middleware_factory=None,
            tailwind=False,
            show_welcome_message=False,
        )

    async def __aenter__(self) -> "House":
        await self._open.enter_async_context(self.app.router.lifespan_context(self.app))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()
        self._desk.close()


def _is_bug(record: logging.LogRecord) -> bool:
    """What the daemon refused is told to the visitor; its words may be the user's, and are not for the log."""
    return not (record.exc_info and isinstance(record.exc_info[1], DaemonError))


def _furnish(path: str, build: Callable[[layout.Visit], None], desk: Desk) -> None:
    """Have `build` make the room at `path` for each visitor."""
    title = next(room.name for room in layout.ROOMS if room.path == path)

    @ui.page(path, title=f"{title} · Tsubasa")
    def room(request: Request) -> None:
        asked = {name: values[-1] for name, values in parse_qs(request.url.query).items()}
        with layout.frame(desk, path, asked) as visit:
            build(visit)
