"""
GET /tsubasa/status: what runs, what is stored, and where each setting came from.

Its alerts name what a person should look at; nothing that heals by itself is among them.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic_core import to_jsonable_python

from daemon.api.wire import to_json
from daemon.client.proven_connection import proof
from daemon.client.schemas import chats as chat_schemas
from daemon.client.schemas import nights as night_schemas
from daemon.client.schemas import status as schemas
from daemon.night.planning import waits_for_room
from daemon.processes.supervisor import Supervisor
from daemon.services import Services
from daemon.version import version
from store import chats, jobs, lessons, memory_queries, off_record, vectors
from store.database import Connection
from store.errors import embedder_clash
from store.jobs import Job

LITTLE_ROOM = 500 * 2**20  # bytes; below, a night or a large import may not fit


def routes(services: Services) -> APIRouter:
    """The one route."""
    router = APIRouter(prefix="/tsubasa", tags=["daemon"])

    @router.get("/status")
    async def status() -> schemas.Status:
        """What runs and is stored, what needs attention, the night, and each setting with its origin."""
        live = await services.generations.live()
        model, path = await services.generations.model(), str(services.model_path)
        logging = await services.store_thread.run(off_record.logging, at=datetime.now(UTC))
        night = to_json(night_schemas.NightState, services.nights.as_json())
        return {
            "version": version(),
            "pid": os.getpid(),
            "home": str(services.home.path),
            "started_at": to_jsonable_python(services.started_at),
            "model": to_json(schemas.Model, model, path=path),
            "generation": live.id if live else 0,
            "children": [_process(services.engine.child), _process(services.embedder.child)],
            "held": await services.store_thread.run(_counts),
            "unread": to_json(night_schemas.Unread, await services.consolidation.unread()),
            "reindex": await services.store_thread.run(_reindex),
            "recall": await _recall(services),
            "work": {
                "failure": services.runner.failure,
                "night": night,
                "later": await services.store_thread.run(waits_for_room),
            },
            "confirmations": len(services.confirmations.waiting()),
            "settings": _settings(services),
            "thinking": {
                "answers": services.conversations.under_way,
                "off_the_record": services.conversations.off_record,
            },
            "logging": to_json(chat_schemas.Logging, logging),
            "attention": await _attention(services),
        }

    @router.get("/identity/{challenge}")
    async def identity(
        request: Request, challenge: Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
    ) -> schemas.Identity:
        """Proof, for a client that has not shown the key yet, that it talks to this daemon."""
        host, port = request.scope["server"]
        return {"proof": proof(services.api_key, challenge, host, port)}

    return router


async def _recall(services: Services) -> schemas.RecallState:
    """How memories are found now: not at all, by their words while the embedder can't help, or by meaning too."""
    config, embedder = services.settings.config, services.embedder
    if not config.recall or config.recall_k < 1:
        return {"by": "nothing", "why": "recall is switched off in the settings"}
    if embedder.child.last_error is not None:
        return {"by": "words", "why": str(embedder.child.last_error)}
    if (made := embedder.made) is None:
        return {"by": "words", "why": "the embedder is starting"}
    searched = await services.store_thread.run(_searched)
    if searched is not None and searched.dimension != made.dimension:
        clash = embedder_clash(searched.embedder, searched.dimension, made.id, made.dimension)
        return {"by": "words", "why": str(clash)}
    return {"by": "meaning", "why": None}


def _searched(db: Connection) -> vectors.VectorSet | None:
    return vectors.coming(db) or vectors.serving(db)


async def _attention(services: Services) -> list[schemas.Trouble]:
    found = troubles(
        children=(services.engine.child, services.embedder.child),
        failure=services.runner.failure,
        night=await services.store_thread.run(jobs.latest, "night"),
        free_bytes=_free_bytes(services.home.path),
    )
    return [to_json(schemas.Trouble, trouble) for trouble in found]


def _free_bytes(folder: File) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:  # an odd file system: no reason to have no status
        return None


def _process(child: Supervisor) -> schemas.Process:
    failure = str(child.last_error) if child.last_error else None
    return {
        "name": child.name,
        "state": child.state,
        "pid": child.pid,
        "restarts": child.restarts,
        "failure": failure,
    }


def _counts(db: Connection) -> schemas.Counts:
    return {
        "messages": chats.count(db),
        "memories": memory_queries.count_holding(db),
        "lessons": lessons.count_holding(db),
        "unindexed": len(vectors.missing(db, "message")) + len(vectors.missing(db, "memory")),
    }


def _reindex(db: Connection) -> schemas.Reindex | None:
    """How far a re-index is; None when none is under way."""
    under_way = vectors.reindexing(db)
    return to_json(schemas.Reindex, under_way) if under_way else None


def _settings(services: Services) -> list[schemas.Setting]:
    origin = services.settings.origin
    return [
        {"key": key, "value": value, "from": origin[key]}
        for key, value in asdict(services.settings.config).items()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing to look at."""

    kind: str  # "child" | "work" | "night" | "disk"
    what: str  # one sentence
    do: str  # what helps, for a person


def troubles(
    *, children: Sequence[Supervisor], failure: str | None, night: Job | None, free_bytes: int | None
) -> list[Trouble]:
    """
    What a person should look at now.

    Args:
        failure: what the last look of the background work failed with.
        night: the job of the latest night.
        free_bytes: room on the disk of the home; None: unknown.
    """
    restart = "Questions try it again; `tsubasa status` shows the settings it started with."
    found = [
        Trouble(kind="child", what=f"The {child.name} does not start: {child.last_error}", do=restart)
        for child in children
        if child.state == "failed" and child.last_error
    ]
    if free_bytes is not None and free_bytes < LITTLE_ROOM:
        what = f"Only {free_bytes // 2**20} MB are free on the disk of the home."
        found.append(Trouble(kind="disk", what=what, do="Make room."))
    if night is not None and night.error and night.state != "running":
        what = f"The last night failed: {night.error}"
        found.append(Trouble(kind="night", what=what, do="Try again: `tsubasa night`."))
    if failure is not None and not (night is not None and night.error and night.error in failure):
        what = f"Background work failed: {failure}"
        found.append(Trouble(kind="work", what=what, do="It is tried again later."))
    return found
