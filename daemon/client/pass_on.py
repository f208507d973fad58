"""
Pass a request on, as it is, to the daemon of a profile: only once that has proved that it knows the profile's key.

Each request has a connection of its own. So none is written into one that is just being closed, and what failed before
the proof can be asked again: nothing was told.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpcore

from daemon.client.proven_connection import AsyncProvenBackend
from daemon.errors import DaemonError

Headers = list[tuple[bytes, bytes]]
CONNECT_S = 30.0
OURS = frozenset(  # what belongs to one connection, and what the main daemon has checked in its own place
    b"host connection keep-alive proxy-connection te trailer transfer-encoding upgrade expect content-length date "
    b"authorization x-api-key cookie set-cookie origin sec-fetch-site sec-fetch-mode sec-fetch-dest server".split()
)


class NotReached(DaemonError):
    """Nobody who knows the key listens there; nothing was told."""


class BrokenOff(DaemonError):
    """It went away before its answer was whole."""


@dataclass(frozen=True, slots=True)
class Passed:
    """An answer on its way back."""

    status: int
    headers: Headers
    pieces: AsyncIterator[bytes]  # raises `BrokenOff`


@asynccontextmanager
async def pass_on(
    url: str, key: str, *, method: str, target: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes
) -> AsyncGenerator[Passed]:
    """
    Ask the daemon at `url`; leaving the block closes the connection, and with it the answer.

    Args:
        target: path and query, as they are to be asked for.

    Raises:
        NotReached, BrokenOff
    """
    asked = [*without_ours(headers), (b"authorization", b"Bearer " + key.encode())]
    where = httpcore.URL(url)
    place = httpcore.URL(scheme=where.scheme, host=where.host, port=where.port, target=target)
    backend = AsyncProvenBackend(key)
    async with httpcore.AsyncConnectionPool(network_backend=backend, max_keepalive_connections=0) as pool:
        try:
            async with pool.stream(
                method,
                place,
                headers=asked,
                content=body or None,
                extensions={"timeout": {"connect": CONNECT_S}},
            ) as answer:
                yield Passed(answer.status, without_ours(answer.headers), _pieces(answer))
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise NotReached(f"it does not answer ({error})") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise _broken_off() from error


def without_ours(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers that go on to the other side."""
    lower = ((name.lower(), value) for name, value in headers)
    return [(name, value) for name, value in lower if name not in OURS]


async def _pieces(answer: httpcore.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_stream():
            yield piece
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        raise _broken_off() from error


def _broken_off() -> BrokenOff:
    return BrokenOff("its process ended in the middle of the answer; it is started again on the next request")
