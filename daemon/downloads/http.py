"""
The one way out of this machine: asks a server for a file, and counts each byte that leaves and comes.

Promises: only hosts that are allowed are ever asked, whatever a server answers; nothing is asked without TLS but this
machine itself, or what a checksum will prove; no cookie, token or name of this machine is sent. Knows nothing of
models or files; HTTP's second door beside `daemon.client`.
"""

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from daemon.downloads.errors import AddressRefused, Answered, LedElsewhere, Unreachable
from daemon.downloads.traffic_log import Ledger

HUB_DOMAINS = ("huggingface.co", "hf.co")  # the hub and the stores of its own that it sends downloads to
MOST_HOPS = 6
STRETCH = 64 << 20  # bytes after which the ledger is written
PATIENCE = httpx.Timeout(30.0, connect=15.0)  # seconds without a byte
SAYS = {"user-agent": "tsubasa", "accept-encoding": "identity", "accept": "*/*"}


class Cut(Exception):
    """The connection broke; `resumable.py` decides whether to go on. The text says how."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose body is still to be read."""

    status: int
    headers: Mapping[str, str]  # names in lower case; of all hops, the later ones count
    pieces: Iterator[bytes]  # raises `Cut`
    host: str


class Wire:
    """Asks for files. `hosts` are allowed beside the first address's own; all is noted in `ledger`."""

    def __init__(self, ledger: Ledger, *, hosts: Collection[str] = (), why: str = "model") -> None:
        self._ledger, self._why = ledger, why
        self._hosts = frozenset(host.casefold() for host in hosts)

    @contextmanager
    def get(self, url: str, *, start: int = 0, condition: str = "", proven: bool = False) -> Iterator[Answer]:
        """
        The answer to a request for `url`, from byte `start` on, redirects followed.

        Args:
            condition: the ETag that the file must still have for `start` to count.
            proven: a checksum will be compared, so that a way without TLS will do.

        Raises:
            AddressRefused, LedElsewhere: nothing was asked there.
            Unreachable: there is no connection to be had.
            Answered: a refusal.
            Cut: it broke before the answer was there.
        """
        first = url
        gathered: dict[str, str] = {}
        asked = {**SAYS, **({"range": f"bytes={start}-"} if start else {})}
        if start and condition:
            asked["if-range"] = condition
        for _ in range(MOST_HOPS):
            _check_safe(url, proven)
            with self._one(url, asked) as answer:
                # A redirect of the hub tells size and checksum; the store that it leads to does not know them.
                linked = {name: text for name, text in answer.headers.items() if name.startswith("x-linked-")}
                gathered |= linked if _is_at_home(first, url) else {}
                if answer.status not in (301, 302, 303, 307, 308):
                    if answer.status >= 400 and answer.status != 416:
                        raise Answered(_without_query(url), answer.status)
                    headers = {n: v for n, v in answer.headers.items() if not n.startswith("x-linked-")}
                    yield Answer(answer.status, headers | gathered, answer.pieces, answer.host)
                    return
                target = urljoin(url, answer.headers.get("location", ""))
            check_hop(url, target)
            if not may_follow(first, target, self._hosts):
                raise LedElsewhere(_host(url), _host(target) or target)
            url = target
        raise AddressRefused(_without_query(first), "it leads round in circles", "Check the address.")

    @contextmanager
    def _one(self, url: str, asked: Mapping[str, str]) -> Iterator[Answer]:
        """One request to one host."""
        host, counted = _host(url), {"sent": 0, "received": 0}

        def note() -> None:
            self._ledger.add(host, self._why, **counted)
            counted.update(sent=0, received=0)

        def pieces(response: httpx.Response) -> Iterator[bytes]:
            try:
                for piece in response.iter_raw():
                    counted["received"] += len(piece)
                    if counted["received"] >= STRETCH:
                        note()
                    yield piece
            except httpx.TransportError as error:
                raise Cut(_reason(error)) from error

        with httpx.Client(timeout=PATIENCE, trust_env=not _is_local(host)) as client:
            try:
                request = client.build_request("GET", url)
                request.headers = httpx.Headers({"host": request.headers["host"], **asked})
                counted["sent"] += len(f"GET {request.url.raw_path.decode()} HTTP/1.1\r\n\r\n")
                counted["sent"] += _length(request.headers)
                response = client.send(request, stream=True)
                counted["received"] += len("HTTP/1.1 200 \r\n\r\n" + response.reason_phrase) + _length(
                    response.headers
                )
            except httpx.ConnectError as error:
                raise Unreachable(host, _reason(error)) from error
            except httpx.ConnectTimeout as error:
                raise Unreachable(host, "it does not answer") from error
            except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:  # or no host's name
                raise AddressRefused(_without_query(url), str(error), "Check the address.") from error
            except httpx.TransportError as error:
                note()
                raise Cut(_reason(error)) from error
            try:
                yield Answer(response.status_code, dict(response.headers), pieces(response), host)
            finally:
                response.close()
                note()


def may_follow(first: str, target: str, hosts: Collection[str] = ()) -> bool:
    """Whether a download that began at `first` may go on at `target`."""
    host = _host(target)
    if not host or (urlsplit(first).scheme == "https" and urlsplit(target).scheme != "https"):
        return False
    return _is_at_home(first, target) or host in hosts or (_is_hub(_host(first)) and _is_hub(host))


def check_hop(url: str, target: str) -> None:
    """Raise `AddressRefused` where naming a host would not help: the way from `url` leads off the web, or off TLS."""
    parts = urlsplit(target) if _host(target) else None
    if parts is None or parts.scheme not in ("https", "http"):
        why = f"{_host(url)} leads there, and it is no web address"
    elif parts.scheme == "http" and urlsplit(url).scheme == "https":
        why = f"{_host(url)} leads there, from TLS to none, where anybody on the way can put another file in its place"
    else:
        return
    raise AddressRefused(repr(_without_query(target)[:200]), why, "Take another address of the file.")


def _check_safe(url: str, proven: bool) -> None:
    if urlsplit(url).scheme == "https" or proven or _is_local(_host(url)):
        return
    why = "without TLS anybody on the way can put another file in its place"
    raise AddressRefused(_without_query(url), why, "Use https://, or prove the file: --sha256 …")


def _is_at_home(first: str, url: str) -> bool:
    return _host(first) == _host(url)


def _is_hub(host: str) -> bool:
    return any(host == domain or host.endswith("." + domain) for domain in HUB_DOMAINS)


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").casefold()
    except ValueError:
        return ""


def _without_query(url: str) -> str:
    """An address as it may be shown: a signed one holds a key behind the question mark."""
    return url.split("?", 1)[0]


def _length(headers: httpx.Headers) -> int:
    return sum(len(name) + len(value) + len(": \r\n") for name, value in headers.raw)


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
