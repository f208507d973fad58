"""
A base model's own words: its answers to `data/general.toml`, which are taught beside the skills, so that it stays
what it was. Made once per base, by the engine that serves it: python -m models.skills.own_words --base F --run FOLDER

    prompts, categories mixed ──> the base's answer; of every third another one, sampled ──> FOLDER/own_words.jsonl
"""

import argparse
import asyncio
import json
import random
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TextIO

from daemon.engine.client import Engine
from daemon.lessons.general import goes_nowhere, own_answer
from daemon.memory.recall import system_text
from daemon.processes.errors import ChildError
from daemon.text import normalised

NAME = "own_words.jsonl"
AT_ONCE = 8  # chats that share the engine's batches
LONGEST = 96  # tokens of an answer
CONTEXT = 2048  # tokens a chat may have
AGAIN_EVERY = 3  # every third prompt is asked again
MOST_BESIDE = 4  # memories
Messages = list[dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the base is asked: the user's turns of one chat."""

    category: str
    said: tuple[str, ...]
    again: int = 0  # 0: its likeliest answer; 1: another one

    @property
    def key(self) -> tuple[str, ...]:
        """The same for the same chat in the same way."""
        return (str(self.again), *map(normalised, self.said))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One chat with the base's own answers; a line of the file."""

    messages: Messages  # of user and assistant by turns, the assistant's last
    category: str
    again: int = 0

    @property
    def key(self) -> tuple[str, ...]:
        """As `Asked.key`."""
        said = [one["content"] for one in self.messages if one["role"] == "user"]
        return Asked(category=self.category, said=tuple(said), again=self.again).key


@cache
def asked() -> tuple[Asked, ...]:
    """All that the base is asked, each category spread over the whole; behind it every third again."""
    text = (files("models.skills") / "data" / "general.toml").read_text(encoding="utf-8")
    placed: list[tuple[float, Asked]] = []
    for category, prompts in tomllib.loads(text).items():
        for place, prompt in enumerate(prompts):
            said = (prompt,) if isinstance(prompt, str) else tuple(prompt)
            placed.append(((place + 0.5) / len(prompts), Asked(category=category, said=said)))
    once = [one for _, one in sorted(placed, key=lambda pair: pair[0])]
    again = [Asked(category=one.category, said=one.said, again=1) for one in once[::AGAIN_EVERY]]
    return (*once, *again)


def rows(path: Path) -> list[Row]:
    """
    The rows of a file that `write` made; of a last line that was cut short nothing.

    Raises:
        FileNotFoundError: there is none yet.
        ValueError: a line in the middle is none of ours; says which one.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(Row(**json.loads(line)))
        except (ValueError, TypeError) as error:
            if number == len(lines):
                break
            raise ValueError(
                f"Can't read line {number} of {path}: it is no row of own words. Delete the line, or the file, "
                f"and run models.skills.own_words again."
            ) from error
    return found


def beside(rng: random.Random, row: Row, lines: Sequence[str]) -> Messages:
    """
    The chat of `row` with one to four of `lines` before its last user turn, as recall lays memories before a model.

    The answers stay those that the base gave without them: so it learns to leave memories aside. Only the last one is
    an answer to a chat with memories.

    Args:
        lines: memories with their days that don't bear on the chat, oldest first; at least one.
    """
    count = min(len(lines), rng.randint(1, MOST_BESIDE))
    chosen = [lines[place] for place in sorted(rng.sample(range(len(lines)), count))]
    turn = {"role": "system", "content": system_text(chosen, tiny=False) or ""}
    return [*row.messages[:-2], turn, *row.messages[-2:]]


async def write(
    engine: Engine, path: Path, questions: Sequence[Asked], note: Callable[[int, int], Any] = lambda *_: None
) -> int:
    """
    Ask the base `questions` that the file does not have yet, and append its answers; how many rows were added.

    What it has no answer to but circles and silence is left out.

    Args:
        note: called after each answer with which it was in their order, and of how many.
    Raises:
        ChildError, OSError: what was answered before is in the file; go on by the same call.
    """
    there = {row.key for row in _whole(path)}
    left = [one for one in questions if one.key not in there]
    waiting = iter(enumerate(left, start=1))
    with path.open("a", encoding="utf-8") as file:

        async def work() -> int:
            added = 0
            for place, one in waiting:
                if (row := await _answered(engine, one)) is not None:
                    _append(file, row)
                    added += 1
                note(place, len(left))
            return added

        workers = [asyncio.create_task(work()) for _ in range(AT_ONCE)]
        try:
            return sum(await asyncio.gather(*workers))
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)


def _whole(path: Path) -> list[Row]:
    """The rows that are there, once a last line that was cut short is gone."""
    if not path.exists():
        return []
    data = path.read_bytes()
    if not data.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)
    return rows(path)


def _append(file: TextIO, row: Row) -> None:
    told = {"messages": row.messages, "category": row.category, "again": row.again}
    file.write(json.dumps(told, ensure_ascii=False) + "\n")
    file.flush()


async def _answered(engine: Engine, one: Asked) -> Row | None:
    """The base's answers to the user's turns, one after the other; None where it has none."""
    messages: Messages = []
    for place, said in enumerate(one.said):
        messages.append({"role": "user", "content": said})
        seed = 1000 * one.again + place
        answer = await own_answer(engine, messages, seed=seed, longest=LONGEST, sampled=one.again > 0)
        if not answer or goes_nowhere(answer):
            return None
        messages.append({"role": "assistant", "content": answer})
    return Row(messages=messages, category=one.category, again=one.again)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the own words of one base; 0, or 1 where they can't be made."""
    parser = argparse.ArgumentParser(prog="python -m models.skills.own_words", description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="the model's GGUF file")
    parser.add_argument("--run", type=Path, required=True, help="the folder that the rows are kept in")
    parser.add_argument("--threads", type=int, default=0, help="1 beside other work; 0: one for each core")
    parser.add_argument("--gpu-layers", type=int, default=0, help="layers on the GPU; -1: all")
    parser.add_argument("--most", type=int, help="questions to ask at most; all by default")
    chosen = parser.parse_args(arguments)
    try:
        count = asyncio.run(_made(chosen))
    except (ChildError, OSError, ValueError) as error:
        sys.stderr.write(f"Can't make the model's own words: {error}\n")
        return 1
    sys.stderr.write(f"{count} rows in {chosen.run / NAME}\n")
    return 0


async def _made(chosen: argparse.Namespace) -> int:
    if not chosen.base.is_file():
        raise ValueError(f"there is no file {chosen.base}. Name the base's GGUF file by --base.")
    chosen.run.mkdir(parents=True, exist_ok=True)
    path = chosen.run / NAME
    engine = Engine.for_model(
        chosen.base, n_ctx=CONTEXT, threads=chosen.threads, gpu_layers=chosen.gpu_layers, idle_s=3600
    )
    try:
        await write(engine, path, asked()[: chosen.most], _progress)
    finally:
        await engine.stop()
    return len(rows(path))


def _progress(done: int, of: int) -> None:
    if done % 20 == 0:
        sys.stderr.write(f"{done} of {of}\n")


if __name__ == "__main__":
    sys.exit(main())
