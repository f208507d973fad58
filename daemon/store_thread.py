"""
The one thread that touches the store, so that the event loop never waits for a disk.

    await store_thread.run(chats.record, history, at=now)   # chats.record(db, history, at=now), in its thread
    await store_thread.run_in_slices(imports.take_in, ...)  # long work, which lets the calls of others through

Calls run one after the other, in their order. A call that has begun is finished, also when its caller is cancelled;
`close` waits for the last one. Of work in slices, the slice that has begun is.
"""

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar, cast

from daemon.errors import Stopping
from store.errors import StoreUnusable

if TYPE_CHECKING:  # so that the daemon takes its port before SQLite is loaded
    from store.database import Connection

P = ParamSpec("P")
T = TypeVar("T")


CALM_S = 0.005  # without a call: whoever asks several times in a row is not waiting between them
LONGEST_PAUSE_S = 0.5  # after which a slice is done all the same


class StoreThread:
    """One open store and the one thread that works on it."""

    def __init__(self, open_db: "Callable[[], Connection]") -> None:
        self._open_db = open_db
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="keeper")
        self._db: Connection | None = None
        self._closed = False
        self._slicing = asyncio.Lock()
        self._called_at = 0.0  # when the last call but slices was over
        self.damage: str | None = None  # what could not be read of the file; None: nothing, so far

    async def open(self) -> None:
        """Open the store in the store's thread; whatever `open_db` raises comes through."""
        self._db = await asyncio.get_running_loop().run_in_executor(self._thread, self._open_db)

    async def run(
        self, work: "Callable[Concatenate[Connection, P], T]", /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`work(db, *args, **kwargs)` in the store's thread; its result, or its exception."""
        try:
            return await self._call(partial(work, self._connection(), *args, **kwargs))
        finally:
            self._called_at = time.monotonic()

    async def run_in_slices(
        self,
        work: "Callable[Concatenate[Connection, P], Generator[None, None, T]]",
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """
        As `run`, for work that yields between its transactions: there, the calls of others go first.

        One such work at a time, so a call waits for one slice at most. When its caller is cancelled, it ends after
        the slice that has begun.
        """
        async with self._slicing:
            slices = work(self._connection(), *args, **kwargs)
            while True:
                self._connection()
                is_over, found = await self._call(partial(_slice, slices))
                if is_over:
                    return cast(T, found)
                await self._calm()

    async def _calm(self) -> None:
        """Wait until nobody has called for a moment."""
        end = time.monotonic() + LONGEST_PAUSE_S
        while (now := time.monotonic()) < end and (rest := self._called_at + CALM_S - now) > 0:
            await asyncio.sleep(rest)

    def _connection(self) -> "Connection":
        if self._closed:
            raise Stopping()
        assert self._db is not None, "open the store first"
        return self._db

    async def _call(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except StoreUnusable as error:
            if error.problem == "damaged":
                self.damage = str(error)
            raise

    async def close(self) -> None:
        """Finish what was begun and close the store; further calls raise `Stopping`."""
        if self._closed:
            return
        self._closed = True
        if self._db is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
        self._thread.shutdown(wait=True)


def _slice(slices: Generator[None, None, T]) -> tuple[bool, T | None]:
    """Whether that was the last slice, and what the work returns."""
    try:
        next(slices)
    except StopIteration as end:
        return True, end.value
    return False, None
