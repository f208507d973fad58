"""
What a long day leaves behind: python -m bench.load [--minutes M] [--clients N] [--plot FILE.svg] [--json]

    a daemon with nano ── N clients that chat ── beside them imports, undone ones, memories, forgets, readings, nights
    every few seconds: memory and descriptors of each process, size of the log of the store and of what the daemon says

Flat is what has, in the last quarter, at most 15 % more than in the second: the first one fills caches. The store
itself grows, for it keeps what is said; its log does not. `--rush N`: N clients at once, one question each, before it.
"""

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from bench.kill import House
from daemon.client.client import Client, connect
from daemon.errors import DaemonError
from daemon.home import running

EVERY_S = 5.0
IMPORTED = 200  # messages
MOST = 1.15  # last quarter to second quarter
SLACK = {"wal_mb": 64.0, "log_kb": 1024.0}  # a log has a limit of its own, and may be anywhere below it


@dataclass
class Seen:
    """What was measured, and what was done."""

    samples: list[dict[str, float]] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    slowest_s: float = 0.0  # of a chat

    def count(self, kind: str, ok: bool) -> None:
        """One more of a kind."""
        counts = self.done if ok else self.failed
        counts[kind] = counts.get(kind, 0) + 1


def sample(house: House, log: Path) -> dict[str, float]:
    """MB, descriptors and sizes now."""
    found = house.sizes()
    wal = house.home.store.with_name("store.db-wal")
    found["wal_mb"] = wal.stat().st_size / 2**20 if wal.exists() else 0.0
    found["log_kb"] = log.stat().st_size / 2**10
    found["store_mb"] = house.home.store.stat().st_size / 2**20
    return found


