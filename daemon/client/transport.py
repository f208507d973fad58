"""
The wire of our own client: one connection to one daemon, and what an answer means.

It talks to this machine only, through no proxy, and to nobody who doesn't know the key (`proven_connection.py`); an
answer that is none of ours is an error, never an empty one.
"""

import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import httpcore
import httpx

from daemon.client.calls import Call
from daemon.client.proven_connection import AsyncProvenBackend, ProvenBackend
from daemon.client.schemas.chats import Chunk
from daemon.errors import DaemonError, NotAnsweredYet, NotRunning, Refused

T = TypeVar("T")
POOL: Any = {"max_connections": 100, "max_keepalive_connections": 20, "keepalive_expiry": 5.0}
PATIENCE_S = 600.0  # a first answer may have to wait for a large model to load


class Connection:
    """What a blocking and an async connection to one daemon have in common."""

    def __init__(
        self, url: str, key: str, *, home: Path, patience_s: float = PATIENCE_S, shown: str = ""
    ) -> None:
        """
        Args:
            key: the owner's, by which the daemon proves itself.
            home: is only named in errors.
            patience_s: seconds that an answer is waited for.
            shown: the key of a program, which may do less, to ask with; "": the owner's.
        """
        self.url = url
        self.key = key
        self._home = home
        self._patience_s = patience_s
        self._settings: Any = {
            "base_url": url,
            "headers": {"authorization": f"Bearer {shown or key}"},
            "timeout": patience_s,
            "trust_env": False,
        }

    def _request(self, http: httpx.Client | httpx.AsyncClient, call: Call[Any]) -> httpx.Request:
        try:
            if call.body is None:
                return http.build_request("GET", call.path, params=dict(call.query))
            sent = json.dumps(dict(call.body))  # ASCII, for file names that are no UTF-8
            headers = {"content-type": "application/json"}
            return http.build_request(
                "POST", call.path, content=sent, headers=headers, timeout=self._longest_s(call)
            )
        except UnicodeEncodeError as error:
            raise _unaskable(call.what, "it holds bytes that are no text") from error
        except httpx.InvalidURL as error:
            raise _unaskable(call.what, "it is too long for one question") from error

    def _longest_s(self, call: Call[Any]) -> float:
        return max(self._patience_s, call.at_least_s)

    @contextmanager
    def _answered(self, patience_s: float | None = None) -> Iterator[None]:
        try:
            yield
        except httpx.ReadTimeout as error:
            raise NotAnsweredYet(self._home, patience_s or self._patience_s) from error
        except httpx.RequestError as error:
            raise NotRunning(self._home, f"{self.url} does not answer ({error})") from error


class BlockingConnection(Connection):
    """A connection for code that may wait; close it, or use it as a context."""

    def __init__(
        self, url: str, key: str, *, home: Path, patience_s: float = PATIENCE_S, shown: str = ""
    ) -> None:
        """As for `Connection`."""
        super().__init__(url, key, home=home, patience_s=patience_s, shown=shown)
        self._http = httpx.Client(**self._settings, transport=_Transport(key))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """The answer to one call."""
        with self._answered(self._longest_s(call)):
            return answer_to(call, self._http.send(self._request(self._http, call)))


class AsyncClient(Connection):
    """A connection for code on an event loop: the page. Close it."""

    def __init__(self, url: str, key: str, *, home: Path, patience_s: float = PATIENCE_S) -> None:
        """As for `Connection`."""
        super().__init__(url, key, home=home, patience_s=patience_s)
        self._http = httpx.AsyncClient(**self._settings, transport=_AsyncTransport(key))

    async def close(self) -> None:
        """Close the connection; questions under way fail."""
        await self._http.aclose()

    async def ask(self, call: Call[T]) -> T:
        """The answer; raises `Refused` with the daemon's words, `NotRunning` when none comes."""
        with self._answered(self._longest_s(call)):
            return answer_to(call, await self._http.send(self._request(self._http, call)))

    async def chunks(
        self, messages: Sequence[Mapping[str, str]], *, model: str = "tsubasa", again: bool = False
    ) -> AsyncGenerator[Chunk]:
        """As `Client.chunks`; leaving it early ends the answer."""
        asked = chat_request(messages, model, again=again)
        with self._answered():
            async with self._http.stream("POST", CHAT, **asked) as response:
                if not is_stream(response, "event-stream"):
                    await response.aread()
                    raise refused("the chat", response)
                async for line in response.aiter_lines():
                    if (chunk := chunk_in(line)) is not None:
                        yield chunk

    async def export(self) -> AsyncGenerator[bytes]:
        """As `Client.export`."""
        with self._answered():
            async with self._http.stream("GET", "/tsubasa/export") as response:
                if not is_stream(response, "ndjson"):
                    await response.aread()
                    raise refused("the export", response)
                async for piece in response.aiter_bytes():
                    yield piece


class _Transport(httpx.HTTPTransport):
    """httpx's own, with proven connections."""

    def __init__(self, key: str) -> None:
        super().__init__(verify=False, trust_env=False)  # plain HTTP: no certificates are loaded
        self._pool = httpcore.ConnectionPool(network_backend=ProvenBackend(key), **POOL)


class _AsyncTransport(httpx.AsyncHTTPTransport):
    """The same, on an event loop."""

    def __init__(self, key: str) -> None:
        super().__init__(verify=False, trust_env=False)  # plain HTTP: no certificates are loaded
        self._pool = httpcore.AsyncConnectionPool(network_backend=AsyncProvenBackend(key), **POOL)


CHAT = "/v1/chat/completions"


def chat_request(
    messages: Sequence[Mapping[str, str]], model: str, *, again: bool = False, **options: Any
) -> dict[str, Any]:
    """What httpx needs to ask for a streamed answer; `again`: another answer is wanted to the same question."""
    options = {"stream_options": {"include_usage": True}, **options}
    headers = {"x-stainless-retry-count": "1"} if again else {}  # how clients say so
    return {
        "json": {"model": model, "messages": list(messages), "stream": True, **options},
        "headers": headers,
    }


def chunk_in(line: str) -> Chunk | None:
    """The chunk in one line of a stream, if it has one; raises `Refused` where the daemon reports a failure."""
    if not line.startswith("data: ") or line == "data: [DONE]":
        return None
    try:
        chunk = json.loads(line.removeprefix("data: "))
    except (ValueError, RecursionError):
        chunk = None
    if not isinstance(chunk, dict):
        raise Refused("the chat", 200, "a line of the answer is none of ours")
    if "error" in chunk:
        error = chunk["error"]
        why = error.get("message") if isinstance(error, dict) else error
        raise Refused("the chat", 200, str(why))
    return cast(Chunk, chunk)


def answer_to(call: Call[T], response: httpx.Response) -> T:
    """What `response` answers; raises `Refused` when it is no answer of ours."""
    try:
        found = response.json() if response.is_success else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise refused(call.what, response)
    return cast(T, call.pick(found) if call.pick else found)


def is_stream(response: httpx.Response, kind: str) -> bool:
    """Whether it is an answer of this content type."""
    return response.is_success and kind in response.headers.get("content-type", "")


def refused(what: str, response: httpx.Response) -> Refused:
    """The error that a reply names, whatever it is."""
    try:
        message = response.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = "an answer that Tsubasa does not give; is another program on its port?"
    return Refused(what, response.status_code, message)


def _unaskable(what: str, why: str) -> DaemonError:
    return DaemonError(f"Can't ask for {what}: {why}. Type it again, as a few plain words.")
