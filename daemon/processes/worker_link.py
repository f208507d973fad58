"""
The child's end of the connection: read commands, send answers, and never outlive the daemon.

The process ends when the daemon does, in the middle of whatever it is doing: at the end of file on
the socket (every system) and by PR_SET_PDEATHSIG (Linux).
"""

import argparse
import ctypes
import os
import queue
import signal
import socket
import sys
import threading
from typing import Any

from daemon.processes import framing
from daemon.processes.errors import ChildError
from daemon.processes.framing import Frame
from daemon.sandbox.memory_guard import forbid_dumps

_PR_SET_PDEATHSIG = 1


class ParentLink:
    """The connection to the daemon. Commands come through `next`, read by a thread of its own."""

    def __init__(self, connection: socket.socket) -> None:
        self._reader = connection.makefile("rb")
        self._connection = connection
        self._sending = threading.Lock()
        self._commands: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="parent", daemon=True).start()

    def next(self, *, wait: bool) -> Frame | None:
        """The next command; without `wait`, None when none has come."""
        try:
            return self._commands.get(block=wait)
        except queue.Empty:
            return None

    def reply(self, number: int, *, kind: str = "reply", blob: bytes = b"", **fields: Any) -> None:
        """Answer command `number`; `kind` is reply, ready, piece, end or error."""
        data = framing.pack({**fields, "id": number, "type": kind}, blob)
        try:
            with self._sending:
                self._connection.sendall(data)
        except OSError:
            _leave()

    def refuse(self, number: int, error: ChildError) -> None:
        """Answer command `number` with an error."""
        fields = dict(error.fields)
        self.reply(number, kind="error", code=type(error).__name__, message=str(error), fields=fields)

    def _read(self) -> None:
        while (frame := framing.receive_blocking(self._reader)) is not None:
            self._commands.put(frame)
        _leave()


def open_link(argv: list[str] | None = None) -> ParentLink:
    """Take the socket that the daemon gave us on the command line, and bind our life to the daemon's."""
    parser = argparse.ArgumentParser(description="A child process of the daemon; not to be started by hand.")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    arguments = parser.parse_args(argv)
    forbid_dumps()
    _die_with(arguments.parent)
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C goes to the whole group; the daemon says when to end
    return ParentLink(socket.socket(fileno=arguments.fd))


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we could ask for the signal
        _leave()


def _leave() -> None:
    os._exit(0)  # no clean-up: the main thread may be deep inside a model
