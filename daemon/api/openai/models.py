"""
GET /v1/models: the names that a chat can ask for, and the context they have. GET /health: whether the daemon answers.

Apart from the chat, as each noun of the API has its own file of routes.
"""

from datetime import datetime

from fastapi import APIRouter

from daemon.api.errors import WireError
from daemon.api.names import every_name
from daemon.client.schemas.chats import Health, ModelName, ModelNames
from daemon.further_models.pool import FurtherModels
from daemon.generations.service import Generations


def routes(generations: Generations, further: FurtherModels, started_at: datetime) -> APIRouter:
    """The list, the single model and the health check, which needs no key; each with and without /v1."""
    router = APIRouter(tags=["openai"])

    async def health() -> Health:
        """Whether the daemon answers; no key is needed."""
        return {"status": "ok"}

    async def every_model() -> ModelNames:
        """The names that a chat can ask for, and their context."""
        return {"object": "list", "data": await _models(generations, further, started_at)}

    async def one_model(name: str) -> ModelName:
        """One of them."""
        models = await _models(generations, further, started_at)
        found = next((model for model in models if model["id"] == name), None)
        if found is None:
            names = ", ".join(model["id"] for model in models)
            raise WireError(
                404, f"There is no model {name!r}. There are: {names}.", code="model_not_found", param="model"
            )
        return found

    for prefix in ("/v1", ""):
        shown = bool(prefix)
        router.add_api_route(f"{prefix}/models", every_model, include_in_schema=shown)
        router.add_api_route(f"{prefix}/models/{{name:path}}", one_model, include_in_schema=shown)
        router.add_api_route(f"{prefix}/health", health, include_in_schema=not shown)
    return router


async def _models(generations: Generations, further: FurtherModels, started_at: datetime) -> list[ModelName]:
    return [
        {
            "id": one.text,
            "object": "model",
            "created": int(one.made_at.timestamp()),
            "owned_by": "tsubasa",
            "context_length": one.about.n_ctx,
            "meta": {"n_ctx": one.about.n_ctx, "file": one.about.name, "sha256": one.about.sha256},
        }
        for one in await every_name(generations, further, started_at)
    ]
