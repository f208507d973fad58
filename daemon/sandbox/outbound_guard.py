"""
Keep this process on this machine: Python code (ours, or a library's) that asks for a connection elsewhere is refused.

From `install()` on nothing in the process connects, sends or looks up a name beyond this machine. Nothing can take the
refusal back: it is an audit hook. Native code (llama.cpp, SQLite) gets around it; see `run_module.py` for that.
"""

import ipaddress
import sys
from typing import Any

from daemon.errors import LeavesMachine

_installed = False
LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")
NAMES = ("localhost", "ip6-localhost", "localhost.localdomain")


def install() -> None:
    """Refuse all ways out of this machine, for as long as the process lives."""
    global _installed
    if not _installed:
        sys.addaudithook(_refuse)
        _installed = True


def is_local(host: object) -> bool:
    """Whether a host is this machine itself; None and "" stand for it when a server listens."""
    if host is None or host in ("", b""):
        return True
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    try:
        address = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return text.casefold() in NAMES
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        # Internet addresses are tuples that begin with a text; Unix sockets are texts, netlink's are numbers.
        if (
            isinstance(address, tuple)
            and address
            and isinstance(address[0], str | bytes)
            and not is_local(address[0])
        ):
            raise LeavesMachine(str(address[0]))
    elif event in LOOKUPS:
        host = arguments[0][0] if event == "socket.getnameinfo" else arguments[0]
        if not is_local(host):
            raise LeavesMachine(str(host))
