"""
The one thread that touches the store, so that the event loop never waits for a disk.

    await store_thread.run(chats.record, history, at=now)   # chats.record(db, history, at=now), in its thread

Calls run one after the other, in their order. A call that has begun is finished, also when its caller is cancelled;
`close` waits for the last one.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from daemon.errors import Stopping
from store.errors import StoreUnusable

if TYPE_CHECKING:  # so that the daemon takes its port before SQLite is loaded
    from store.database import Connection

P = ParamSpec("P")
T = TypeVar("T")


class StoreThread:
    """One open store and the one thread that works on it."""

    def __init__(self, open_db: "Callable[[], Connection]") -> None:
        self._open_db = open_db
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="keeper")
        self._db: Connection | None = None
        self._closed = False
        self.damage: str | None = None  # what could not be read of the file; None: nothing, so far

    async def open(self) -> None:
        """Open the store in the store's thread; whatever `open_db` raises comes through."""
        self._db = await asyncio.get_running_loop().run_in_executor(self._thread, self._open_db)

    async def run(
        self, work: "Callable[Concatenate[Connection, P], T]", /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`work(db, *args, **kwargs)` in the store's thread; its result, or its exception."""
        if self._closed:
            raise Stopping()
        assert self._db is not None, "open the store first"
        call = partial(work, self._db, *args, **kwargs)
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
