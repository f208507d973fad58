"""
Connections to a daemon that has proved, before anything else is said, that it knows the key.

    connect ──> GET /tsubasa/identity/<random> ──> HMAC(key, random, address of its socket) ──> the connection is used

After a crash the port is free for any program of this machine: it would be told the key and what was typed. The
address in the proof keeps it from having a daemon on another port prove for it. Every new connection is proved.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Any

import h11
import httpcore

PATH = "/tsubasa/identity/"
LONGEST = 4096  # bytes of the answer to a challenge
LONGEST_S = 30.0  # that the answer may take


class NotOurs(httpcore.ConnectError):
    """Who listens there can't prove that it knows the key; nothing was told to it."""

    def __init__(self) -> None:
        super().__init__(
            "another program listens there, or a daemon with another key, so nothing was told to it"
        )


class Silent(httpcore.ConnectTimeout):
    """Who listens there says nothing; nothing was told to it."""

    def __init__(self) -> None:
        super().__init__("who listens there proves nothing and says nothing, so nothing was told to it")


def proof(key: str, challenge: str, host: str, port: int) -> str:
    """What a daemon answers whose socket is at this numeric address: 64 hexadecimal digits."""
    said = f"tsubasa identity\n{challenge}\n{host}\n{port}"
    return hmac.new(key.encode(), said.encode(), hashlib.sha256).hexdigest()


class _Challenge:
    """One question to one new connection: send `request`, then `take` what comes until it is True."""

    def __init__(self, key: str, address: Any) -> None:
        host, port = address[:2]
        challenge = secrets.token_hex(16)
        self._expected = proof(key, challenge, host, port)
        self._wire = h11.Connection(h11.CLIENT)
        name = f"[{host}]" if ":" in host else host
        asked = h11.Request(method="GET", target=PATH + challenge, headers=[("host", f"{name}:{port}")])
        self.request = (self._wire.send(asked) or b"") + (self._wire.send(h11.EndOfMessage()) or b"")
        self._answer = b""

    def take(self, data: bytes) -> bool:
        """Whether the proof is whole; raises `NotOurs` when it can be none."""
        try:
            self._wire.receive_data(data)
            while not isinstance(event := self._wire.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    return False
                if isinstance(event, h11.Data):
                    self._answer += event.data
                if isinstance(event, h11.ConnectionClosed | h11.PAUSED) or len(self._answer) > LONGEST:
                    raise NotOurs
        except h11.RemoteProtocolError as error:
            raise NotOurs from error
        shown = re.fullmatch(rb'\{"proof":"([0-9a-f]{64})"\}', self._answer)
        if shown is None or not hmac.compare_digest(shown[1].decode(), self._expected):
            raise NotOurs
        return True


class ProvenBackend(httpcore.NetworkBackend):
    """Opens connections for `httpcore.ConnectionPool`, each proved before it is handed out."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._open = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to our daemon; raises `NotOurs`, `Silent`, and as httpcore does."""
        longest = LONGEST_S if timeout is None else min(timeout, LONGEST_S)
        stream = self._open.connect_tcp(host, port, timeout, local_address, socket_options)
        try:
            challenge = _Challenge(self._key, stream.get_extra_info("server_addr"))
            stream.write(challenge.request, longest)
            while not challenge.take(stream.read(LONGEST, longest)):
                pass
        except httpcore.ReadTimeout as error:
            stream.close()
            raise Silent from error
        except BaseException:
            stream.close()
            raise
        return stream


class AsyncProvenBackend(httpcore.AsyncNetworkBackend):
    """As `ProvenBackend`, on an event loop."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._open = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to our daemon; raises `NotOurs`, `Silent`, and as httpcore does."""
        longest = LONGEST_S if timeout is None else min(timeout, LONGEST_S)
        stream = await self._open.connect_tcp(host, port, timeout, local_address, socket_options)
        try:
            challenge = _Challenge(self._key, stream.get_extra_info("server_addr"))
            await stream.write(challenge.request, longest)
            while not challenge.take(await stream.read(LONGEST, longest)):
                pass
        except httpcore.ReadTimeout as error:
            await stream.aclose()
            raise Silent from error
        except BaseException:
            await stream.aclose()
            raise
        return stream
