"""
Keys of programs, over HTTP: who has one, what each may, when it was used; making one, and taking one back.
"""

import asyncio

from fastapi import APIRouter
from pydantic import BaseModel, StrictStr

from daemon.api.errors import WireError
from daemon.client.schemas import status as schemas
from daemon.config import api_keys
from daemon.errors import DaemonError
from daemon.home import Home
from daemon.services import Services


class WantedKey(BaseModel):
    """A key to make."""

    name: StrictStr  # the program that gets it
    may: list[StrictStr]  # scopes


class RevokedKey(BaseModel):
    """A key to take back."""

    name: StrictStr


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/keys."""
    router = APIRouter(prefix="/tsubasa/keys", tags=["status"])
    home = services.home

    @router.get("")
    async def list_keys() -> schemas.Keys:
        """The keys that programs have, what each may, and when it was used last."""
        return await asyncio.to_thread(_listed, home)

    @router.post("")
    async def make_key(wanted: WantedKey) -> schemas.NewKey:
        """A new key; it is shown in this answer and nowhere else."""
        try:
            made = await asyncio.to_thread(api_keys.make, home, wanted.name, wanted.may)
        except DaemonError as error:
            raise WireError(400, str(error), code="invalid_value") from error
        return {"name": wanted.name, "key": made}

    @router.post("/revoke")
    async def revoke_key(wanted: RevokedKey) -> schemas.Keys:
        """Take a key back: it is refused from the next request on."""
        try:
            await asyncio.to_thread(api_keys.revoke, home, wanted.name)
        except DaemonError as error:
            raise WireError(404, str(error), code="key_not_found", param="name") from error
        return await asyncio.to_thread(_listed, home)

    return router


def _listed(home: Home) -> schemas.Keys:
    used = api_keys.used(home)
    return {
        "keys": [
            {
                "name": one.name,
                "may": list(one.scopes),
                "made_at": one.made_at,
                "used_at": used.get(one.name),
            }
            for one in api_keys.listed(home)
        ],
        "scopes": [{"name": name, "may": may} for name, may in api_keys.SCOPES.items()],
    }
