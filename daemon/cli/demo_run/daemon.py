"""
The demo's daemon: a real process in a fresh temporary home that is removed afterwards.

Nothing of the user's own home or settings is read or changed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon import home as homes
from daemon.client.client import Client, connect
from daemon.errors import DaemonError

START_TIMEOUT_S = 600.0  # a large model on a slow disk


class DemoFailed(DaemonError):
    """A step of the demo did not happen."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(f"The demo stopped at {step}: {why}")


@contextmanager
def demo_daemon(model: Path | None) -> Iterator[Client]:
    """
    A client for a daemon that serves `model` (None: nano) and reads chats only when asked.

    Raises:
        DemoFailed: it did not start; its own words are in the message.
    """
    folder = Path(tempfile.mkdtemp(prefix="tsubasa-demo-"))
    log = folder / "daemon.log"
    try:
        with log.open("wb") as output:
            command = [sys.executable, "-m", "daemon", "up"]
            process = subprocess.Popen(command, env=_environment(folder, model), stdout=output, stderr=output)
        try:
            with _client(folder, process, log) as client:
                yield client
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path, model: Path | None) -> dict[str, str]:
    ours = {
        "HOME": str(folder / "home"),
        "PORT": "0",
        "KEYRING": "file",
        "OBSERVE": "false",
        "NIGHT": "false",
        "JOBS_EVERY_S": "0.2",
    }
    if model is not None:
        ours["MODEL"] = str(model.absolute())
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TSUBASA_")}
    return inherited | {f"TSUBASA_{name}": value for name, value in ours.items()} | {"PYTHONUNBUFFERED": "1"}


def _client(folder: Path, process: "subprocess.Popen[bytes]", log: Path) -> Client:
    home = homes.where({}, folder / "home")
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        if process.poll() is not None:
            lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
            raise DemoFailed(
                "the start of the daemon", lines[-1] if lines else f"exit code {process.returncode}"
            )
        if homes.running(home) is not None:
            return connect(home)
        time.sleep(0.1)
    raise DemoFailed("the start of the daemon", f"it did not answer within {START_TIMEOUT_S:.0f} s")
