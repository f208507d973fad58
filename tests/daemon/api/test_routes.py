"""Every route answers in the shape of its schema, from a store with half a year in it; docs/api.md is made of them."""

from pathlib import Path

from daemon.api.document import described, markdown
from daemon.memory.indexing import index_missing
from tests.daemon.api.world import serving
from tests.daemon.web.life import live

DOCUMENTED = Path(__file__).parents[3] / "docs" / "api.md"
STREAMED = {"/tsubasa/export", "/tsubasa/generations/{number}/adapter"}
NOT_JSON = {"/tsubasa/export", "/tsubasa/generations/{number}/adapter", "/sign-in/{token}", "/sign-out"}
NOT_THERE = {"/tsubasa/confirmations/{id}", "/v1/responses/{response_id}"}  # nothing waits, or was asked so
IN_PATH = {"name": "tsubasa@1", "chat_id": 3, "message_id": 1, "memory_id": 18, "night_id": 6, "number": 1}
IN_PATH["challenge"] = "0" * 32
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


def test_the_document_is_what_is_made_of_the_routes():
    """Mend it with: python -m daemon.api.document > docs/api.md"""
    assert markdown(described().openapi()) == DOCUMENTED.read_text(encoding="utf-8")


def test_every_route_says_what_it_is_and_those_of_our_own_what_they_answer():
    routes = {
        path: route for path, methods in described().openapi()["paths"].items() for route in methods.values()
    }
    answers = {
        path: str(one["responses"]["200"]) for path, one in routes.items() if path.startswith("/tsubasa")
    }

    assert [] == [path for path, one in routes.items() if not one.get("description") or not one.get("tags")]
    assert STREAMED == {path for path, answer in answers.items() if "$ref" not in answer}


async def test_the_daemon_serves_the_same_to_who_shows_the_key(tmp_path):
    async with serving(tmp_path) as world:
        found = await world.http.get("/tsubasa/openapi.json")
        refused = await world.http.get("/tsubasa/openapi.json", headers={"authorization": "Bearer no"})

    assert described().openapi() == found.json()
    assert 401 == refused.status_code
