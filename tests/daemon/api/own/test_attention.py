"""What happened to the store is told in the status until it was seen, and a damaged store still has a status."""

from store import notices
from store.errors import StoreUnusable
from tests.daemon.api.world import serving


async def attention(world):
    return (await world.http.get("/tsubasa/status")).json()["attention"]


async def test_missing_commits_are_told_with_what_to_do_until_they_were_seen(tmp_path):
    async with serving(tmp_path) as world:
        for _ in range(2):
            await world.store_thread.run(notices.put, "missing", {"commits": 3})
        told = await attention(world)
        seen = (await world.http.post("/tsubasa/notices/seen", json={})).json()
        after = await attention(world)

    (one,) = [one for one in told if one["kind"] == "missing"]
    assert "3 changes" in one["what"] and "tsubasa status --seen" in one["do"]
    assert ({"seen": 1}, []) == (seen, [one for one in after if one["kind"] == "missing"])


async def test_a_damaged_page_is_told_in_a_status_that_shows_what_can_be_read(tmp_path):
    def broken(db):
        raise StoreUnusable("damaged", "store.db", "database disk image is malformed")

    async with serving(tmp_path) as world:
        await world.chat("hi")
        whole = await attention(world)
        try:
            await world.store_thread.run(broken)
        except StoreUnusable:
            pass
        told = await attention(world)

    assert [] == [one for one in whole if one["kind"] == "store"]
    assert ("store", True) == (told[0]["kind"], "export" in told[0]["do"])
