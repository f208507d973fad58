"""
Settings, over HTTP: those that the page may change, written into config.toml in the line where they stand.

What answers, listens or holds keys is changed by the file's owner alone. A change counts from the next start on.
"""

import asyncio
from dataclasses import asdict, fields

from fastapi import APIRouter
from pydantic import BaseModel, StrictBool, StrictFloat, StrictInt, StrictStr

from daemon.api.errors import WireError
from daemon.client.schemas import status as schemas
from daemon.config import edit_file
from daemon.config.fields import Kind, NotAllowed
from daemon.config.settings import Config, is_zone
from daemon.services import Services

CHANGEABLE = (
    "system_prompt",
    "temperature",
    "max_tokens",
    "recall",
    "observe",
    "night",
    "look_first",
    "night_when",
    "time_zone",
    "inbox",
    "backups",
)


class NewSetting(BaseModel):
    """A setting, and what config.toml is to say of it."""

    key: StrictStr
    value: StrictBool | StrictInt | StrictFloat | StrictStr


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/settings."""
    router = APIRouter(prefix="/tsubasa/settings", tags=["status"])

    @router.get("")
    async def list_settings() -> schemas.Changeables:
        """The settings that can be changed here: as they are now, and as they will be from the next start on."""
        return {"settings": await asyncio.to_thread(_listed, services)}

    @router.post("")
    async def change_setting(wanted: NewSetting) -> schemas.Changeables:
        """Write one setting into config.toml; it counts from the next start on."""
        kinds = {one.name: one.metadata["kind"] for one in fields(Config) if one.name in CHANGEABLE}
        if wanted.key not in kinds:
            names = ", ".join(CHANGEABLE)
            why = f"{wanted.key!r} can't be changed here, only in config.toml. Here: {names}."
            raise WireError(400, why, code="invalid_value", param="key")
        value = _checked(wanted, kinds[wanted.key])
        await asyncio.to_thread(edit_file.set_key, services.home.config, wanted.key, value)
        return {"settings": await asyncio.to_thread(_listed, services)}

    return router


def _checked(wanted: NewSetting, kind: Kind) -> str | float | bool:
    try:
        value = kind.parse(wanted.value)
        if wanted.key == "time_zone" and not is_zone(str(value)):
            raise NotAllowed
    except NotAllowed:
        why = f"{wanted.key} can't be {wanted.value!r}. Allowed: {kind.allowed}."
        raise WireError(400, why, code="invalid_value", param="value") from None
    assert isinstance(value, str | int | float)
    return value


def _listed(services: Services) -> list[schemas.Changeable]:
    now, origin, file = asdict(services.settings.config), services.settings.origin, services.home.config
    found: list[schemas.Changeable] = []
    for one in fields(Config):
        if one.name in CHANGEABLE:
            written = edit_file.read_key(file, one.name)
            found.append(
                {
                    "key": one.name,
                    "value": now[one.name],
                    "origin": origin[one.name],
                    "written": written if isinstance(written, str | int | float) else None,
                    "comment": one.metadata["comment"],
                    "allowed": one.metadata["kind"].allowed,
                }
            )
    return found
