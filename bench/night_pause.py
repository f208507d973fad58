"""
How fast a chat stops the trainer, and what a night costs those who chat: python -m bench.night_pause [--json]

    a real daemon with nano ──> chats without a night ──> a long night: wait until the trainer works, chat, again

`stop_ms` is from the moment before the request is sent to the moment when the trainer's process is stopped, as the
kernel shows it; `first_ms` and `whole_ms` are of the answers. Linux only. Knows nothing of how the gate works.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from daemon.client.client import Client

FACTS = (
    "I live in Ghent.",
    "My sister is called Priya.",
    "I have a dog named Biscuit.",
    "My boss is called Ingrid.",
)
QUESTION = "What is my boss called?"
LONGEST_S = 900.0
LOOK_EVERY_S = 0.0005
SETTINGS = {"PORT": "0", "NIGHT": "false", "OBSERVE": "false", "JOBS_EVERY_S": "0.1", "KEYRING": "file"}


def measure(folder: Path, chats: int) -> dict[str, object]:
    """Milliseconds of `chats` questions without a night, and of as many while one runs."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TSUBASA_")}
    environment |= {f"TSUBASA_{key}": value for key, value in SETTINGS.items()}
    environment["TSUBASA_HOME"] = str(folder)
    command = [sys.executable, "-m", "daemon", "up"]
    daemon = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return _measured(folder, daemon.pid, chats)
    finally:
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()


def _measured(folder: Path, pid: int, chats: int) -> dict[str, object]:
    _wait(lambda: (folder / "daemon.json").exists())
    url = json.loads((folder / "daemon.json").read_text())["url"]
    with Client(url, (folder / "api_key").read_text().strip(), home=folder) as client:
        for fact in FACTS:
            client.add(fact)
        ordered = client.tend()
        _wait(lambda: (client.tended()["job"] or ordered)["state"] == "done")
        _ask(client)  # the first one loads what is loaded late
        alone = [_ask(client) for _ in range(chats)]
        client.night(recipe={"steps": 100_000, "patience": 1000})
        stops, during = [], []
        for _ in range(chats):
            trainer = _working_trainer(client, pid)
            watch = _Stop(trainer)
            during.append(_ask(client))
            stops.append(watch.took_ms())
    return {
        "stop_ms": _summary(stops),
        "alone": _answers(alone),
        "in_the_night": _answers(during),
        "load": os.getloadavg()[0],
    }


def _ask(client: Client) -> tuple[float, float]:
    """Milliseconds to the first piece of the answer and to its end."""
    began = time.perf_counter()
    pieces = client.chat([{"role": "user", "content": QUESTION}], model="tsubasa:private", temperature=0)
    next(pieces)
    first = time.perf_counter()
    for _ in pieces:
        pass
    return (first - began) * 1000, (time.perf_counter() - began) * 1000


def _working_trainer(client: Client, daemon: int) -> int:
    """Wait until the student learns and is not stopped; the trainer's process."""
    found: list[int] = []

    def works() -> bool:
        told = client.nights()["progress"]
        children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
        found[:] = [int(one) for one in children if b"\0trainer\0" in _command(one)]
        return bool(told and told["note"] == "learning" and found and _state(found[0]) != "T")

    _wait(works)
    return found[0]


class _Stop:
    """Looks at a process from now on until it is stopped."""

    def __init__(self, pid: int) -> None:
        self._pid, self._began, self._stopped_at = pid, time.perf_counter(), 0.0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def took_ms(self) -> float:
        """
        Milliseconds until it was stopped.

        Raises:
            TimeoutError: it was never seen stopped; it may have ended.
        """
        self._thread.join(LONGEST_S)
        if not self._stopped_at:
            raise TimeoutError(f"the trainer (process {self._pid}) was never seen stopped")
        return (self._stopped_at - self._began) * 1000

    def _look(self) -> None:
        try:
            while _state(self._pid) != "T":
                time.sleep(LOOK_EVERY_S)
        except OSError:  # it has ended
            return
        self._stopped_at = time.perf_counter()


def _state(pid: int) -> str:
    """The kernel's letter: R, S, T, …"""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended since it was listed
        return b""


def _wait(what: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST_S
    while not what():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing came in {LONGEST_S:.0f} s")
        time.sleep(0.05)


def _answers(times: Sequence[tuple[float, float]]) -> dict[str, object]:
    first, whole = zip(*times, strict=True)
    return {"first_ms": _summary(first), "whole_ms": _summary(whole)}


def _summary(values: Sequence[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 1), "worst": round(max(values), 1), "n": len(values)}


def main() -> None:
    """Measure in a fresh home and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1] if __doc__ else None)
    parser.add_argument("--chats", type=int, default=10)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tsubasa-bench-") as folder:
        found = measure(Path(folder) / "home", arguments.chats)
    for name, value in [("all", found)] if arguments.json else list(found.items()):
        sys.stdout.write((json.dumps(value) if arguments.json else f"{name:14}{json.dumps(value)}") + "\n")


if __name__ == "__main__":
    main()
