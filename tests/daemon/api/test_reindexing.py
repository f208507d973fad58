"""`tsubasa status` while a new embedder's vectors are made."""

from daemon.cli.status import reindexing
from daemon.memory.indexing import index_missing
from store import vectors
from tests.daemon.api.world import serving


async def test_status_tells_how_far_a_reindex_is(tmp_path):
    async with serving(tmp_path) as world:
        await world.chat("I live in Ghent.")
        await index_missing(world.store_thread, world.services.embedder)
        before = (await world.http.get("/tsubasa/status")).json()["reindex"]
        await world.store_thread.run(vectors.reindex, "new", 4)
        meanwhile = (await world.http.get("/tsubasa/status")).json()["reindex"]

    assert None is before
    assert {"old": "fake", "new": "new", "done": 0, "total": 2} == meanwhile
    assert "0 of 2 vectors made by new" in reindexing(meanwhile)
