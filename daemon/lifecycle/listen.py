"""
Take the daemon's port. Alone in its file, for it is done before the web server is loaded, which takes much longer.
"""

import errno
import logging
import socket
from contextlib import suppress

from daemon.errors import DaemonError, PortInUse

log = logging.getLogger(__name__)
BOTH = {
    "127.0.0.1": "::1",
    "localhost": "::1",
    "::1": "127.0.0.1",
}  # an address of this machine, and its other one


def listen_on_both(host: str, port: int) -> list[socket.socket]:
    """
    Sockets that listen on both loopback addresses, `host` first: "localhost" is one or the other for a client.

    Where the machine has no IPv6, or another program has that port there, the other one is left out.

    Raises:
        PortInUse, DaemonError: as `listen`, for `host`.
    """
    first = listen(host, port)
    sockets = [first]
    if other := BOTH.get(host):
        with suppress(DaemonError, OSError):  # a machine without IPv6 has no such socket
            sockets.append(listen(other, first.getsockname()[1]))
    if len(sockets) == 1:
        log.info("Listening on %s alone: %s has no free port of that number.", host, BOTH.get(host))
    return sockets


def listen(host: str, port: int) -> socket.socket:
    """
    A socket that listens; port 0 picks a free one.

    Raises:
        PortInUse: another program has the port.
        DaemonError: the system refuses it for another reason.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    tcp = socket.IPPROTO_TCP  # named, for asyncio sets TCP_NODELAY only where the socket says so
    opened = socket.socket(family, socket.SOCK_STREAM, tcp)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((host, port))
        opened.listen(128)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(host, port) from error
        why = error.strerror or str(error)
        raise DaemonError(
            f"Can't listen on {host} port {port}: {why}. Set TSUBASA_PORT to another port."
        ) from error
    return opened
