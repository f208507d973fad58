"""
GET /metrics: what the main model's engine does, in Prometheus' text format.

Scraped with the key, as every other route. It starts no engine: while there is none, it only says so. Counters begin at
zero with each process.
"""

from dataclasses import asdict

from fastapi import APIRouter
from starlette.responses import PlainTextResponse

from daemon.engine.client import Engine, EngineCounts

FORMAT = "text/plain; version=0.0.4; charset=utf-8"
METRICS = {  # field -> type, help
    "prompt_tokens": ("counter", "Tokens of the prompts of all requests that began."),
    "cached_tokens": ("counter", "Those of them that were still in memory."),
    "completion_tokens": ("counter", "Tokens of the answers of all requests that ended."),
    "requests": ("counter", "Requests that ended, however."),
    "refused": ("counter", "Requests that were refused because too many waited."),
    "steps": ("counter", "Batches that were computed."),
    "step_tokens": ("counter", "Tokens in all batches."),
    "running": ("gauge", "Questions that are being answered."),
    "waiting": ("gauge", "Questions that wait for a place."),
    "background": ("gauge", "Requests of memory work and exams."),
    "cells": ("gauge", "Tokens that the context has room for, that of background work included."),
    "cells_used": ("gauge", "Tokens that are in memory."),
}


def text_of(counts: EngineCounts | None) -> str:
    """All metrics; None: the engine does not run."""
    lines = ["# HELP tsubasa_engine_up Whether the engine's process runs.", "# TYPE tsubasa_engine_up gauge"]
    lines.append(f"tsubasa_engine_up {int(counts is not None)}")
    for field, value in ({} if counts is None else asdict(counts)).items():
        kind, told = METRICS[field]
        name = f"tsubasa_engine_{field}" + ("_total" if kind == "counter" else "")
        lines += [f"# HELP {name} {told}", f"# TYPE {name} {kind}", f"{name} {value}"]
    return "\n".join(lines) + "\n"


def routes(engine: Engine) -> APIRouter:
    """The one route."""
    router = APIRouter(tags=["daemon"])

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        """Tokens, cache hits, queue and memory of the engine, in Prometheus' text format."""
        return PlainTextResponse(text_of(await engine.counts()), media_type=FORMAT)

    return router
