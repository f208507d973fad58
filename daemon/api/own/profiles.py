"""
Profiles, over HTTP: who else is at home here, and the start and stop of each one's daemon. None is made or removed so:
that is the command line's, and a person's.
"""

from fastapi import APIRouter
from pydantic import BaseModel, StrictStr

from daemon.api.errors import WireError
from daemon.client.schemas import status as schemas
from daemon.errors import DaemonError
from daemon.profiles import registry
from daemon.services import Services


class WantedProfile(BaseModel):
    """A profile, by its name."""

    name: StrictStr


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/profiles."""
    router = APIRouter(prefix="/tsubasa/profiles", tags=["daemon"])
    profiles, home = services.profiles, services.home

    @router.get("")
    async def list_profiles() -> schemas.Profiles:
        """The profiles of this home, the users that each is, and whether its daemon runs."""
        found = profiles.known.every
        return {
            "profiles": [
                {
                    "name": one.name,
                    "users": list(one.users),
                    "made_at": one.made_at,
                    "pid": profiles.pid(one.name),
                    "failure": profiles.failures.get(one.name),
                }
                for one in found
            ]
        }

    @router.post("/start")
    async def start(wanted: WantedProfile) -> schemas.ProfileStarted:
        """Start the daemon of a profile, unless it runs; it announces itself in the profile's home."""
        try:
            name = registry.find(home, wanted.name).name
        except DaemonError as error:
            raise WireError(404, str(error), code="profile_not_found", param="name") from error
        await profiles.served(name)
        return {"name": name, "pid": profiles.pid(name)}

    @router.post("/stop")
    async def stop(wanted: WantedProfile) -> schemas.ProfileStopped:
        """Stop the daemon of a profile, if it runs; whoever asks for it next starts it again."""
        was = profiles.pid(wanted.name) is not None
        await profiles.stop_one(wanted.name)
        return {"stopped": was}

    return router
