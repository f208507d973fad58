"""Give vectors to the memories and messages that lack one: a background job, ordered after imports and starts."""

from typing import Any

from daemon.embedding.client import Embedder
from daemon.store_thread import StoreThread
from store import memories, message_queries, vectors
from store.database import Connection
from store.jobs import Job

EMBEDDED = 10_000  # characters of a text that go to the embedder, which reads its first few hundred tokens


async def index_missing(store_thread: StoreThread, embedder: Embedder, *, batch: int = 64) -> int:
    """
    Give every memory and message that lacks one its vector; returns how many were made.

    The vectors of a re-index serve as soon as none is missing.
    """
    info = await embedder.info()
    await store_thread.run(vectors.prepare, info.id, info.dimension)
    made = 0
    for kind, texts_of in (("memory", _memory_texts), ("message", _message_texts)):
        missing = await store_thread.run(vectors.missing, kind)
        for start in range(0, len(missing), batch):
            texts = await store_thread.run(texts_of, missing[start : start + batch])
            if texts:
                await store_thread.run(
                    vectors.put, kind, list(texts), await embedder.embed(list(texts.values()))
                )
            made += len(texts)
    await store_thread.run(vectors.switch)
    return made


def _memory_texts(db: Connection, ids: list[int]) -> dict[int, str]:
    """What is embedded of those that hold still."""
    return {one.id: one.text[:EMBEDDED] for one in memories.several(db, ids)}


def _message_texts(db: Connection, ids: list[int]) -> dict[int, str]:
    return {id: text[:EMBEDDED] for id, text in message_queries.spoken(db, ids).items()}


class Indexing:
    """Gives vectors to memories and messages that lack one; ordered after an import, so as not to wait."""

    def __init__(self, store_thread: StoreThread, embedder: Embedder) -> None:
        self._store_thread = store_thread
        self._embedder = embedder

    async def due(self) -> dict[str, Any] | None:
        """A payload when a memory or a message has no vector."""
        return {} if await self._store_thread.run(_unindexed) else None

    async def work(self, job: Job) -> None:
        """Index all that is missing, also what comes meanwhile: an order of that moment stands for this job."""
        while await index_missing(self._store_thread, self._embedder):
            pass


def _unindexed(db: Connection) -> bool:
    return vectors.reindexing(db) is not None or any(vectors.missing(db, kind) for kind in vectors.KINDS)
