"""
GET /tsubasa/status: what runs, what is stored, and where each setting came from.

Its alerts name what a person should look at; nothing that heals by itself is among them.
"""

import os
import shutil
from collections.abc import Awaitable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path as File
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Request
from pydantic_core import to_jsonable_python

from daemon.api.own.attention import MEND_MODELS, Trouble, damaged, told, troubles, unusable_profile
from daemon.api.wire import to_json
from daemon.client.proven_connection import proof
from daemon.client.schemas import chats as chat_schemas
from daemon.client.schemas import nights as night_schemas
from daemon.client.schemas import status as schemas
from daemon.errors import DaemonError
from daemon.further_models.pool import FurtherModels
from daemon.idle_work import Unread
from daemon.night.planning import waits_for_room
from daemon.processes.supervisor import Supervisor
from daemon.services import Services
from daemon.version import version
from store import chats, jobs, lessons, memory_queries, notices, off_record, proposals, vectors
from store.database import Connection
from store.errors import StoreUnusable, embedder_clash

T = TypeVar("T")


def routes(services: Services) -> APIRouter:
    """The one route."""
    router = APIRouter(prefix="/tsubasa", tags=["daemon"])

    @router.get("/status")
    async def status() -> schemas.Status:
        """What runs and is stored, what needs attention, the night, and each setting with its origin."""
        return await _status(services)

    @router.post("/notices/seen")
    async def seen() -> schemas.NoticesSeen:
        """Somebody has seen what the attention of the status tells of what happened: it is told no more."""
        return {"seen": await services.store_thread.run(notices.see)}

    @router.get("/identity/{challenge}")
    async def identity(
        request: Request, challenge: Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
    ) -> schemas.Identity:
        """Proof, for a client that has not shown the key yet, that it talks to this daemon."""
        host, port = request.scope["server"]
        return {"proof": proof(services.api_key, challenge, host, port)}

    return router


async def _status(services: Services) -> schemas.Status:
    """Of a damaged store, what can be read."""
    run = services.store_thread.run
    live = await _readable(services.generations.live(), None)
    model, path = await services.generations.model(), str(services.model_path)
    logging = await _readable(run(off_record.logging, at=datetime.now(UTC)), None)
    night = to_json(night_schemas.NightState, services.nights.as_json())
    unread = await _readable(services.consolidation.unread(), Unread(parts=0, in_vain=0, doubted=0))
    nothing: schemas.Counts = {"messages": 0, "memories": 0, "lessons": 0, "unindexed": 0}
    return {
        "version": version(),
        "pid": os.getpid(),
        "home": str(services.home.path),
        "profile": services.home.profile_name,
        "started_at": to_jsonable_python(services.started_at),
        "model": to_json(schemas.Model, model, path=path),
        "generation": live.id if live else 0,
        "further": _further(services.further),
        "children": [_process(child) for child in _children(services)],
        "held": await _readable(run(_counts), nothing),
        "unread": to_json(night_schemas.Unread, unread),
        "reindex": await _readable(run(_reindex), None),
        "recall": await _recall(services),
        "work": {
            "failure": services.runner.failure,
            "night": night,
            "later": await _readable(run(waits_for_room), 0),
        },
        "confirmations": len(services.confirmations.waiting()),
        "proposals": await _readable(run(proposals.count), 0),
        "settings": _settings(services),
        "thinking": {
            "answers": services.conversations.under_way,
            "off_the_record": services.conversations.off_record,
        },
        "logging": to_json(chat_schemas.Logging, logging) if logging else {"on": True, "until": None},
        "attention": await _attention(services),
    }


async def _readable(reading: Awaitable[T], otherwise: T) -> T:
    """What is read of the store; `otherwise` where it is damaged, which the attention tells."""
    try:
        return await reading
    except StoreUnusable as error:
        if error.problem != "damaged":
            raise
        return otherwise


async def _recall(services: Services) -> schemas.RecallState:
    """How memories are found now: not at all, by their words while the embedder can't help, or by meaning too."""
    config, embedder = services.settings.config, services.embedder
    if not config.recall or config.recall_k < 1:
        return {"by": "nothing", "why": "recall is switched off in the settings"}
    if embedder.child.last_error is not None:
        return {"by": "words", "why": str(embedder.child.last_error)}
    if (made := embedder.made) is None:
        return {"by": "words", "why": "the embedder is starting"}
    searched = await _readable(services.store_thread.run(_searched), None)
    if searched is not None and searched.dimension != made.dimension:
        clash = embedder_clash(searched.embedder, searched.dimension, made.id, made.dimension)
        return {"by": "words", "why": str(clash)}
    return {"by": "meaning", "why": None}


def _searched(db: Connection) -> vectors.VectorSet | None:
    return vectors.coming(db) or vectors.serving(db)


async def _attention(services: Services) -> list[schemas.Trouble]:
    run = services.store_thread.run
    found: list[Trouble] = told(await _readable(run(notices.unseen), []))
    found += troubles(
        children=_children(services),
        failure=services.runner.failure,
        night=await _readable(run(jobs.latest, "night"), None),
        free_bytes=_free_bytes(services.home.path),
        rests=services.nights.rests,
    )
    found += [Trouble(kind="model", what=one.why, do=MEND_MODELS) for one in services.further.unusable]
    found += _unusable_profiles(services)
    if services.store_thread.damage is not None:
        found.insert(0, damaged(services.store_thread.damage))
    return [to_json(schemas.Trouble, trouble) for trouble in found]


def _children(services: Services) -> tuple[Supervisor, ...]:
    return services.engine.child, services.embedder.child, *services.further.children


def _further(further: FurtherModels) -> list[schemas.FurtherModel]:
    usable: list[schemas.FurtherModel] = [
        {
            "name": one.entry.name,
            "path": str(one.entry.path),
            "bytes": one.entry.facts.bytes,
            "needed": one.entry.needed,
            "state": one.engine.child.state,
            "why": None,
        }
        for one in further.all
    ]
    unusable: list[schemas.FurtherModel] = [
        {"name": one.name, "path": "", "bytes": 0, "needed": 0, "state": "unusable", "why": one.why}
        for one in further.unusable
    ]
    return usable + unusable


def _unusable_profiles(services: Services) -> list[Trouble]:
    try:
        known = {one.name for one in services.profiles.known.every}
    except DaemonError as error:
        return [Trouble(kind="profile", what=str(error), do="Who names nobody is answered as before.")]
    failures = services.profiles.failures.items()
    return [unusable_profile(name, why) for name, why in failures if name in known]


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
        {"key": key, "value": list(value) if isinstance(value, tuple) else value, "from": origin[key]}
        for key, value in asdict(services.settings.config).items()
    ]
