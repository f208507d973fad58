"""Every route that reads answers in the shape of its schema, from a store with half a year in it."""

from daemon.api.document import described
from daemon.memory.indexing import index_missing
from tests.daemon.api.world import scene, serving
from tests.daemon.web.life import live

NOT_JSON = {"/tsubasa/export", "/tsubasa/generations/{number}/adapter", "/sign-in/{token}", "/sign-out"}
NOT_THERE = {"/tsubasa/confirmations/{id}"}  # nothing waits
IN_PATH = {"name": "tsubasa@1", "chat_id": 3, "message_id": 1, "memory_id": 18, "night_id": 6, "number": 1}
QUERY = {"/tsubasa/messages": "?text=beagle", "/tsubasa/generations/compare": "?a=1&b=2"}


async def test_every_route_that_reads_answers_in_the_shape_of_its_schema(tmp_path):
    reading = {path for path, methods in described().openapi()["paths"].items() if "get" in methods}
    async with serving(tmp_path) as world:
        await world.store_thread.run(live)
        await index_missing(world.store_thread, world.services.embedder)
        await world.chat("Where do I live?")
        found = {
            path: (await world.http.get(path.format(**IN_PATH) + QUERY.get(path, ""))).status_code
            for path in reading - NOT_JSON - NOT_THERE
        }

    assert {} == {path: status for path, status in found.items() if status != 200}


async def test_a_report_of_the_client_has_the_fields_of_its_schema(tmp_path):
    async def lived(world):
        await world.store_thread.run(live)

    def act(client):
        return client.generation(3), client.report(6), client.why(18), client.status()

    generation, report, memory, status = await scene(tmp_path, lived, act)

    assert {"facts", "abstain"} <= generation["generation"]["exam"]["parts"].keys()
    assert (6, 2) == (report["night"], report["forgot"]["memories"])
    assert [5, 18] == [one["id"] for one in memory["history"]]
    assert (4, 18) == (status["generation"], status["held"]["memories"])
