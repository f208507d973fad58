"""
All routes behind one gate: the web application that uvicorn serves.

    AuthMiddleware -> Boundary -> Paths -> ToProfile -> the page, or the routes
                                             `── who has a profile: its daemon
"""

from functools import partial

from fastapi import FastAPI

from daemon.api import asked, errors, metrics
from daemon.api.answering import Answering
from daemon.api.dialects import anthropic, llama_cpp, ollama
from daemon.api.openai import chat, completions, embeddings, input_tokens, models, responses
from daemon.api.openapi import Api
from daemon.api.own import (
    chats,
    confirmations,
    ending,
    forgetting,
    generations,
    imports,
    keys,
    memories,
    nights,
    profiles,
    proposals,
    settings,
    status,
    storage,
)
from daemon.api.own import models as local_models
from daemon.api.page import access
from daemon.api.page.lazy_page import LazyPage, PageMiddleware
from daemon.api.paths import Paths
from daemon.api.profiles import ToProfile
from daemon.api.security import AuthMiddleware
from daemon.config.api_keys import ProgramKeys
from daemon.services import Services


def make_app(services: Services, page: LazyPage | None = None) -> FastAPI:
    """
    The application; nothing is served yet. No documentation pages: they load scripts from other sites.

    `page` is loaded by its first visitor; who gives one closes it, and has it opened before the visitors come.
    """
    app = Api(title="Tsubasa", docs_url=None, redoc_url=None, openapi_url="/tsubasa/openapi.json")
    errors.install(app)
    add_routes(app, services)
    config = services.settings.config
    sessions = access.Sessions(services.api_key, epoch=services.home.sessions)
    app.include_router(access.sign_in_routes(sessions, on_link=page.load if page else None))
    app.add_middleware(PageMiddleware, page=page or LazyPage(services.api_key, services.home.path))
    app.add_middleware(ToProfile, profiles=services.profiles, gate=services.gate)
    app.add_middleware(Paths, max_body=config.largest_body)
    app.add_middleware(errors.Boundary)
    app.add_middleware(  # added last: outermost
        AuthMiddleware,
        api_key=services.api_key,
        sessions=sessions,
        max_body=config.largest_body,
        max_upload=config.largest_import,
        programs=ProgramKeys(services.home),
        origins=config.origins,
    )
    return app


def add_routes(app: FastAPI, services: Services) -> None:
    """Add OpenAI's routes and our own."""
    config = services.settings.config
    by_code = partial(asked.reply, services)
    answering = Answering(services.conversations, by_code=by_code)
    app.include_router(chat.routes(config, answering))
    app.include_router(completions.routes(config, answering))
    app.include_router(embeddings.routes(services.embedder, services.engine))
    app.include_router(responses.routes(config, answering, services.store_thread))
    app.include_router(input_tokens.routes(config, services.further, services.store_thread))
    app.include_router(anthropic.routes(config, answering, services.further))
    app.include_router(
        ollama.routes(config, answering, services.generations, services.further, services.embedder)
    )
    app.include_router(llama_cpp.routes(services.engine))
    app.include_router(metrics.routes(services.engine))
    app.include_router(models.routes(services.generations, services.further, services.started_at))
    for noun in (
        chats,
        memories,
        proposals,
        forgetting,
        confirmations,
        imports,
        nights,
        generations,
        status,
        storage,
        settings,
        local_models,
        keys,
        profiles,
        ending,
    ):
        app.include_router(noun.routes(services))
