"""
A real `tsubasa up` for the tests: one process with its children, on a home of its own.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from daemon.client.client import Client

if TYPE_CHECKING:
    import openai

NANO = Path(__file__).parents[2] / "models" / "nano" / "nano.gguf"
START_S = 600  # torch and the weights come from a cold disk on a busy machine
ROOT = Path(__file__).parents[2]


class Daemon:
    """One `tsubasa up` on one home."""

    def __init__(self, home: Path, model: Path | str, **settings: str) -> None:
        self.home = home
        named = {f"TSUBASA_{key.upper()}": value for key, value in settings.items()}
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("TSUBASA_")},
            "PYTHONPATH": str(ROOT),
            "TSUBASA_HOME": str(home),
            "TSUBASA_PORT": "0",
            "TSUBASA_MODEL": str(model),
            "TSUBASA_KEYRING": "file",
            **named,
        }
        self.process: subprocess.Popen[str] | None = None
        self.log: Path | None = None  # a file for what it says

    def start(self, *, by_meaning: bool = True) -> "Daemon":
        """Start and wait until it serves; `by_meaning`: and until the embedder is there, so that recall is whole."""
        with open(self.log or os.devnull, "a") as log:
            said = log if self.log else None
            self.process = subprocess.Popen(
                self._command("up"), env=self.environment, text=True, stdout=said, stderr=said
            )
        end = time.monotonic() + START_S
        while not self._announced() and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        if not self._announced():
            self.stop(signal.SIGKILL)
            pytest.fail("the daemon did not start; its output tells why")
        if by_meaning:
            wait_for(lambda: self.status()["recall"] != {"by": "words", "why": "the embedder is starting"})
        return self

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another `tsubasa` on the same home."""
        return subprocess.run(
            self._command(*arguments), env=self.environment, text=True, capture_output=True, timeout=START_S
        )

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.process = None
        return code

    @property
    def running(self) -> dict[str, object]:
        return dict(json.loads((self.home / "daemon.json").read_text()))

    @property
    def key(self) -> str:
        return (self.home / "api_key").read_text().strip()

    def own(self) -> Client:
        """A client of our own API, as the command line has it."""
        return Client(str(self.running["url"]), self.key, home=self.home)

    def client(self) -> "openai.OpenAI":
        """The official client."""
        import openai  # takes longer to load than all the rest, and few tests want it

        return openai.OpenAI(base_url=f"{self.running['url']}/v1", api_key=self.key, max_retries=0)

    def status(self) -> dict[str, object]:
        headers = {"authorization": f"Bearer {self.key}"}
        return dict(
            httpx.get(f"{self.running['url']}/tsubasa/status", headers=headers, trust_env=False).json()
        )

    def _announced(self) -> bool:
        return (
            (self.home / "daemon.json").exists()
            and self.process is not None
            and (self.running["pid"] == self.process.pid)
        )

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "daemon", *arguments]


def wait_for(what: Callable[[], bool], *, seconds: float = START_S) -> None:
    """Return once `what()` is true; fail the test when it takes too long."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def worked(
    client: Client, order: Callable[[], dict[str, object]], look: str, *, seconds: float = START_S
) -> dict[str, object]:
    """Order a round of work and wait for its end; what `look` ("tended" or "nights") tells then."""
    job = order()["id"]
    found: dict[str, object] = {}

    def ended() -> bool:
        found.update(getattr(client, look)())
        last = found["job"]
        assert isinstance(last, dict) and not last["error"], last
        return last["id"] == job and last["state"] == "done"

    wait_for(ended, seconds=seconds)
    return found


def need(program: str) -> str:
    """Where `program` is; a test that finds none is skipped, or fails where none may be (NO_SKIPS=1)."""
    found = shutil.which(program)
    if found is None:
        why = f"the program {program} is not installed"
        if os.environ.get("NO_SKIPS") == "1":
            pytest.fail(why)
        pytest.skip(why)
    return found


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """An empty file system of so many bytes ("24m") at `place`, in memory; only root may mount one."""
    place.mkdir()
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounting.returncode:
        pytest.skip(f"a small disk can't be mounted here: {mounting.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
