"""
How long a reply takes, also beside an import: python -m bench.serve [--times N] [--import MESSAGES] [--json]

    one client, one connection, N times in turn:  the chats | the models | the status
                                                   POST: undo of nothing (a small refusal)
    and N times: a connection of its own, proved, with one question
    beside_import: the chats, which wait for the store, over and over while an export of MESSAGES goes in

On a daemon of its own with nano and an empty home; quickest, median and 99th percentile in milliseconds. A reply in two
pieces that waits for an acknowledgement would take 40 or more: `tests/daemon/lifecycle/test_listen.py`.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from daemon.client.client import Client, connect
from daemon.errors import Refused
from daemon.home import Home, running

LIMIT_MS = (
    30.0  # the quickest reply on a connection that is kept: a busy machine has one, a held-back piece never
)
BESIDE_MS = 100.0  # the median beside an import, on a busy machine; in one transaction it would be seconds
START_S = 300.0
SETTINGS = {"PORT": "0", "NIGHT": "false", "OBSERVE": "false", "KEYRING": "file", "MODEL": "nano"}


def measure(home: Home, times: int) -> dict[str, list[float]]:
    """Milliseconds of each question; the first of each kind is left out."""
    with connect(home) as client:
        kept: dict[str, Callable[[], object]] = {
            "chats": client.chats,
            "models": client.models,
            "status": client.status,
            "refusal": lambda: _refused(client),
        }
        found = {name: [_timed(ask) for _ in range(times + 1)][1:] for name, ask in kept.items()}
    found["new_connection"] = [_timed(lambda: _once(home)) for _ in range(times + 1)][1:]
    return found


def beside_import(home: Home, folder: Path, messages: int) -> list[float]:
    """Milliseconds of each question for the chats while an export goes in."""
    file = folder / "export.jsonl"
    with file.open("w", encoding="utf-8") as written:
        for n in range(messages):
            text = (
                f"{n}: yesterday we walked along the river, and in the evening we talked about the year {n}"
            )
            written.write(json.dumps({"role": "assistant" if n % 2 else "user", "content": text}) + "\n")
    with connect(home) as client, connect(home) as other, ThreadPoolExecutor(1) as aside:
        going_in = aside.submit(other.import_file, file)
        found = []
        while not going_in.done():
            found.append(_timed(client.chats))
            time.sleep(0.02)
        going_in.result()
    return found


def summary(found: Mapping[str, list[float]]) -> dict[str, dict[str, float]]:
    """The quickest, the median and the 99th percentile of each, in ms."""
    return {
        name: {
            "quickest": round(min(values), 2),
            "median": round(statistics.median(values), 2),
            "p99": round(statistics.quantiles(values, n=100, method="inclusive")[98], 2),
        }
        for name, values in found.items()
    }


def _timed(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return 1000 * (time.perf_counter() - began)


def _refused(client: Client) -> None:
    with suppress(Refused):
        client.undo(event=1)


def _once(home: Home) -> None:
    with connect(home) as client:
        client.models()


def _serve(folder: Path, times: int, messages: int) -> dict[str, list[float]]:
    home = Home(folder / "home")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TSUBASA_")}
    environment |= {f"TSUBASA_{key}": value for key, value in SETTINGS.items()} | {
        "TSUBASA_HOME": str(home.path)
    }
    up = [sys.executable, "-m", "daemon", "up"]
    daemon = subprocess.Popen(up, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + START_S
        while running(home) is None:
            if daemon.poll() is not None or time.monotonic() > end:
                raise SystemExit("The daemon did not start: tsubasa up says why.")
            time.sleep(0.05)
        found = measure(home, times)
        return found | ({"beside_import": beside_import(home, folder, messages)} if messages else {})
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)


def main() -> None:
    """Measure and tell; the exit status says whether the replies stay below the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1] if __doc__ else None)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--import", dest="messages", type=int, default=0, help="so many messages beside it")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tsubasa-bench-") as folder:
        told = summary(_serve(Path(folder), max(2, given.times), given.messages))
    if given.json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        for name, values in told.items():
            words = "   ".join(f"{what} {ms:7.2f} ms" for what, ms in values.items())
            sys.stdout.write(f"{name:16}{words}\n")
    waits = told.get("beside_import", {"median": 0.0})["median"]
    sys.exit(int(told["models"]["quickest"] > LIMIT_MS or waits > BESIDE_MS))


if __name__ == "__main__":
    main()
