"""
All routes behind one gate: the web application that uvicorn serves.

    Gate -> Boundary -> routes
"""

from fastapi import FastAPI

from daemon.api import (
    errors,
    health,
    openai_chat,
    openai_models,
    own_archive,
    own_changes,
    own_confirmations,
    own_forgetting,
    own_generations,
    own_imports,
    own_memories,
    own_nights,
    own_status,
    own_storage,
    own_work,
)
from daemon.api.security import Gate
from daemon.services import Services


def make_app(services: Services) -> FastAPI:
    """The application; nothing is served yet. No documentation pages: they load scripts from other sites."""
    app = FastAPI(title="Tsubasa", docs_url=None, redoc_url=None, openapi_url=None)
    errors.install(app)
    app.include_router(health.routes())
    rooms = (
        openai_chat,
        openai_models,
        own_changes,
        own_memories,
        own_forgetting,
        own_confirmations,
        own_archive,
        own_imports,
        own_work,
        own_nights,
        own_generations,
        own_status,
        own_storage,
    )
    for room in rooms:
        app.include_router(room.routes(services))
    max_body = services.settings.config.largest_body
    app.add_middleware(errors.Boundary)
    app.add_middleware(Gate, api_key=services.api_key, max_body=max_body)  # added last: outermost
    return app
