"""
What a saved system prompt is worth after a restart: python -m bench.saved_prompts [--model PATH] [--words 400 1200]

    a daemon, two chats with one long system prompt ──> a file ──> new start: the first chat with it
                                                    └─> without the file, new start: the same

Milliseconds are of a whole reply of one token; "computed" are the tokens of its prompt that were not in memory. Each
start answers a short question first, so that nothing else that is loaded late is in them.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.serve import NANO, daemon_at, endpoint_of, wait_for
from daemon.home import Home
from store import prompt_files

WAIT_S = 900.0


def measure(model: Path, words: int, rounds: int, threads: int) -> dict[str, Any]:
    """The numbers for a system prompt of so many words."""
    saved, without = list[dict[str, float]](), list[dict[str, float]]()
    with tempfile.TemporaryDirectory(prefix="tsubasa-bench-") as folder:
        home = Home(Path(folder) / "home")
        for number in range(rounds):
            system = _words(words, number)
            with daemon_at(home.path, str(model), threads):
                for chat in range(2):
                    _ask(home, system, f"Question {number} of chat {chat}")
                wait_for(lambda: any(home.prompts.glob("*.prompt")))
            files = list(home.prompts.glob("*.prompt"))
            saved.append(_after_restart(home, model, threads, system, number))
            saved[-1]["file_mb"] = sum(file.stat().st_size for file in files) / 1e6
            prompt_files.clear(home.prompts)
            without.append(_after_restart(home, model, threads, system, number))
            prompt_files.clear(home.prompts)
    return {"words": words, "saved": _spread(saved), "without": _spread(without)}


def _after_restart(home: Home, model: Path, threads: int, system: str, number: int) -> dict[str, float]:
    with daemon_at(home.path, str(model), threads):
        _ask(home, "", "Hello")
        return _ask(home, system, f"Question {number} after a restart")


def _ask(home: Home, system: str, question: str) -> dict[str, float]:
    """Milliseconds of a reply of one token, its prompt's tokens, and those of them that were computed."""
    told = [{"role": "system", "content": system}] if system else []
    messages = [*told, {"role": "user", "content": question}]
    endpoint = endpoint_of("ours", home)
    request = urllib.request.Request(
        f"http://{endpoint.address}/v1/chat/completions",
        json.dumps({"model": "tsubasa", "messages": messages, "max_tokens": 1, "temperature": 0}).encode(),
        {**endpoint.headers, "content-type": "application/json"},
    )
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=WAIT_S) as reply:
        usage = json.load(reply)["usage"]
    ms, cached = 1000 * (time.perf_counter() - began), usage["prompt_tokens_details"]["cached_tokens"]
    return {"ms": ms, "prompt": usage["prompt_tokens"], "computed": usage["prompt_tokens"] - cached}


def _spread(found: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """Least, median and most of each number."""
    return {
        name: [round(of([one[name] for one in found]), 1) for of in (min, statistics.median, max)]
        for name in found[0]
    }


def _words(count: int, number: int) -> str:
    return " ".join(f"word{(7919 * place + number) % 10007}" for place in range(count))


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1] if __doc__ else None)
    parser.add_argument("--model", type=Path, default=NANO, help="a GGUF file; without it nano")
    parser.add_argument("--words", type=int, nargs="+", default=[400])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    if not given.model.is_file():
        parser.error(f"There is no file {str(given.model)!r}: name a GGUF file.")
    for words in given.words:
        found = measure(given.model.absolute(), words, given.rounds, given.threads)
        sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
