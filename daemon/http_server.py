"""
uvicorn, as we need it: one socket that is already ours (`lifecycle/listen.py`), our signals, our order of leaving.

`on_serving` is called when requests are answered; `on_leaving` before connections are closed;
paths are not logged, they may hold what was searched for.
"""

import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

LARGEST_WORD = 4 * 2**20  # bytes that the page may say at once
IDLE_S = 75  # a connection stays open; longer than clients keep one, or they ask into its end
LEAVING_S = 5  # open connections have so long when the daemon stops


class Server(uvicorn.Server):
    """One server; `leave` ends it."""

    def __init__(
        self, app: ASGIApp, *, on_serving: Callable[[], None], on_leaving: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                http="h11",
                ws="websockets-sansio",
                ws_max_size=LARGEST_WORD,
                lifespan="off",
                log_config=None,
                log_level="warning",  # below, it tells the address of each socket
                access_log=False,
                server_header=False,
                timeout_keep_alive=IDLE_S,
                timeout_graceful_shutdown=LEAVING_S,
            )
        )
        self._on_serving = on_serving
        self._on_leaving = on_leaving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, then say so."""
        await super().startup(sockets)
        self._on_serving()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let open answers end, then close."""
        await self._on_leaving()
        await super().shutdown(sockets)

    @property
    def asked(self) -> int:
        """Requests so far."""
        return self.server_state.total_requests

    @property
    def connections(self) -> int:
        """Those that are open, idle ones too."""
        return len(self.server_state.connections)

    def leave(self) -> None:
        """Stop serving; a second call doesn't wait for anybody."""
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone: `serve.py` has them from the first moment, uvicorn only while it serves."""
        yield
