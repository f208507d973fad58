"""
What is kept, over HTTP: where, how large and how encrypted, what went over the network, and proof that nothing leaves.

The addresses of the proof are reserved for documentation and belong to nobody (RFC 5737, RFC 3849, RFC 6761): were the
refusal broken, nobody would be reached either.
"""

import asyncio
import os
import socket

from fastapi import APIRouter

from daemon.api.wire import to_json
from daemon.client.schemas import status as schemas
from daemon.diagnostics.storage import since, stored
from daemon.downloads.traffic_log import read_traffic
from daemon.errors import LeavesMachine
from daemon.services import Services
from store.statistics import sizes

NOBODY = (
    ("connect", "192.0.2.1"),
    ("connect", "2001:db8::1"),
    ("send", "192.0.2.1"),
    ("look up", "nobody.invalid"),
)
PATIENCE_S = 3.0


def routes(services: Services) -> APIRouter:
    """The routes /tsubasa/storage and /tsubasa/proof."""
    router = APIRouter(prefix="/tsubasa", tags=["daemon"])

    @router.get("/storage")
    async def storage() -> schemas.Storage:
        """Rows and bytes of each part of the store, the files of the home, encryption, bytes sent and received."""
        found = await asyncio.to_thread(stored, services.home)
        return to_json(
            schemas.Storage,
            found,
            since=await asyncio.to_thread(since, services.home),
            traffic=await asyncio.to_thread(read_traffic, services.home.path),
            store=await services.store_thread.run(sizes),
        )

    @router.post("/proof")
    async def prove() -> schemas.Proof:
        """The daemon tries to leave this machine, and says how it was refused."""
        tried = [await asyncio.to_thread(_try, what, host) for what, host in NOBODY]
        children = (services.engine.child, services.embedder.child)
        running = {child.name: child.pid for child in children if child.pid}
        return {"pid": os.getpid(), "children": running, "tried": tried}

    return router


def _try(what: str, host: str) -> schemas.WayOut:
    """One way out; refused only when it was this program that said no."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        if what == "look up":
            socket.getaddrinfo(host, 443)
        else:
            kind = socket.SOCK_STREAM if what == "connect" else socket.SOCK_DGRAM
            with socket.socket(family, kind) as opened:
                opened.settimeout(PATIENCE_S)
                opened.connect((host, 443)) if what == "connect" else opened.sendto(b"", (host, 443))
    except LeavesMachine as error:
        return {"what": what, "host": host, "refused": True, "how": str(error)}
    except OSError as error:  # the network refused, not we: no proof
        return {"what": what, "host": host, "refused": False, "how": error.strerror or str(error)}
    return {"what": what, "host": host, "refused": False, "how": "it went through"}
