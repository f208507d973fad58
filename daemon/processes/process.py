"""
One life of one child process: its start, its conversation with us, its end.

Whatever waits for an answer when the process ends gets `ChildCrashed` (or `ChildStopped`) at once;
the child's own output goes line by line into the log. `supervisor.py` decides when a new life begins.
"""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import daemon
from daemon.processes import framing
from daemon.processes.errors import (
    ChildCrashed,
    ChildError,
    ChildRefused,
    ChildStopped,
    ChildTooSlow,
    FrameBroken,
)
from daemon.processes.framing import Frame
from daemon.sandbox import telemetry

HELLO = 0  # id of the handshake
ENDING_S = 2.0  # how long a child may take to leave by itself


class ChildProcess:
    """A running child. Made by `start`, which returns when the child has answered the handshake."""

    def __init__(
        self,
        name: str,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.name = name
        self.ready: dict[str, Any] = {}  # what the child said at the handshake
        self.end: ChildError | None = None  # why the process ended; None while it lives
        self._process = process
        self._reader, self._writer = reader, writer
        self._waiting: dict[int, asyncio.Queue[Frame | ChildError]] = {}
        self._next_id = HELLO
        self._last_words = ""
        self._stopping = False
        self._tasks = [asyncio.create_task(self._log()), asyncio.create_task(self._listen())]

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self.end is None

    async def call(self, op: str, blob: bytes, fields: dict[str, Any]) -> Frame:
        """Send one command and wait for its one answer."""
        number = self._ask(op, blob, fields)
        try:
            return await self._answer(number)
        finally:
            self._forget(number)

    async def stream(
        self, op: str, blob: bytes, fields: dict[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Send one command and yield its pieces; leaving early tells the child to cancel."""
        number = self._ask(op, blob, fields)
        try:
            while (frame := await self._answer(number)).header["type"] != "end":
                yield frame.header
        finally:
            self._forget(number)

    async def greet(self, hello: dict[str, Any], timeout_s: float) -> None:
        """The handshake: tell the child what to be, wait until it is ready."""
        self._waiting[HELLO] = asyncio.Queue()
        self._send({"id": HELLO, "op": "hello", **hello})
        try:
            async with asyncio.timeout(timeout_s):
                self.ready = (await self._answer(HELLO)).header
        except TimeoutError as error:
            raise ChildTooSlow(self.name, timeout_s) from error
        finally:
            self._waiting.pop(HELLO, None)

    async def stop(self) -> None:
        """Close the connection, on which the child leaves; it is killed when it does not."""
        self._stopping = True
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
        await self.ended()

    async def ended(self) -> None:
        """Wait until the process is gone and its last words are in the log."""
        await asyncio.wait(self._tasks)

    def _ask(self, op: str, blob: bytes, fields: dict[str, Any]) -> int:
        if self.end is not None:
            raise self.end.with_traceback(None)
        self._next_id += 1
        self._send({**fields, "id": self._next_id, "op": op}, blob)
        self._waiting[self._next_id] = asyncio.Queue()
        return self._next_id

    def _send(self, header: dict[str, Any], blob: bytes = b"") -> None:
        data = framing.pack(header, blob)
        with suppress(ConnectionError):  # `_listen` sees the end and tells those who wait
            self._writer.write(data)

    async def _answer(self, number: int) -> Frame:
        frame = await self._waiting[number].get()
        if isinstance(frame, ChildError):
            self._waiting.pop(number, None)
            raise frame
        header = frame.header
        if header.get("type") == "error":
            self._waiting.pop(number, None)
            raise ChildRefused(self.name, header["code"], header["message"], header.get("fields"))
        if header.get("type") in ("reply", "end"):
            self._waiting.pop(number, None)
        return frame

    def _forget(self, number: int) -> None:
        if self._waiting.pop(number, None) is not None and self.end is None and not self._stopping:
            self._send({"id": number, "op": "cancel"})

    async def _listen(self) -> None:
        try:
            while (frame := await framing.receive(self._reader)) is not None:
                if (queue := self._waiting.get(frame.header.get("id", -1))) is not None:
                    queue.put_nowait(frame)
        except FrameBroken as error:
            _logger(self.name).error("%s", error)
        self._writer.close()  # a child that closed or garbled its end is ended
        await self._reap()
        await asyncio.wait([self._tasks[0]], timeout=ENDING_S)
        self._tasks[0].cancel()  # a grandchild may hold the output open; nobody may wait for that
        self.end = self._why()
        for queue in self._waiting.values():
            queue.put_nowait(self.end)

    async def _reap(self) -> None:
        try:
            async with asyncio.timeout(ENDING_S):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def _why(self) -> ChildError:
        if self._stopping:
            return ChildStopped(self.name)
        code, starting = self._process.returncode, not self.ready
        return ChildCrashed(self.name, exit_code=code, last_words=self._last_words, starting=starting)

    async def _log(self) -> None:
        output = self._process.stdout
        while output is not None:
            try:
                line = (await output.readline()).decode("utf-8", "replace")
            except ValueError:  # a line longer than the reader's buffer
                continue
            if not line:
                return
            if text := line.rstrip():
                self._last_words = text[-300:]
                level = logging.getLevelNamesMapping().get(text.split(" ", 1)[0], logging.INFO)
                _logger(self.name).log(level, "%s", text)


async def start(name: str, argv: Sequence[str], hello: dict[str, Any], timeout_s: float) -> ChildProcess:
    """
    Start `argv` with a socket of ours and wait until it is ready.

    Raises:
        ChildRefused: the child said what is wrong with its task and left.
        ChildCrashed, ChildTooSlow: it ended, or took too long, before it was ready.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            child = ChildProcess(name, await _spawn(argv, theirs), reader, writer)
        except OSError as error:
            writer.close()
            raise ChildCrashed(name, exit_code=None, last_words=str(error), starting=True) from error
        except BaseException:
            writer.close()
            raise
    try:
        await child.greet(hello, timeout_s)
    except BaseException:  # also when the caller gave up: no half-started process may stay
        await asyncio.shield(child.stop())
        raise
    return child


async def _spawn(argv: Sequence[str], theirs: socket.socket) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *argv,
        *("--fd", str(theirs.fileno()), "--parent", str(os.getpid())),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        pass_fds=(theirs.fileno(),),
        env=environment(),
    )


def module(name: str) -> list[str]:
    """The command line that runs one of our modules with this same Python, whatever folder we are in."""
    return [sys.executable, "-P", "-m", name]


def confined(name: str) -> list[str]:
    """As `module`, in a process that can't leave this machine: its name is the last word."""
    return [*module("daemon.sandbox.run_module"), name]


def environment() -> dict[str, str]:
    """Ours without telemetry, and where our packages lie: a child finds them whatever folder we are in."""
    ours = str(Path(str(daemon.__file__)).parent.parent)
    return {
        **os.environ,
        **telemetry.OFF,
        "PYTHONPATH": os.pathsep.join(filter(None, [ours, os.environ.get("PYTHONPATH", "")])),
    }


def _logger(name: str) -> logging.Logger:
    return logging.getLogger(f"daemon.child.{name}")
