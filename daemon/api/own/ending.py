"""
The end of this run, over HTTP: a new start with what config.toml says now, or all of it deleted for good.
"""

from fastapi import APIRouter
from pydantic import BaseModel, StrictStr

from daemon.api.errors import WireError
from daemon.client.schemas import status as schemas
from daemon.services import Services

TYPED = "delete everything"


class TypedWords(BaseModel):
    """What a person typed, to say that it is meant."""

    typed: StrictStr


def routes(services: Services) -> APIRouter:
    """The routes /tsubasa/restart and /tsubasa/delete-everything."""
    router = APIRouter(prefix="/tsubasa", tags=["daemon"])

    @router.post("/restart")
    async def restart() -> schemas.Ended:
        """Stop, and start again as it was started, with what config.toml says now."""
        services.ending.begin("restart")
        return {"after": "restart"}

    @router.post("/delete-everything")
    async def delete_everything(wanted: TypedWords) -> schemas.Ended:
        """Stop, and delete what `tsubasa uninstall --remove` does: chats, memories, keys, models, backups, service."""
        if " ".join(wanted.typed.split()).casefold() != TYPED:
            why = f"Nothing was deleted: it is done only for the words {TYPED!r}."
            raise WireError(400, why, code="invalid_value", param="typed")
        services.ending.begin("delete")
        return {"after": "delete"}

    return router
