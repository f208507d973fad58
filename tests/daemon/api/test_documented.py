"""The documentation is what the routes say of themselves."""

from pathlib import Path

from daemon.api.document import described, markdown
from tests.daemon.api.world import serving

DOCUMENTED = Path(__file__).parents[3] / "docs" / "api.md"
STREAMED = {"/tsubasa/export", "/tsubasa/generations/{number}/adapter"}


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
