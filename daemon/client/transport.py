"""
The wire of our own client: one connection to one daemon, and what an answer means.

Promises: talks to this machine only, through no proxy; an answer that is none of ours is an error, never an empty one.
Knows nothing of what is asked: `client.py` does.
"""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import httpx

from daemon.errors import DaemonError, NotAnsweredYet, NotRunning, Refused

PATIENCE_S = 600.0  # a first answer may have to wait for a large model to load


class Wire:
    """A connection to one daemon."""

    def __init__(self, url: str, key: str, *, home: Path, patience_s: float = PATIENCE_S) -> None:
        """`home` is only named in errors; an answer is waited for `patience_s` seconds."""
        self.url = url
        self.key = key
        self._home = home
        self._patience_s = patience_s
        self._lines: list[socket.socket] = []  # on which an answer streams
        self._http = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=patience_s, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def cut(self) -> None:
        """Break off the answer that is under way, from any thread; whoever reads it hears `NotRunning`."""
        for line in self._lines:
            with suppress(OSError):  # it is over already
                line.shutdown(socket.SHUT_RDWR)

    def _connected(self, event: str, told: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self._lines.append(told["return_value"].get_extra_info("socket"))

    def _get(self, what: str, path: str, **query: object) -> dict[str, Any]:
        asked = {name: str(value) for name, value in query.items() if value is not None}
        try:
            request = self._http.build_request("GET", path, params=asked)
        except UnicodeEncodeError as error:
            raise _unaskable(what, "it holds bytes that are no text") from error
        except httpx.InvalidURL as error:
            raise _unaskable(what, "it is too long for one question") from error
        with self._answered():
            return _read(what, self._http.send(request))

    def _post(
        self, what: str, path: str, body: Mapping[str, Any], *, at_least_s: float = 0.0
    ) -> dict[str, Any]:
        patience_s = max(self._patience_s, at_least_s)
        with self._answered(patience_s):
            sent = json.dumps(dict(body))  # ASCII, for file names that are no UTF-8
            headers = {"content-type": "application/json"}
            return _read(what, self._http.post(path, content=sent, headers=headers, timeout=patience_s))

    @contextmanager
    def _answered(self, patience_s: float | None = None) -> Iterator[None]:
        try:
            yield
        except httpx.ReadTimeout as error:
            raise NotAnsweredYet(self._home, patience_s or self._patience_s) from error
        except httpx.RequestError as error:
            raise NotRunning(self._home, f"{self.url} does not answer ({error})") from error


def _read(what: str, response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json() if response.is_success else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise refused(what, response)
    return found


def refused(what: str, response: httpx.Response) -> Refused:
    """The error that a reply tells, whatever it is."""
    try:
        message = response.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = "an answer that Tsubasa does not give; is another program on its port?"
    return Refused(what, response.status_code, message)


def _unaskable(what: str, why: str) -> DaemonError:
    return DaemonError(f"Can't ask for {what}: {why}. Type it again, as a few plain words.")
