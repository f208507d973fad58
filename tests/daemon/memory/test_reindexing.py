"""A new embedder at work: recall goes on by words, a crash loses nothing, and the old one can come back."""

from contextlib import asynccontextmanager

import pytest

from daemon.embedding.client import EmbedderInfo
from daemon.memory.indexing import index_missing
from daemon.memory.recall import recall
from store import vectors
from tests.daemon.memory.fakes import DIMENSION, FakeEmbedder, open_store_thread, remember


class NewEmbedder(FakeEmbedder):
    """Another name, twice the numbers; dies after `batches` batches."""

    def __init__(self, lives: int = 1000) -> None:
        super().__init__()
        self._lives = lives

    async def info(self):
        return EmbedderInfo(id="new", dimension=2 * DIMENSION)

    async def embed(self, texts, *, query=False):
        if len(self.batches) >= self._lives:
            raise ConnectionResetError("the embedder died")
        old = await super().embed(texts)
        return old.repeat(2, axis=1)


@asynccontextmanager
async def begun(folder, new, old=None):
    """A store of three memories, in which a re-index began that `new` does not live to finish."""
    texts = ("The user's dog is called Rex.", "The user lives in Ghent.", "The user likes tea.")
    async with open_store_thread(folder) as store_thread:
        await remember(store_thread, *texts)
        await index_missing(store_thread, old or FakeEmbedder())
        info = await new.info()
        await store_thread.run(vectors.reindex, info.id, info.dimension)
        with pytest.raises(ConnectionResetError):
            await index_missing(store_thread, new, batch=1)
        yield store_thread


async def lines(store_thread, embedder, question="Where do I live?"):
    found = await recall(store_thread, embedder, question)
    return [line.split(": ", 1)[1] for line in found.lines]


async def test_before_the_first_new_vector_memories_are_recalled_by_their_words(tmp_path):
    async with begun(tmp_path, NewEmbedder(lives=0)) as store_thread:
        dog = await lines(store_thread, NewEmbedder(), "What is my dog called?")
        talk = await lines(store_thread, NewEmbedder(), "Nice weather!")

    assert (["The user's dog is called Rex."], []) == (dog, talk)


async def test_a_crash_in_the_middle_is_gone_on_from(tmp_path):
    async with begun(tmp_path, NewEmbedder(lives=2)):
        pass
    async with open_store_thread(tmp_path) as store_thread:
        half = await store_thread.run(vectors.reindexing)
        made = await index_missing(store_thread, NewEmbedder())
        after = await store_thread.run(vectors.reindexing)
        found = await lines(store_thread, NewEmbedder())

    assert ((2, 3), 1, None) == ((half.done, half.total), made, after)
    assert ["The user lives in Ghent."] == found


async def test_the_old_embedder_comes_back_without_embedding_anything(tmp_path):
    old = FakeEmbedder()
    async with begun(tmp_path, NewEmbedder(lives=2), old) as store_thread:
        old.batches.clear()
        made = await index_missing(store_thread, old)
        found = await lines(store_thread, old)

    assert (0, ["The user lives in Ghent."]) == (made, found)
    assert [] == [size for size in old.batches[:-1] if size > 1]
