"""A program that has taken a daemon's port."""

import socket
import threading
from contextlib import suppress


class Listener:
    """A program that has taken the port: it answers as `answer` says, and keeps all that it is told."""

    def __init__(self, answer, port=0):
        self.told = b""
        self._answer = answer
        self._server = socket.create_server(("127.0.0.1", port), reuse_port=False)
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                with connection, suppress(OSError):
                    connection.settimeout(5)
                    while piece := connection.recv(65536):
                        self.told += piece
                        connection.sendall(self._answer(piece))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)


def fixed(answer):
    """Always the same answer, as JSON."""
    return lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(answer), answer)
