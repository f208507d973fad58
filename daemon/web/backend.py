"""
The page's way to the daemon: our own API, through the client that the command line has, off the event loop.

    await backend.ask(lambda client: client.memories())
    async for chunk in backend.stream(lambda client: client.chunks(messages)): ...

What the page can do, any client with the key can do. Leaving a stream early ends the answer.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from daemon.client.client import Client

T = TypeVar("T")
AT_ONCE = 12  # questions under way; further ones wait


@dataclass(frozen=True, slots=True)
class _End:
    failure: BaseException | None


class Backend:
    """A connection to the daemon for all visitors of the page; `close` it."""

    def __init__(self, url: str, key: str, *, home: Path) -> None:
        """`url` of the daemon itself; `home` is only named in errors."""
        self._url, self._key, self._home = url, key, home
        self._client = Client(url, key, home=home)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="page")

    def close(self) -> None:
        """Close the connection; questions under way fail."""
        self._client.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def ask(self, call: Callable[[Client], T]) -> T:
        """What `call` returns; raises `Refused` with the daemon's words, `NotRunning` when none answers."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, self._client)

    async def stream(self, call: Callable[[Client], Iterator[T]]) -> AsyncGenerator[T]:
        """What `call` yields, one after the other; leaving early breaks the answer off at once."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[T | _End] = asyncio.Queue()
        left = threading.Event()
        client = Client(self._url, self._key, home=self._home)  # a connection of its own, that can be cut

        def put(piece: T | _End) -> None:
            if not left.is_set():
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        def read() -> None:
            try:
                source: Any = call(client)
                with closing(client), closing(source):
                    for piece in source:
                        if left.is_set():
                            return
                        put(piece)
            except BaseException as error:  # noqa: BLE001 - handed to who listens, who raises it
                put(_End(error))
            else:
                put(_End(None))

        self._threads.submit(read)
        try:
            while not isinstance(piece := await pieces.get(), _End):
                yield piece
            if piece.failure is not None:
                raise piece.failure
        finally:
            left.set()
            client.cut()