def growth(samples: Sequence[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Per quantity, its median in the second and in the last quarter of the time."""
    quarter = max(1, len(samples) // 4)
    second, last = samples[quarter : 2 * quarter], samples[-quarter:]
    names = {name for one in last for name in one if not name.startswith("trainer")}
    found = {}
    for name in sorted(names):
        parts = [[one[name] for one in part if name in one] for part in (second, last)]
        if all(parts):
            found[name] = (statistics.median(parts[0]), statistics.median(parts[1]))
    return found


def not_flat(found: dict[str, tuple[float, float]]) -> list[str]:
    """What grew."""
    return [
        name
        for name, (before, after) in found.items()
        if name != "store_mb" and after > max(before * MOST, SLACK.get(name, 0.0))
    ]


def rush(house: House, clients: int, seen: Seen) -> None:
    """So many clients at once, each with one question."""

    def ask(number: int) -> None:
        with connect(house.home) as client:
            _tried(seen, "rush", _chat, client, f"I am number {number}, hello")

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, range(clients)))


def run(house: House, log: Path, seen: Seen, *, minutes: float, clients: int) -> None:
    """Chat and work beside it for so long, and sample."""
    end = time.monotonic() + 60 * minutes
    workers = [threading.Thread(target=_chatting, args=(house, seen, n, end)) for n in range(clients)]
    workers.append(threading.Thread(target=_working, args=(house, seen, end)))
    for one in workers:
        one.start()
    while time.monotonic() < end:
        seen.samples.append(sample(house, log))
        time.sleep(min(EVERY_S, max(0.1, end - time.monotonic())))
    for one in workers:
        one.join()


def _chatting(house: House, seen: Seen, number: int, end: float) -> None:
    turn = 0
    while time.monotonic() < end:
        with connect(house.home) as client:
            for _ in range(5):
                turn += 1
                text = f"Client {number} asks for the {turn}th time: where do I live?"
                _tried(seen, "chat", _chat, client, text)
        time.sleep(0.2)


def _chat(client: Client, text: str) -> None:
    list(client.chat([{"role": "user", "content": text}], max_tokens=16))


def _working(house: House, seen: Seen, end: float) -> None:
    number = 0
    while time.monotonic() < end:
        number += 1
        with connect(house.home) as client:
            _tried(seen, "import", _import, house, client, number)
            _tried(seen, "forget", _forget, client, number)
            _tried(seen, "memory", client.add, f"The user owns boat number {number}.")
            if number % 4 == 0:
                _tried(seen, "night", house.work, "night", number)
        time.sleep(3.0)


def _import(house: House, client: Client, number: int) -> None:
    file = house.scratch / f"herons{number}.jsonl"
    turns = (
        {"role": "assistant" if n % 2 else "user", "content": f"{number}.{n} herons by the river"}
        for n in range(IMPORTED)
    )
    file.write_text("\n".join(map(json.dumps, turns)), encoding="utf-8")
    taken = client.import_file(file)
    if number % 2:
        client.undo_import(taken["import_id"] or 0)
    file.unlink()


def _forget(client: Client, number: int) -> None:
    made = client.add(f"The user's cat number {number} is called Mog{number}.")
    client.forget(memory_ids=[made["memory"]["id"]])


def _tried(seen: Seen, kind: str, work: Callable[..., object], *given: object) -> None:
    began = time.monotonic()
    try:
        work(*given)
        seen.count(kind, True)
    except DaemonError as error:
        seen.count(kind, False)
        sys.stderr.write(f"{kind}: {error}\n")
    if kind == "chat":
        seen.slowest_s = max(seen.slowest_s, time.monotonic() - began)


def plot(samples: Sequence[dict[str, float]], minutes: float) -> str:
    """The memory of each process over the time, as SVG."""
    colours = {"daemon_mb": "#7a4a2b", "engine_mb": "#c77b30", "embedder_mb": "#3f7d6e", "wal_mb": "#999"}
    top = max(one.get(name, 0.0) for one in samples for name in colours) * 1.1
    lines = []
    for place, (name, colour) in enumerate(colours.items()):
        points = " ".join(
            f"{50 + 640 * at / max(1, len(samples) - 1):.1f},{260 - 230 * one[name] / top:.1f}"
            for at, one in enumerate(samples)
            if name in one
        )
        lines.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}"/>')
        label = name.replace("_mb", "").replace("wal", "log of the store")
        lines.append(f'<text x="{60 + 150 * place}" y="20" fill="{colour}">{label}</text>')
    axis = (
        f'<text x="4" y="34">{top:.0f} MB</text><text x="4" y="262">0</text>'
        f'<text x="620" y="285">{minutes:.0f} min</text><path d="M50 30V260H690" fill="none" stroke="#ccc"/>'
    )
    style = 'font-family="sans-serif" font-size="12"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 300" {style}>{axis}{"".join(lines)}</svg>\n'


def main() -> None:
    """Run and tell; the exit status says whether something grew, or nothing could be done."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--rush", type=int, default=0, help="so many clients at once, before it")
    parser.add_argument("--plot", type=Path, help="where the picture goes, SVG")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args()
    seen = Seen()
    with tempfile.TemporaryDirectory(prefix="tsubasa-load-") as folder:
        house, log = House(Path(folder)), Path(folder) / "said.log"
        with log.open("wb") as said, closing(said):
            house.start(said)
            if given.rush:
                rush(house, given.rush, seen)
            run(house, log, seen, minutes=given.minutes, clients=given.clients)
        assert running(house.home) is not None
        house.kill("daemon")
    found = growth(seen.samples)
    if given.plot:
        given.plot.write_text(plot(seen.samples, given.minutes), encoding="utf-8")
    told = {"done": seen.done, "failed": seen.failed, "slowest_chat_s": round(seen.slowest_s, 1)}
    told |= {"quarters": {name: [round(n, 1) for n in pair] for name, pair in found.items()}}
    grew = not_flat(found)
    sys.stdout.write(json.dumps(told | {"grew": grew}, indent=None if given.json else 1) + "\n")
    sys.exit(int(bool(grew) or not seen.done.get("chat")))


if __name__ == "__main__":
    main()
