"""The list of changes over HTTP: what changed a memory waits for a look, which a person gives."""

from tests.daemon.api.world import moved_house, serving


async def test_what_changed_a_memory_waits_until_it_was_looked_at(tmp_path):
    async with serving(tmp_path) as world:
        await moved_house(world)
        before = (await world.http.get("/tsubasa/memories/changes")).json()
        await world.http.post("/tsubasa/memories/changes/seen", json={"event": max(before["unseen"])})
        after = (await world.http.get("/tsubasa/memories/changes")).json()

    changed = [one["event_id"] for one in before["noted"] if one["op"] == "RECONCILE"]
    assert (changed, []) == (before["unseen"], after["unseen"])
    assert before["noted"] == after["noted"]


async def test_where_nothing_is_to_wait_nothing_does(tmp_path):
    async with serving(tmp_path, look_first=False) as world:
        await moved_house(world)
        found = (await world.http.get("/tsubasa/memories/changes")).json()

    assert [] == found["unseen"]
