"""
Several clients of one server at once: tokens a second, the first word, the wait behind another's long answer, and what
they notice of a swap of the adapter.

    an Endpoint ──> fast raw HTTP, one thread and one connection a client ──> seconds of each piece

Each question is another one, so that no cache answers it; the answers are as long as they are asked to be.
"""

import http.client
import itertools
import json
import os
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CLIENTS = (1, 2, 4, 8)
TOKENS = 48  # of each answer
LONG_TOKENS = 300  # of the answer behind which a second client waits
STREAMS = 4  # that are in flight at a swap
SWAP_TOKENS = 64  # of each
BEFORE = 5  # tokens of each that come before a swap
LONG_PROMPT = 300  # words of the prompt whose first word is waited for
REPLIES = 12  # of one token
WAIT_S = 900.0
_SAID = re.compile(rb'"content": ?"[^"]')
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server."""

    name: str
    address: str  # host:port
    pid: int = 0  # of its process; its children belong to it
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round found; seconds, and tokens a second."""

    decode: dict[int, float]  # by number of clients
    cold_s: float  # to the first word of a long prompt
    warm_s: float  # of the same chat's next turn
    second_wait_s: float
    one_token_s: float = 0.0  # a whole reply of one token, on a connection that is kept
    cpu_s: float = 0.0  # processor time of the server in this round


@dataclass(frozen=True, slots=True)
class Swap:
    """What one swap of the adapter cost those whose answers were under way."""

    swap_ms: float  # as the engine says
    pause_ms: float  # the longest of a stream while it went on, its loading and unloading included
    other_ms: float  # the longest of these streams at any other time
    dropped: int  # streams that did not come to their end


def measured(endpoint: Endpoint) -> Round:
    """One round."""
    began = cpu_s(endpoint.pid)
    decode = {count: _together(endpoint, count) for count in CLIENTS}
    chat = [{"role": "user", "content": _words(LONG_PROMPT)}]
    cold = _first(endpoint, chat)
    turn = [*chat, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "Why?"}]
    warm, waited, one = _first(endpoint, turn), _second_wait(endpoint), _one_token(endpoint)
    return Round(decode, cold, warm, waited, one, cpu_s(endpoint.pid) - began)


def compared(ours: Sequence[Round], theirs: Sequence[Round]) -> dict[str, float]:
    """Ratios of medians: of tokens a second (more is better) and of waits (less is better)."""
    told = {
        f"decode_ratio_{count}": _ratio(
            [one.decode[count] for one in ours], [one.decode[count] for one in theirs]
        )
        for count in CLIENTS
    }
    for name, key in {
        "ttft_cold": "cold_s",
        "ttft_warm": "warm_s",
        "second_client_wait": "second_wait_s",
        "cpu": "cpu_s",
    }.items():
        told[f"{name}_ratio"] = _ratio(
            [getattr(one, key) for one in ours], [getattr(one, key) for one in theirs]
        )
    more = [statistics.median([one.one_token_s for one in rounds]) for rounds in (ours, theirs)]
    return told | {"overhead_ms": round(1000 * (more[0] - more[1]), 2)}


def swapped(endpoint: Endpoint, swap: Callable[[], float]) -> Swap:
    """One swap, done by `swap`, in the midst of some streams; the adapter is loaded for it."""
    times: list[list[float]] = [[] for _ in range(STREAMS)]
    whole = [False] * STREAMS

    def client(place: int) -> None:
        messages = [{"role": "user", "content": _words(6)}]
        with _asked(endpoint, _streaming(messages, SWAP_TOKENS)) as reply:
            while line := reply.readline():
                if _SAID.search(line):
                    times[place].append(time.perf_counter())
                whole[place] |= line.startswith(b"data: [DONE]")

    threads = [threading.Thread(target=client, args=(place,)) for place in range(STREAMS)]
    for thread in threads:
        thread.start()
    end = time.perf_counter() + WAIT_S
    while (
        min(map(len, times)) < BEFORE
        and time.perf_counter() < end
        and any(map(threading.Thread.is_alive, threads))
    ):
        time.sleep(0.001)
    began = time.perf_counter()
    swap_ms = swap()
    over = time.perf_counter()
    for thread in threads:
        thread.join()
    during, otherwise = zip(*(longest_pauses(one, began, over) for one in times), strict=True)
    return Swap(swap_ms, 1000 * max(during), 1000 * max(otherwise), whole.count(False))


def longest_pauses(times: Sequence[float], began: float, over: float) -> tuple[float, float]:
    """The longest pause between two pieces of a stream, in seconds: then, and at any other time; 0: there was none."""
    then, otherwise = [0.0], [0.0]
    for before, after in itertools.pairwise(times):
        (then if after > began and before < over else otherwise).append(after - before)
    return max(then), max(otherwise)


