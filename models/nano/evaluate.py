"""
Measure nano on items it has never seen: `python -m models.nano.evaluate [--json] [--items 500] [--model FILE.gguf]`.

    held-out names, towns, jobs, foods -> the daemon's prompts and grammars -> the real engine -> share of right answers

`free_typed` is a set of 100 messages typed by hand; no template made them (`free_typed.jsonl`).
Promises: greedy decoding, a fixed seed, nothing is retried; every scored answer is the served model's own.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from rich.console import Console

from daemon.engine.client import Engine, Sampling
from models.nano import tasks
from models.nano.facts import UNKNOWN
from models.nano.items import Messages, missing, say
from models.nano.words import real
from prompts.load import load, schema

MAX_TOKENS = 400


async def main_async(model: Path, items: int, seed: int, wrong: list[str]) -> dict[str, Any]:
    """Every score, as fractions, with the number of items of each task."""
    engine = Engine.for_model(model, n_ctx=2048, threads=0, gpu_layers=0, idle_s=600)
    began = time.monotonic()
    try:
        scores: dict[str, Any] = {
            name: await _task(engine, name, items, random.Random(f"{seed}{name}"), wrong)
            for name in ("observe", "evolve", "ask", "answer", "abstain", "chat")
        }
        scores |= await _free_typed(engine, wrong)
    finally:
        await engine.stop()
    return {**scores, "items": items, "seconds": round(time.monotonic() - began, 1)}


async def _task(engine: Engine, name: str, items: int, rng: random.Random, wrong: list[str]) -> float:
    right = 0
    for _ in range(items):
        messages = _item(name, rng)
        prompt, expected = messages[:-1], messages[-1]["content"]
        got = await _reply(engine, prompt, name)
        fine = _same(name, expected, got)
        right += fine
        if not fine:
            wrong.append(f"{name}: {prompt[-1]['content'][-300:]!r}\n   wanted {expected}\n   got    {got}")
    return right / items


def _item(name: str, rng: random.Random) -> Messages:
    if name == "answer":
        make = tasks.superseded if rng.random() < 0.1 else tasks.grounded
        messages = make(rng, real) if make is tasks.superseded else tasks.grounded(rng, real, unknown=0.0)
        return messages[: next(i for i, m in enumerate(messages) if m["role"] == "system") + 3]
    if name == "abstain":
        if rng.random() < 0.2:
            asked, reply = missing(rng, [], real)
            return [say("user", asked), say("assistant", reply)]
        while True:
            messages = tasks.grounded(rng, real, unknown=1.0)
            if messages[-1]["content"] == UNKNOWN:
                return messages
    made: Messages = getattr(tasks, name)(rng, real)
    return made


async def _reply(engine: Engine, prompt: Messages, name: str) -> str:
    shape = schema(name) if name in ("observe", "evolve", "ask") else None
    if shape is not None and name == "evolve":
        shape["properties"]["memory"] = {"enum": ["", *prompt[-1]["content"].splitlines()[:-1]]}
    done = await engine.complete(
        prompt, sampling=Sampling(max_tokens=MAX_TOKENS), schema=shape, adapter="base"
    )
    return done.text.strip()


def _same(name: str, expected: str, got: str) -> bool:
    """Exact match; JSON is compared as values, *evolve* by op and index."""
    if name not in ("observe", "evolve", "ask"):
        return expected == got
    try:
        want, have = json.loads(expected), json.loads(got)
    except ValueError:
        return False
    if name == "evolve":
        return bool((want["op"], want["memory"]) == (have.get("op"), have.get("memory")))
    return bool(want == have)


async def _free_typed(engine: Engine, wrong: list[str]) -> dict[str, float]:
    """The hand-typed messages: all together, and each task apart."""
    results: dict[str, list[bool]] = {"observe": [], "answer": [], "abstain": []}
    for line in (files("models.nano") / "free_typed.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        task = case["task"]
        got = await _reply(engine, _free_prompt(case), task)
        fine = _free_fits(case, got)
        results[task].append(fine)
        if not fine:
            wrong.append(
                f"free {task}: {case['user']!r}\n   wanted {case.get('expect', UNKNOWN)}\n   got    {got}"
            )
    every = [fine for found in results.values() for fine in found]
    parts = {f"free_typed_{task}": sum(found) / len(found) for task, found in results.items()}
    return {"free_typed": sum(every) / len(every), **parts}


def _free_prompt(case: dict[str, Any]) -> Messages:
    if case["task"] == "observe":
        text = f"user: {case['user']}\nassistant: I see.\nDate:\n{case['date']}"
        return [say("system", load("observe")), say("user", text)]
    lines = [f"- {line}" for line in case["memories"]]
    memories = [say("system", "\n".join([load("recall"), *lines]))] if lines else []
    return [*memories, say("user", case["user"])]


def _free_fits(case: dict[str, Any], got: str) -> bool:
    """Every wanted word is there, no rejected one; for *observe* one sentence for each fact, and no more."""
    if case["task"] == "abstain":
        return got == UNKNOWN
    if case["task"] == "answer":
        low = got.lower()
        wanted = all(word.lower() in low for word in case["expect"])
        return wanted and not any(word.lower() in low for word in case.get("reject", []))
    try:
        sentences = [str(sentence).lower() for sentence in json.loads(got)]
    except ValueError:
        return False
    return len(sentences) == len(case["expect"]) and _matched(case["expect"], sentences)


def _matched(wanted: Sequence[Sequence[str]], sentences: Sequence[str]) -> bool:
    if not wanted:
        return True
    fits = [i for i, sentence in enumerate(sentences) if all(word.lower() in sentence for word in wanted[0])]
    return any(_matched(wanted[1:], [*sentences[:i], *sentences[i + 1 :]]) for i in fits)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--items", type=int, default=500, help="held-out items a task")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--model", type=Path, default=Path(str(files("models.nano") / "nano.gguf")))
    parser.add_argument("--wrong", action="store_true", help="show wrong answers on stderr")
    given = parser.parse_args()
    wrong: list[str] = []
    scores = asyncio.run(main_async(given.model, given.items, given.seed, wrong))
    if given.json:
        sys.stdout.write(json.dumps({name: _rounded(value) for name, value in scores.items()}) + "\n")
    else:
        for name, value in scores.items():
            Console().print(f"{name:22} {_rounded(value)}")
    if given.wrong:
        sys.stderr.write("\n".join(wrong) + "\n")


def _rounded(value: float) -> float:
    return round(value, 4)


if __name__ == "__main__":
    main()
