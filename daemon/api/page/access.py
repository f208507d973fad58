"""
The part of the gate that is about the page: which paths are its own, and who may enter them.

Promises: the cookie opens the page's paths and nothing else; a page of another site, or of another port of
this machine, gets no socket and no upload; whoever is not signed in hears what to type. Knows nothing of keys.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response

from daemon.api.errors import WireError
from daemon.api.page.plain_page import plain_page
from daemon.api.page.sessions import Visitors

SIGN_IN = "/sign-in/"
ROOMS = ("/", "/memories", "/nights", "/inbox", "/privacy")
BELOW = ("/_nicegui/", "/_nicegui_ws/", "/page/")  # scripts, the socket, our own style and fonts
SOCKET = "/_nicegui_ws/"
UPLOAD = "/_nicegui/client/"
READING = ("GET", "HEAD")


class SignedOut(WireError):
    """A browser that did not come through a link; it is told how to get one."""

    def __init__(self) -> None:
        super().__init__(
            401,
            "This browser is not signed in. Type `tsubasa open`, or choose Open in the tray's menu.",
            type="authentication_error",
            code="signed_out",
        )

    def response(self) -> Response:
        """A page that a person can read."""
        return plain_page(
            "This page is yours alone",
            "It opens with a link that works once. Get one in a terminal:",
            code="tsubasa open",
            after="or from the tray's menu: Open. The link signs this browser in for 30 days.",
            status=self.status,
        )


def is_page(path: str) -> bool:
    """Whether `path` is the page's, so that the cookie counts and the key is not asked for."""
    return path in ROOMS or path == "/sign-out" or path.startswith(BELOW)


def check_visitor(path: str, method: str, headers: Headers, visitors: Visitors) -> None:
    """Raise unless a signed-in browser asks, and from the page itself where it changes something."""
    if not is_signed_in(headers, visitors):
        raise SignedOut()
    if method in READING:
        return
    if not (method == "POST" and path.startswith(UPLOAD)):
        raise WireError(405, f"{method} is not possible here.", code="method_not_allowed")
    if not is_same_origin(headers):
        raise WireError(403, "Only the page itself may send files (Origin header).", code="origin_refused")


def check_length(headers: Headers, most: int) -> None:
    """Raise a 413 unless a file of at most `most` bytes is announced; the server reads no more than that."""
    length = headers.get("content-length", "")
    in_pieces = "transfer-encoding" in headers  # then the length counts for nothing
    if in_pieces or not length.isdigit() or int(length) > most:
        raise WireError(
            413,
            f"The file is larger than {most:,} bytes. Send a smaller one, or raise max_import_mb in config.toml.",
            code="request_too_large",
        )


def may_talk(path: str, headers: Headers, visitors: Visitors) -> bool:
    """Whether a socket may be opened: by a signed-in browser, and by our page in it."""
    return path.startswith(SOCKET) and is_same_origin(headers) and is_signed_in(headers, visitors)


def is_same_origin(headers: Headers) -> bool:
    """Whether the request comes from a page of the very host and port it goes to."""
    origins, host = headers.getlist("origin"), headers.get("host", "")
    return len(origins) == 1 and origins[0] in (f"http://{host}", f"https://{host}")


def cookie_name(host: str) -> str:
    """The name of our cookie; with the port, for browsers send cookies to all ports of a host."""
    return f"tsubasa_{urlsplit('//' + host).port or 80}"


def is_signed_in(headers: Headers, visitors: Visitors) -> bool:
    """
    Whether the browser shows a cookie of ours.

    Browsers send the cookies of every program of this machine to all of its ports, and not all of those are well
    formed: each is looked at by itself, so that none hides ours.
    """
    wanted = cookie_name(headers.get("host", ""))
    named = [one.partition("=") for sent in headers.getlist("cookie") for one in sent.split(";")]
    return any(visitors.is_ours(value.strip()) for name, _, value in named if name.strip() == wanted)