def told(rounds: Sequence[Round]) -> dict[str, list[float]]:
    """Least, median and most of each number: tokens a second, milliseconds."""
    found = {f"tokens_per_s_{count}": [one.decode[count] for one in rounds] for count in CLIENTS}
    for name, key in {"cold_ms": "cold_s", "warm_ms": "warm_s", "second_wait_ms": "second_wait_s"}.items():
        found[name] = [1000 * getattr(one, key) for one in rounds]
    return {
        name: [round(one, 2) for one in (min(some), statistics.median(some), max(some))]
        for name, some in found.items()
    }


def cpu_s(pid: int) -> float:
    """Processor seconds that a process and its children have used; 0 where that can't be told."""
    ticks = 0
    for one in _family(pid):
        with suppress(OSError, IndexError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Memory of a process and its children, without what they share with the disk's cache; 0: can't be told."""
    total = 0
    for one in _family(pid):
        with suppress(OSError, IndexError):
            total += int(Path(f"/proc/{one}/status").read_text().split("RssAnon:")[1].split()[0])
    return total / 1000


def _family(pid: int) -> list[int]:
    found = [pid] if pid else []
    for one in found:
        with suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    if not statistics.median(theirs):
        return 0.0  # not measured
    return round(statistics.median(ours) / statistics.median(theirs), 3)


def _together(endpoint: Endpoint, count: int) -> float:
    """Tokens a second of so many clients, from the first word of the first to the last one of the last."""
    times: list[list[float]] = [[] for _ in range(count)]

    def client(place: int) -> None:
        times[place] += _pieces(endpoint, [{"role": "user", "content": _words(6)}], TOKENS)

    threads = [threading.Thread(target=client, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = [at for one in times for at in one]
    return count * (TOKENS - 1) / (max(every) - min(every))


def _first(endpoint: Endpoint, messages: Sequence[Mapping[str, str]]) -> float:
    """Seconds to a reply of one token, which may be none that is text: random weights say many."""
    began = time.perf_counter()
    with _asked(endpoint, {"messages": messages, "max_tokens": 1, "temperature": 0}) as reply:
        reply.read()
    return time.perf_counter() - began


def _one_token(endpoint: Endpoint) -> float:
    """The median of some whole replies of one token, on one connection, whose prompt is known."""
    connection = http.client.HTTPConnection(endpoint.address, timeout=WAIT_S)
    headers = {**endpoint.headers, "content-type": "application/json"}
    body = {"model": "tsubasa:private", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    found = []
    for _ in range(REPLIES):
        began = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        connection.getresponse().read()
        found.append(time.perf_counter() - began)
    connection.close()
    return statistics.median(found[1:])


def _second_wait(endpoint: Endpoint) -> float:
    """How long a short question waits for its first word while a long answer is given."""
    going = threading.Event()

    def long() -> None:
        for number, _ in enumerate(_pieces(endpoint, [{"role": "user", "content": _words(6)}], LONG_TOKENS)):
            if number == 5:
                going.set()
        going.set()

    thread = threading.Thread(target=long)
    thread.start()
    going.wait(WAIT_S)
    waited = _first(endpoint, [{"role": "user", "content": _words(3)}])
    thread.join()
    return waited


def _pieces(endpoint: Endpoint, messages: Sequence[Mapping[str, str]], tokens: int) -> Iterator[float]:
    """When each piece of the answer came, in seconds of the clock."""
    with _asked(endpoint, _streaming(messages, tokens)) as reply:
        while line := reply.readline():
            if _SAID.search(line):
                yield time.perf_counter()


def _streaming(messages: Sequence[Mapping[str, str]], tokens: int) -> dict[str, Any]:
    """The body of a question whose answer is a stream of so many tokens."""
    # The likeliest token of random weights is often one without text, again and again.
    sampling = {"temperature": 1, "top_k": 40, "seed": 0, "ignore_eos": True}
    return {"messages": messages, "max_tokens": tokens, "stream": True, **sampling}


@contextmanager
def _asked(endpoint: Endpoint, body: Mapping[str, Any]) -> Iterator[http.client.HTTPResponse]:
    """The reply, on a connection of its own."""
    connection = http.client.HTTPConnection(endpoint.address, timeout=WAIT_S)
    headers = {**endpoint.headers, "content-type": "application/json"}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps({"model": "tsubasa", **body}), headers)
        reply = connection.getresponse()
        if reply.status != 200:
            raise SystemExit(f"{endpoint.name} answers {reply.status}: {reply.read(500).decode()}")
        yield reply
    finally:
        connection.close()


def _words(count: int) -> str:
    """Words that were not said before."""
    start = next(_numbers) * 1009
    return " ".join(f"word{(start + 7919 * place) % 10007}" for place in range(count))
