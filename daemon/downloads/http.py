"""
The one way out of this machine: an HTTP client that asks allowed hosts only and counts each byte.

    hub.py (huggingface_hub) ──┐
                               ├──> client ──> Guard: host? TLS? plain headers? ──> network, counted in network.jsonl
    pull.py (the file)       ──┘

`Guard` sees every request, also each hop of a redirect and those of the library. No cookie, token or name of this
machine passes it, and nothing but GET and HEAD.
"""

import ipaddress
import ssl
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from daemon.downloads.errors import PullError, Unreachable, address_refused
from daemon.downloads.traffic_log import TrafficLog

HUB_DOMAINS = ("huggingface.co", "hf.co")  # the hub and the stores of its own that it sends downloads to
MOST_REDIRECTS = 5
STRETCH = 64 << 20  # bytes after which the traffic log is written
TIMEOUT = httpx2.Timeout(30.0, connect=15.0)  # seconds without a byte
HEADERS = {"user-agent": "tsubasa", "accept-encoding": "identity", "accept": "*/*"}
REFUSALS = {
    400: "it does not send the file. Check the address.",
    401: "it wants a sign-in. Fetch the file with a browser, then: tsubasa pull FILE.gguf",
    403: "it wants a sign-in. Fetch the file with a browser, then: tsubasa pull FILE.gguf",
    404: "there is no such file. Check the name; `tsubasa pull --list` shows known models.",
    410: "there is no such file. Check the name; `tsubasa pull --list` shows known models.",
    429: "too many requests. Try again in some minutes; what came so far is kept.",
    500: "it has trouble of its own. Try again later; what came so far is kept.",
}
NOT_TAKEN = ("content-encoding", "set-cookie")  # of the headers of an answer: it is never unpacked
PASSED_ON = ("host", "range", "if-range")  # of the headers that a caller sets


