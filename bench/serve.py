"""
How fast the endpoint answers: python -m bench.serve [--rounds N] [--model PATH] [--shape 0.6b] [--other FOLDER]

    replies:  one client, one connection: chats, models, status, a small refusal | each on a connection of its own
    beside_import:  the chats, which wait for the store, over and over while an export of N messages goes in
    beside_export, _preview, _forget, _undo:  while all is taken out, counted again, one forgotten, and all taken back
    clients:  1, 2, 4 and 8 at once, tokens a second | first word, cold and next turn | the wait behind a long answer
    swap:  an adapter of random values becomes live, and the base again, while four answers are under way

On a daemon of its own with an empty home, without recall. The clients are measured in rounds, ours and in turn with it
llama.cpp's own server (`pip install xllamacpp`), and an older version of ours where `--other` names its folder; ratios
are of medians. A reply in two pieces that waits for an acknowledgement would take 40 ms or more:
`tests/daemon/lifecycle/test_listen.py`.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.night_model import SHAPES, smollm2, write_random, write_random_adapter
from bench.serve_clients import Endpoint, Round, Swap, compared, measured, rss_mb, swapped, told
from daemon.client.client import Client, connect
from daemon.engine.gguf_file import identity
from daemon.errors import Refused
from daemon.home import Home, read_api_key, running
from store import generations
from store.database import open_store
from store.keys import load_or_create_key
from trainer.gguf_model import open_model

LIMIT_MS = (
    30.0  # the quickest reply on a connection that is kept: a busy machine has one, a held-back piece never
)
BESIDE_MS = 100.0  # the median beside an import, on a busy machine; in one transaction it would be seconds
START_S = 300.0
SETTINGS = {"PORT": "0", "NIGHT": "false", "OBSERVE": "false", "KEYRING": "file", "RECALL": "false"}
NANO = Path(__file__).parent.parent / "models" / "nano" / "nano.gguf"


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


def beside_import(home: Home, folder: Path, messages: int) -> dict[str, list[float]]:
    """Milliseconds of each question for the chats while an export goes in, is looked at, and is taken back."""
    file, archive = folder / "export.jsonl", folder / "archive.jsonl"
    with file.open("w", encoding="utf-8") as written:
        for n in range(messages):
            text = (
                f"{n}: yesterday we walked along the river, and in the evening we talked about the year {n}"
            )
            written.write(json.dumps({"role": "assistant" if n % 2 else "user", "content": text}) + "\n")
    with connect(home) as client, connect(home) as other:
        found = {"beside_import": _beside(client, lambda: other.import_file(file))}
        found["beside_export"] = _beside(client, lambda: archive.write_bytes(b"".join(other.export())))
        found["beside_preview"] = _beside(client, lambda: other.preview_import(archive))
        told = other.add("The user walked along the river in 1987, with a heron.")["memory"]["id"]
        found["beside_forget"] = _beside(client, lambda: other.forget(memory_ids=[told]))
        (number,) = [one["id"] for one in other.imports()["imports"]]
        found["beside_undo"] = _beside(client, lambda: other.undo_import(number))
    return found


def _beside(client: Client, work: Callable[[], object]) -> list[float]:
    with ThreadPoolExecutor(1) as aside:
        going = aside.submit(work)
        found = [_timed(client.chats) for _ in range(2)]
        while not going.done():
            found.append(_timed(client.chats))
            time.sleep(0.01)
        going.result()
    return found


def give_generation(home: Home, model: Path) -> None:
    """Put a generation of random values into a home without a daemon; the base model goes on answering."""
    shape, file = open_model(model).shape, home.path / "adapter.gguf"
    home.path.mkdir(mode=0o700)
    write_random_adapter(file, shape, first_layer=shape.layers // 2)  # the upper half learns in a night
    with closing(open_store(home.store, load_or_create_key(home.path, keyring="file"))) as db:
        base = identity(model, None)["sha256"]
        made = generations.propose(db, file.read_bytes(), base_sha256=base, lesson_ids=[])
        generations.adopt(db, made.id, {}, "it was made for the bench")
        generations.use(db, generations.BASE)
    file.unlink()


def swaps(home: Home, endpoint: Endpoint, count: int) -> list[Swap]:
    """So many swaps, each beside streams of its own, to the generation and back; one before them is not counted."""
    found = []
    with connect(home) as client:
        for number in range(count + 1):
            found.append(swapped(endpoint, partial(_used, client, (number + 1) % 2)))
    return found[1:]


def _used(client: Client, generation: int) -> float:
    return client.use(generation)["swap_ms"]


def of_swaps(found: Sequence[Swap]) -> dict[str, Any]:
    """The median of what the engine says, how many streams were lost, and their pauses: least, median, most."""
    return {
        "swap_ms": round(statistics.median([one.swap_ms for one in found]), 3),
        "swap_pause_ms": _spread([one.pause_ms for one in found]),
        "other_pause_ms": _spread([one.other_ms for one in found]),
        "swap_dropped": sum(one.dropped for one in found),
    }


def _spread(values: Sequence[float]) -> list[float]:
    return [round(of(values), 1) for of in (min, statistics.median, max)]


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


@contextmanager
def daemon_at(folder: Path, model: str, threads: int, code: Path | None = None) -> Iterator[Home]:
    """A daemon, of the code in another folder where one is named."""
    home = Home(folder)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TSUBASA_")}
    settings = SETTINGS | {"MODEL": model, "THREADS": str(threads), "HOME": str(home.path)}
    environment |= {f"TSUBASA_{key}": value for key, value in settings.items()}
    if code is not None:
        environment["PYTHONPATH"] = str(code)
    up = [sys.executable, "-m", "daemon", "up"]
    nobody = subprocess.DEVNULL
    daemon = subprocess.Popen(up, env=environment, cwd=code, stdout=nobody, stderr=nobody)
    try:
        wait_for(lambda: daemon.poll() is not None or running(home) is not None)
        if daemon.poll() is not None:
            raise SystemExit("The daemon did not start: tsubasa up says why.")
        with connect(home) as client:  # whatever starts beside it has no part in this
            wait_for(lambda: all(one["state"] != "starting" for one in client.status()["children"]))
        yield home
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)


@contextmanager
def _llama_server(model: Path, threads: int, flash: str) -> Iterator[Endpoint]:
    command = [sys.executable, "-m", "bench.llama_server", str(model), str(threads), flash]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        if server.stdout is None or server.stdin is None:
            raise SystemExit("llama.cpp's server has no output.")
        address = server.stdout.readline().strip().removeprefix("http://")
        yield Endpoint("llama_server", address, server.pid)
        server.stdin.close()


def endpoint_of(name: str, home: Home) -> Endpoint:
    """Where the daemon of a home is asked."""
    found, key = running(home), read_api_key(home)
    if found is None:
        raise SystemExit("The daemon is gone: its log says why.")
    return Endpoint(name, f"127.0.0.1:{found.port}", found.pid, {"authorization": f"Bearer {key}"})


def wait_for(holds: Callable[[], bool]) -> None:
    """Look until it holds, as long as a start may take."""
    end = time.monotonic() + START_S
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"Nothing came of the daemon within {START_S:.0f} s: its log says why.")
        time.sleep(0.1)


def _rounds(endpoints: Sequence[Endpoint], count: int) -> dict[str, list[Round]]:
    """What each found in so many rounds, in turn; one before them is not counted."""
    found: dict[str, list[Round]] = {one.name: [] for one in endpoints}
    for number in range(count + 1):
        for one in endpoints:
            found[one.name].append(measured(one))
        sys.stderr.write(f"round {number} of {count}\n")
    return {name: rounds[1:] for name, rounds in found.items()}


def _measure(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    model = NANO if given.model == "nano" else Path(given.model).absolute()
    if given.shape:
        model = folder / f"random-{given.shape}-Q4_K_M.gguf"
        write_random(model, SHAPES[given.shape], smollm2(), mixed=True)
        given.model = str(model)
    if given.swaps:
        give_generation(Home(folder / "home"), model)
    with ExitStack() as stack:
        home = stack.enter_context(daemon_at(folder / "home", given.model, given.threads))
        found = measure(home, max(2, given.times)) if given.times else {}
        if given.messages:
            found |= beside_import(home, folder, given.messages)
        replies = summary(found)
        endpoints = [endpoint_of("ours", home)]
        if given.other:
            other = stack.enter_context(daemon_at(folder / "other", given.model, given.threads, given.other))
            endpoints.append(endpoint_of("other", other))
        if find_spec("xllamacpp"):
            endpoints.append(stack.enter_context(_llama_server(model, given.threads, given.their_flash)))
        else:
            sys.stderr.write("Without llama.cpp's server: pip install xllamacpp\n")
        clients = _rounds(endpoints, given.rounds) if given.rounds else {}
        memory = {one.name: round(rss_mb(one.pid)) for one in endpoints}
        swap = of_swaps(swaps(home, endpoints[0], given.swaps)) if given.swaps else {}
    others = {name: rounds for name, rounds in clients.items() if name != "ours"}
    ratios = {f"to_{name}": compared(clients["ours"], rounds) for name, rounds in others.items()}
    for name in others:
        ratios[f"to_{name}"]["rss_ratio"] = round(memory["ours"] / memory[name], 2) if memory[name] else 0.0
    measured = {name: told(one) for name, one in clients.items()}
    return {"replies": replies, "clients": measured, "memory_mb": memory, **swap, **ratios}


def main() -> None:
    """Measure and tell; the exit status says whether the replies stay below the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1] if __doc__ else None)
    parser.add_argument("--times", type=int, default=200, help="replies of each kind; 0: none")
    parser.add_argument("--import", dest="messages", type=int, default=0, help="so many messages beside it")
    parser.add_argument("--rounds", type=int, default=3, help="of several clients; 0: none")
    parser.add_argument("--swaps", type=int, default=6, help="of the adapter, beside four answers; 0: none")
    parser.add_argument("--model", default="nano", help="nano, or a GGUF file")
    parser.add_argument("--shape", choices=SHAPES, help="in its place random weights with Qwen's vocabulary")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--their-flash", choices=("auto", "off"), default="auto", help="llama-server's attention"
    )
    parser.add_argument("--other", type=Path, help="the folder of an older version")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tsubasa-bench-") as folder:
        found = _measure(given, Path(folder))
    if given.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        _tell(found)
    waits = max((one["median"] for name, one in found["replies"].items() if "beside" in name), default=0.0)
    is_slow = bool(given.times) and found["replies"]["models"]["quickest"] > LIMIT_MS
    sys.exit(int(is_slow or waits > BESIDE_MS))


def _tell(found: Mapping[str, Any]) -> None:
    for name, values in found["replies"].items():
        words = "   ".join(f"{what} {ms:7.2f} ms" for what, ms in values.items())
        sys.stdout.write(f"{name:16}{words}\n")
    for server, numbers in found["clients"].items():
        for name, (least, median, most) in numbers.items():
            sys.stdout.write(f"{server:14}{name:18}{median:9.2f}   ({least:.2f} to {most:.2f})\n")
    if "swap_ms" in found:
        pauses = (f"{found[name][1]:.0f} ms" for name in ("swap_pause_ms", "other_pause_ms"))
        lost = f"{found['swap_dropped']} streams dropped"
        told = f"{found['swap_ms']:.2f} ms, longest pause beside it {' and else '.join(pauses)}, {lost}"
        sys.stdout.write(f"{'swap':16}{told}\n")
    for name in ("to_llama_server", "to_other"):
        for what, ratio in found.get(name, {}).items():
            sys.stdout.write(f"{name:16}{what:26}{ratio:7.3f}\n")


if __name__ == "__main__":
    main()
