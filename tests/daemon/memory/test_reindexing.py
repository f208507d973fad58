"""A new embedder at work: recall goes on by words, a crash loses nothing, and the old one can come back."""

from datetime import date

import pytest

from daemon.embedding.client import EmbedderInfo
from daemon.memory.indexing import index_missing
from daemon.memory.recall import recall
from store import memories, vectors
from tests.daemon.memory.fakes import DIMENSION, FakeEmbedder, open_store_thread


class NewEmbedder(FakeEmbedder):
    """Another name, twice the numbers; dies after `batches` batches."""

    def __init__(self, lives: int = 1000) -> None:
        super().__init__()
        self._lives = lives

    async def info(self):
        return EmbedderInfo(id="new", dimension=2 * DIMENSION)

    async def embed(self, texts):
        if len(self.batches) >= self._lives:
            raise ConnectionResetError("the embedder died")
        old = await super().embed(texts)
        return old.repeat(2, axis=1)


async def held(store_thread, embedder):
    for text in ("The user's dog is called Rex.", "The user lives in Ghent.", "The user likes tea."):
        await store_thread.run(memories.add, text, told_on=date(2026, 3, 5), sources=())
    await index_missing(store_thread, embedder)


async def begun(store_thread, new):
    """Begin a re-index, which `new` does not live to finish."""
    info = await new.info()
    await store_thread.run(vectors.reindex, info.id, info.dimension)
    with pytest.raises(ConnectionResetError):
        await index_missing(store_thread, new, batch=1)


def lines(recalled):
    return [line.split(": ", 1)[1] for line in recalled.lines]


async def test_before_the_first_new_vector_memories_are_recalled_by_their_words(tmp_path):
    async with open_store_thread(tmp_path) as store_thread:
        await held(store_thread, FakeEmbedder())
        await begun(store_thread, NewEmbedder(lives=0))
        asked = [
            await recall(store_thread, NewEmbedder(), q) for q in ("What is my dog called?", "Nice weather!")
        ]
        found = [lines(one) for one in asked]

    assert [["The user's dog is called Rex."], []] == found


async def test_a_crash_in_the_middle_is_gone_on_from(tmp_path):
    async with open_store_thread(tmp_path) as store_thread:
        await held(store_thread, FakeEmbedder())
        await begun(store_thread, NewEmbedder(lives=2))
    async with open_store_thread(tmp_path) as store_thread:
        half = await store_thread.run(vectors.reindexing)
        made = await index_missing(store_thread, NewEmbedder())
        after = await store_thread.run(vectors.reindexing)
        found = (
            (half.done, half.total),
            made,
            after,
            lines(await recall(store_thread, NewEmbedder(), "Where do I live?")),
        )

    assert ((2, 3), 1, None, ["The user lives in Ghent."]) == found


async def test_the_old_embedder_comes_back_without_embedding_anything(tmp_path):
    old = FakeEmbedder()
    async with open_store_thread(tmp_path) as store_thread:
        await held(store_thread, old)
        await begun(store_thread, NewEmbedder(lives=2))
        old.batches.clear()
        made = await index_missing(store_thread, old)
        batches, told = old.batches, lines(await recall(store_thread, old, "Where do I live?"))

    assert (0, ["The user lives in Ghent."]) == (made, told)
    assert [] == [size for size in batches[:-1] if size > 1]