@dataclass(kw_only=True)
class Guard(httpx2.BaseTransport):
    """Checks, strips and counts what one download sends and receives."""

    first: str  # the address that the user named; its host is allowed
    log: TrafficLog
    hosts: Collection[str] = ()  # allowed besides
    proven: bool = False  # a checksum will be compared, so that a way without TLS will do
    most_bytes: int | None = None  # of one answer, a list of files; None: any number
    _last: str = ""
    _transports: dict[str | None, httpx2.HTTPTransport] = field(default_factory=dict)  # by proxy

    def client(self) -> httpx2.Client:
        """
        A client whose requests all pass this guard.

        They raise `PullError` where an address or the server refuses, `Unreachable` where there is no connection, and
        `httpx2.TransportError` when it broke.
        """
        return httpx2.Client(
            transport=self,
            follow_redirects=True,
            max_redirects=MOST_REDIRECTS,
            trust_env=False,
            event_hooks={"response": [_check_status]},
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Ask one host once, if it may be asked."""
        url = str(request.url)
        check_hop(self.first, self._last or self.first, url, self.hosts)
        if request.method not in ("GET", "HEAD"):
            raise address_refused(
                without_query(url), "a download sends nothing", "Tell us how it came to that."
            )
        if urlsplit(url).scheme != "https" and not self.proven and not _is_this_machine(host_of(url)):
            why = "without TLS anybody on the way can put another file in its place"
            raise address_refused(without_query(url), why, "Use https://, or prove the file: --sha256 …")
        self._last = url
        kept = {name: value for name, value in request.headers.items() if name in PASSED_ON}
        request.headers = httpx2.Headers({**kept, **HEADERS})
        request.extensions["timeout"] = TIMEOUT.as_dict()
        return self._counted(request, host_of(url))

    def close(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            transport.close()

    def _counted(self, request: httpx2.Request, host: str) -> httpx2.Response:
        proxy = _proxy(request.url)
        if proxy not in self._transports:
            self._transports[proxy] = httpx2.HTTPTransport(verify=_tls_context(), proxy=proxy)
        target = request.url.raw_path.decode()
        sent = len(f"{request.method} {target} HTTP/1.1\r\n\r\n") + _length(request.headers)
        try:
            answer = self._transports[proxy].handle_request(request)
        except (httpx2.ConnectError, UnicodeError) as error:  # or no host's name
            raise Unreachable(host, reason(error)) from error
        except httpx2.ConnectTimeout as error:
            raise Unreachable(host, "it does not answer") from error
        except httpx2.TransportError:
            self.log.add(host, "model", sent=sent, received=0)
            raise
        phrase = answer.extensions.get("reason_phrase", b"")
        received = len(b"HTTP/1.1 200 \r\n\r\n" + phrase) + _length(answer.headers)
        self.log.add(host, "model", sent=sent, received=received)
        headers = [(name, value) for name, value in answer.headers.multi_items() if name not in NOT_TAKEN]
        body = _CountedBody(answer, partial(self.log.add, host, "model", sent=0), self.most_bytes)
        return httpx2.Response(answer.status_code, headers=headers, stream=body, extensions=answer.extensions)


class _CountedBody(httpx2.SyncByteStream):
    """The bytes of an answer, noted as they come."""

    def __init__(self, answer: httpx2.Response, note: Callable[..., None], most_bytes: int | None) -> None:
        assert isinstance(answer.stream, httpx2.SyncByteStream)  # of a transport that is not async
        self._stream, self._note, self._most_bytes = answer.stream, note, most_bytes
        self._all = self._noted = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            self._all += len(piece)
            if self._all - self._noted >= STRETCH:
                self._note_rest()
            if self._most_bytes is not None and self._all > self._most_bytes:
                raise PullError(
                    "The hub's list of files has no end. Name the file: OWNER/REPOSITORY/FILE.gguf"
                )
            yield piece

    def close(self) -> None:
        self._note_rest()
        self._stream.close()

    def _note_rest(self) -> None:
        if self._all > self._noted:
            self._note(received=self._all - self._noted)
            self._noted = self._all


def check_hop(first: str, last: str, url: str, hosts: Collection[str] = ()) -> None:
    """
    Raise `PullError` unless a download that began at `first` may go from `last` on to `url`.

    Allowed are the host that was named, `hosts`, and from the hub to stores of its own; never from TLS to none.
    """
    host = host_of(url)
    if not host or urlsplit(url).scheme not in ("https", "http"):
        why = f"{host_of(last)} leads there, and it is no web address"
    elif urlsplit(first).scheme == "https" and urlsplit(url).scheme != "https":
        why = f"{host_of(last)} leads there, from TLS to none, where anybody on the way can change the file"
    elif host == host_of(first) or host in hosts or (_is_hub(host_of(first)) and _is_hub(host)):
        return
    else:
        raise PullError(
            f"{host_of(last)} sends the download on to {host}, which you did not name; nothing was asked there. "
            f"If that is right, add: --host {host}"
        )
    raise address_refused(repr(without_query(url)[:200]), why, "Take another address of the file.")


def host_of(url: str) -> str:
    """The host of an address; "" where there is none."""
    try:
        return (urlsplit(url).hostname or "").casefold()
    except ValueError:
        return ""


def without_query(url: str) -> str:
    """An address as it may be shown: a signed one has a key behind the question mark."""
    return url.split("?", 1)[0]


def reason(error: Exception) -> str:
    """The first line of what a library says of an error."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _is_hub(host: str) -> bool:
    return any(host == domain or host.endswith("." + domain) for domain in HUB_DOMAINS)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@cache
def _tls_context() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def _proxy(url: httpx2.URL) -> str | None:
    """The proxy that the user's environment names for an address."""
    if _is_this_machine(url.host) or proxy_bypass(url.host):
        return None
    found = getproxies().get(url.scheme) or getproxies().get("all")
    return found if not found or "://" in found else f"http://{found}"


def _length(headers: httpx2.Headers) -> int:
    return sum(len(name) + len(value) + len(": \r\n") for name, value in headers.raw)


def _check_status(response: httpx2.Response) -> None:
    status = response.status_code
    if status >= 400 and status != 416:
        kind = status if status in REFUSALS else 500 if status >= 500 else 400
        url = without_query(str(response.request.url))
        raise PullError(f"{url} answered {status}: {REFUSALS[kind]}")
