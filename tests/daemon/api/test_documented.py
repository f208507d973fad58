"""The documentation names every route that there is, and none that there is not."""

import asyncio
import re
from pathlib import Path

from daemon.api.application import make_app
from tests.daemon.api.world import serving

ROOT = ("/v1", "/health", "/sign")  # these are not below /tsubasa
DOCUMENTED = Path(__file__).parents[3] / "docs" / "api.md"


def test_every_route_is_documented_and_every_documented_one_is_there(tmp_path):
    async def run():
        async with serving(tmp_path) as world:
            return make_app(world.services).openapi()["paths"]

    told = {
        (method, (path if path.startswith(ROOT) else f"/tsubasa{path}").removeprefix("/v1"))
        for method, path in re.findall(r"`(GET|POST) (/[^`?]*)[^`]*`", DOCUMENTED.read_text(encoding="utf-8"))
    }
    there = {
        (method.upper(), path.removeprefix("/v1"))
        for path, methods in asyncio.run(run()).items()
        for method in methods
    }

    assert there == told
