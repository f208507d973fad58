"""
GET /health: whether the daemon answers. The one route without a key; it tells nothing else.
"""

from fastapi import APIRouter


def routes() -> APIRouter:
    """The route, with and without /v1."""
    router = APIRouter()

    async def health() -> dict[str, str]:
        return {"status": "ok"}

    for path in ("/health", "/v1/health"):
        router.add_api_route(path, health, methods=["GET"])
    return router
