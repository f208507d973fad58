"""
Take the daemon's port. Alone in its file, for it is done before the web server is loaded, which takes much longer.
"""

import errno
import socket

from daemon.errors import DaemonError, PortInUse


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
