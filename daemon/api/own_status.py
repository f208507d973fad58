"""
GET /tsubasa/status: what runs, what is held, and where each setting came from.
"""

import os
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from daemon.children import Child
from daemon.services import Services
from daemon.version import version
from store import chats, lessons, memories, vectors


def routes(services: Services) -> APIRouter:
    """The one route."""
    router = APIRouter(prefix="/tsubasa")

    @router.get("/status")
    async def status() -> dict[str, Any]:
        live = await services.generations.live()
        return {
            "version": version(),
            "pid": os.getpid(),
            "home": str(services.home.path),
            "started_at": services.started_at,
            "model": asdict(await services.generations.model()) | {"path": str(services.model_path)},
            "generation": live.id if live else 0,
            "children": [_child(services.engine.child), _child(services.embedder.child)],
            "held": await services.keeper.run(_held),
            "reindex": await services.keeper.run(_reindex),
            "work": {"failure": services.runner.failure, "night": services.nights.as_json()},
            "confirmations": len(services.confirmations.waiting()),
            "settings": _settings(services),
        }

    return router


def _child(child: Child) -> dict[str, Any]:
    failure = str(child.last_error) if child.last_error else None
    return {
        "name": child.name,
        "state": child.state,
        "pid": child.pid,
        "restarts": child.restarts,
        "failure": failure,
    }


def _held(db: Any) -> dict[str, int]:
    return {
        "messages": chats.count(db),
        "memories": len(memories.holding(db)),
        "lessons": len(lessons.holding(db)),
        "unindexed": len(vectors.missing(db, "message")) + len(vectors.missing(db, "memory")),
    }


def _reindex(db: Any) -> dict[str, Any] | None:
    """How far a re-index is; None when none is under way."""
    under_way = vectors.reindexing(db)
    return asdict(under_way) if under_way else None


def _settings(services: Services) -> list[dict[str, Any]]:
    origin = services.settings.origin
    return [
        {"key": key, "value": value, "from": origin[key]}
        for key, value in asdict(services.settings.config).items()
    ]
