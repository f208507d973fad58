"""
The daemon's end of the embedder: texts in, vectors out. The work is done by the child process `daemon.embedding`.

Nothing is downloaded unless `allow_download`; the same id always means the same vectors.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from daemon.embedding.choices import BUNDLED, MINILM, Limits, choice
from daemon.embedding.model import EmbedderError
from daemon.processes.errors import ChildError, ChildRefused
from daemon.processes.process import confined, module
from daemon.processes.supervisor import Supervisor, ignore_failure

BATCH = 64  # texts in one command: a question waits behind one batch of an import at most


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderInfo:
    """Which vectors these are; both are stored with them."""

    id: str
    dimension: int
    longest: int = 0  # tokens of a text that count; 0: not known


class Embedder:
    """One embedding model in one child process. Raises `EmbedderError`s, and `ChildCrashed` when it dies."""

    limits: Limits = MINILM  # from which cosine on its vectors mean that texts belong together

    def __init__(self, child: Supervisor, limits: Limits = MINILM) -> None:
        self._child = child
        self.limits = limits
        self.made: EmbedderInfo | None = None  # what it said when it was ready first; None before
        self._starting: asyncio.Task[EmbedderInfo] | None = None

    @classmethod
    def for_model(
        cls,
        name: str = BUNDLED,
        *,
        allow_download: bool = False,
        threads: int = 2,
        idle_s: float = 600.0,
    ) -> Self:
        """
        An embedder; nothing is started or read yet.

        Args:
            name: one of `choices.CHOICES`, a sentence-transformers id of the hub, or a folder.
            allow_download: the hub may be asked when nothing is there.
            idle_s: seconds without a request after which the process is ended.
        """
        hello = {"name": name, "allow_download": allow_download, "threads": threads}
        argv = module("daemon.embedding") if allow_download else confined("daemon.embedding")
        child = Supervisor("embedder", argv, hello=hello, idle_s=idle_s, start_timeout_s=600.0)
        return cls(child, choice(name).limits)

    @property
    def child(self) -> Supervisor:
        """The supervised process, for status pages."""
        return self._child

    async def info(self) -> EmbedderInfo:
        """Which vectors come out; starts the embedder when needed."""
        try:
            ready = await self._child.start()
        except ChildRefused as error:
            raise EmbedderError(error.message) from error
        self.made = EmbedderInfo(
            id=ready["embedder"], dimension=ready["dimension"], longest=ready.get("longest", 0)
        )
        return self.made

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> npt.NDArray[np.float32]:
        """
        The vectors of `texts`: (N, D) float32, each of length 1; an empty text has one too.

        Args:
            query: they are questions, to be compared with what is searched; some models embed the two differently.
        """
        batches = [await self._batch(texts[at : at + BATCH], query) for at in range(0, len(texts), BATCH)]
        if not batches:
            return np.zeros((0, (await self.info()).dimension), dtype=np.float32)
        return np.concatenate(batches)

    async def count(self, texts: Sequence[str]) -> list[int] | None:
        """How many tokens each text has; None where the embedder can't tell."""
        try:
            counts = (await self._child.call("count", texts=list(texts))).header["counts"]
        except ChildRefused as error:
            raise EmbedderError(error.message) from error
        return None if counts is None else [int(count) for count in counts]

    async def embed_at_once(self, texts: Sequence[str]) -> npt.NDArray[np.float32] | None:
        """
        The vectors of questions; None before it has started for the first time, and when it can't make them.

        One that only rests is waited for, like the engine, which rests with it.
        """
        if self.made is None:
            self.start_soon()
            return None
        try:
            return await self.embed(texts, query=True)
        except ChildError:  # the supervisor keeps it for `status`; words must do meanwhile
            return None

    def start_soon(self) -> None:
        """Start it without waiting; the child's state says how that went."""
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self.info(), name="embedder")
            self._starting.add_done_callback(ignore_failure)

    async def stop(self) -> None:
        """End the process; calls after this raise `ChildStopped`."""
        await self._child.stop()

    async def _batch(self, texts: Sequence[str], query: bool) -> npt.NDArray[np.float32]:
        try:
            reply = await self._child.call("embed", texts=list(texts), query=query)
        except ChildRefused as error:
            raise EmbedderError(error.message) from error
        flat: npt.NDArray[np.float32] = np.frombuffer(reply.blob, dtype="<f4").astype(np.float32)
        return flat.reshape(len(texts), -1)
