"""
An answer on its way from the engine to the client that listens.

Promises: pieces come in order, then the end or the error, exactly once each; a listener that waits can be
cancelled and wait again; leaving early never interrupts the commit, which runs in the task that is followed.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from daemon.engine.client import Piece
from daemon.errors import DaemonError, Stopping
from store.recall_log import RecallRecord


@dataclass(frozen=True, slots=True)
class _End:
    failure: BaseException | None


class Answer:
    """The pieces of one answer; `leave` when nobody listens any more."""

    def __init__(self, *, recall: RecallRecord, generation: int, kept: bool = True) -> None:
        """
        Args:
            recall: what was recalled for the question; its tokens are known with the first piece.
            generation: the one that answers; 0: the base model.
            kept: the chat is recorded.
        """
        self.recall = recall
        self.generation = generation
        self.kept = kept
        self.began_at = datetime.now(UTC)
        self._pieces: asyncio.Queue[Piece | _End] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._why: DaemonError | None = None  # it was stopped

    def put(self, piece: Piece) -> None:
        """Hand out one more piece."""
        self._pieces.put_nowait(piece)

    def follow(self, task: asyncio.Task[None]) -> None:
        """The answer ends when `task` ends, and fails with what it fails with."""
        self._task = task
        task.add_done_callback(lambda done: self._pieces.put_nowait(_End(self._failure(done))))

    async def next(self) -> Piece | None:
        """The next piece; None after the last. Raises what stopped the answer."""
        item = await self._pieces.get()
        if not isinstance(item, _End):
            return item
        self._pieces.put_nowait(item)  # a second call gets the same end
        if item.failure is not None:
            raise item.failure
        return None

    def leave(self) -> None:
        """Nobody listens any more: stop the engine. Harmless when the answer is whole."""
        if self._task is not None:
            self._task.cancel()

    async def stop(self, why: DaemonError) -> None:
        """End it, with `why` for who listens; what was said is committed on return."""
        if self._task is not None and not self._task.done():
            self._why = why
            self._task.cancel()
            await asyncio.wait([self._task])

    def _failure(self, task: asyncio.Task[None]) -> BaseException | None:
        return (self._why or Stopping()) if task.cancelled() else task.exception()
