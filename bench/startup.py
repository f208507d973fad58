"""
How long people wait for the program, and what it weighs: python -m bench.startup [--runs N] [--json]

    in turn, N times:  bare python | import typer | import fastapi | tsubasa --help | … --help | tsubasa up
                       `── what this machine needs for it at this moment: ours is also given as a multiple of it

`up` is from the start of the process to the announcement, to /health, and to the whole answer of a first chat by nano,
on a home that has an index and bytecode on a warm disk; `by_meaning` is when the embedder is there too. `rss_mb` is
the daemon's own process, its children apart; `cpu_s` what it had of a processor until it announced itself, which says
more than the clock where others work too. Linux only for these two. Knows nothing of how the program starts.
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
from http.client import HTTPConnection
from pathlib import Path

from daemon.client.client import Client

LONGEST_S = 600.0
SETTINGS = {"PORT": "0", "NIGHT": "false", "OBSERVE": "false", "KEYRING": "file"}
BARE = {
    "python": ["-c", "pass"],
    "typer": ["-c", "import typer"],
    "fastapi": ["-c", "import fastapi"],
}
HELP = {
    "help": ["-m", "daemon", "--help"],
    "version": ["-m", "daemon", "--version"],
    "memories_help": ["-m", "daemon", "memories", "--help"],
    "up_help": ["-m", "daemon", "up", "--help"],
}
AGAINST = {"help": "typer", "version": "typer", "memories_help": "typer", "up_help": "typer"}
LIMITS = {"help_s": 0.150, "chat_s": 2.0, "rss_mb": 150.0}  # what was promised


def measure(folder: Path, runs: int, *, to_the_end: bool) -> dict[str, list[float]]:
    """Seconds and megabytes of each run; the first of all warms disk and bytecode, and is left out."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TSUBASA_")}
    environment |= {f"TSUBASA_{key}": value for key, value in SETTINGS.items()}
    environment |= {"TSUBASA_HOME": str(folder / "home"), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    found: dict[str, list[float]] = {}
    for run in range(runs + 1):
        once = {f"{name}_s": _ended(arguments, environment) for name, arguments in (BARE | HELP).items()}
        once |= _up(folder / "home", environment, to_the_end=to_the_end or run == 0)
        for name, value in once.items() if run else ():
            found.setdefault(name, []).append(value)
    return found


def summary(found: Mapping[str, list[float]]) -> dict[str, dict[str, float]]:
    """Median and worst of each, and the median as a multiple of what it is held against in the same run."""
    told = {}
    for name, values in found.items():
        told[name] = {"median": round(statistics.median(values), 3), "worst": round(max(values), 3)}
        bare = AGAINST.get(name.removesuffix("_s"), "fastapi" if name in ("announced_s", "chat_s") else "")
        if bare:
            ratios = [ours / theirs for ours, theirs in zip(values, found[f"{bare}_s"], strict=True)]
            told[name][f"times_{bare}"] = round(statistics.median(ratios), 2)
        if name in LIMITS:
            told[name]["limit"] = LIMITS[name]
    return told


def _ended(arguments: list[str], environment: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def _up(home: Path, environment: Mapping[str, str], *, to_the_end: bool) -> dict[str, float]:
    """One start; to the end: until recall goes by meaning and all has its vector."""
    began = time.perf_counter()
    daemon = subprocess.Popen(
        [sys.executable, "-m", "daemon", "up"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        ready = home / "daemon.json"
        _wait(ready.exists)
        once = {"announced_s": time.perf_counter() - began, "cpu_s": _cpu_s(daemon.pid)}
        running = json.loads(ready.read_text())
        with Client(running["url"], (home / "api_key").read_text().strip(), home=home) as client:
            _wait(lambda: _is_healthy(running["port"]))
            once["health_s"] = time.perf_counter() - began
            for _ in client.chat([{"role": "user", "content": "Where do I live?"}], model="tsubasa:private"):
                pass
            once |= {"chat_s": time.perf_counter() - began, "rss_mb": _rss_mb(daemon.pid)}
            if to_the_end:
                _wait(lambda: client.status()["recall"]["by"] == "meaning")
                once["by_meaning_s"] = time.perf_counter() - began
                if not client.memories()["memories"]:
                    client.add("The user lives in Ghent.")
                _wait(lambda: client.status()["held"]["unindexed"] == 0)
                once["rss_whole_mb"] = _rss_mb(daemon.pid)
        return once
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)


def _is_healthy(port: int) -> bool:
    asked = HTTPConnection("127.0.0.1", port)
    asked.request("GET", "/health")
    return asked.getresponse().read() == b'{"status":"ok"}'


def _cpu_s(pid: int) -> float:
    """Seconds of a processor that one process has had; nan where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_mb(pid: int) -> float:
    """Resident megabytes of one process; nan where there is no /proc."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def _wait(what: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST_S
    while not what():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing came in {LONGEST_S:.0f} s")
        time.sleep(0.002)


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--to-the-end", action="store_true", help="wait for the embedder at each start")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tsubasa-bench-") as folder:
        found = summary(measure(Path(folder), given.runs, to_the_end=given.to_the_end))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    told = {"load": {"now": round(load, 2), "processors": os.cpu_count() or 0}, **found}
    if given.json:
        sys.stdout.write(json.dumps(told) + "\n")
        return
    for name, values in told.items():
        sys.stdout.write(f"{name:16}" + "  ".join(f"{key} {value}" for key, value in values.items()) + "\n")


if __name__ == "__main__":
    main()
