"""
GET /tsubasa/storage: what is kept, where, how large and how encrypted; and what went over the network.

Knows nothing of how it is measured.
"""

import asyncio
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from daemon.diagnostics.storage import since, stored
from daemon.downloads.traffic_log import read_traffic
from daemon.services import Services
from store.statistics import sizes


def routes(services: Services) -> APIRouter:
    """The one route."""
    router = APIRouter(prefix="/tsubasa")

    @router.get("/storage")
    async def measured() -> dict[str, Any]:
        found = await asyncio.to_thread(stored, services.home)
        return {
            **asdict(found),
            "since": await asyncio.to_thread(since, services.home),
            "traffic": asdict(await asyncio.to_thread(read_traffic, services.home.path)),
            "store": asdict(await services.store_thread.run(sizes)),
        }

    return router
