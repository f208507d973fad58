"""
How often the right standing instruction lies beside a question: `python -m bench.recall_standing --data BEAM_FOLDER`.

    every sentence of the person ─> a memory, a fact ─┐
    what BEAM says was asked for ─> a memory ─────────┴─> recall, as the daemon calls it ─> is it among the lines?

BEAM's instructions and preferences, development chats only (`recall_data.py`), one store for each chat; what observe
would have to find is taken from BEAM, so this is recall alone.

    as facts   they are memories like all others               standing   they have their kind
    crowded    so has every sentence with "always", "never" or "prefer": about ten more for each chat

`other`: mean number of standing lines beside the questions of all other abilities.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.recall_data import DEVELOPMENT, Conversation, NotMeasurable, load
from bench.recall_kept import KeptVectors
from daemon.embedding.client import Embedder
from daemon.memory.indexing import index_missing
from daemon.memory.recall import recall
from daemon.store_thread import StoreThread
from store import memories
from store.database import Connection, open_store

TESTED = {
    "instruction_following": "instruction_being_tested",
    "preference_following": "preference_being_tested",
}
ARMS = ("as facts", "standing", "crowded")
SHORTEST, LONGEST = 20, 300  # characters of a sentence that is held
BYTES = 4  # of a token
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_RULE = re.compile(r"\b(always|never|prefer)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """One chat: what the person said and wants, and what is asked."""

    name: str
    said: dict[str, str]  # each sentence of the person, and the id of its turn
    tested: list[tuple[str, str, str, frozenset[str]]]  # ability, question, what was asked for, its turns
    others: list[str]  # questions of the other abilities


@dataclass(slots=True, kw_only=True)
class Tally:
    """What one arm has found."""

    found: dict[str, list[bool]] = field(default_factory=dict)  # by ability
    tokens: list[float] = field(default_factory=list)
    other: list[int] = field(default_factory=list)  # standing lines beside other questions


def read(folder: Path) -> list[Talk]:
    """The development chats of a BEAM folder. Raises `NotMeasurable`."""
    return [_talk(folder, talk) for talk in load(folder) if talk.name in DEVELOPMENT["BEAM"]]


def _talk(folder: Path, talk: Conversation) -> Talk:
    turns = [turn for session in talk.sessions for turn in session if turn.role == "user"]
    said = {
        found[0].strip()[:LONGEST]: str(turn.external_id)
        for turn in turns
        for found in _SENTENCE.finditer(turn.text)
        if len(found[0].strip()) > SHORTEST
    }
    given = json.loads((folder / f"{talk.name}.questions.json").read_text(encoding="utf-8"))
    evidence = {question.text: question.evidence for question in talk.questions}
    return Talk(
        name=talk.name,
        said=said,
        tested=[
            (ability, one["question"], one[key], evidence.get(one["question"], frozenset()))
            for ability, key in TESTED.items()
            for one in given[ability]
        ],
        others=[one["question"] for ability in given if ability not in TESTED for one in given[ability]],
    )


def fill(db: Connection, talk: Talk, arm: str) -> None:
    """Hold every sentence, and what was asked for, as this arm does."""
    wanted = {statement for _, _, statement, _ in talk.tested}
    for text in [*talk.said, *wanted]:
        crowds = arm == "crowded" and _RULE.search(text)
        kind = "standing" if arm != "as facts" and (text in wanted or crowds) else "fact"
        memories.add(db, text, told_on=date(2026, 3, 5), sources=[], kind=kind)


async def ask(talk: Talk, arm: str, embedder: Embedder, folder: Path, tally: Tally) -> None:
    """Put all questions of one chat."""
    store_thread = StoreThread(partial(open_store, folder / f"{talk.name} {arm}.db", b"k" * 32))
    await store_thread.open()
    try:
        await store_thread.run(fill, talk, arm)
        await index_missing(store_thread, embedder)
        for ability, question, statement, turns in talk.tested:
            found = await recall(store_thread, embedder, question, standing=True)
            right = any(
                one.text == statement or (talk.said.get(one.text) in turns and _RULE.search(one.text))
                for one in found.memories
            )
            tally.found.setdefault(ability, []).append(bool(right))
            tally.tokens.append(len("\n".join(found.lines).encode()) / BYTES)
        for question in talk.others:
            found = await recall(store_thread, embedder, question, standing=True)
            tally.other.append(sum(one.kind != "fact" for one in found.memories))
    finally:
        await store_thread.close()


async def measure(talks: Sequence[Talk], embedder: KeptVectors) -> dict[str, dict[str, Any]]:
    """By arm: percent by ability, mean tokens, mean standing lines beside other questions."""
    results = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            for arm in ARMS:
                tally = Tally()
                for talk in talks:
                    await ask(talk, arm, embedder, Path(folder), tally)
                results[arm] = {
                    **{
                        ability: round(100 * float(np.mean(hits)), 1) for ability, hits in tally.found.items()
                    },
                    "questions": len(tally.tokens),
                    "tokens": round(float(np.mean(tally.tokens))),
                    "other": round(float(np.mean(tally.other)), 2),
                }
    finally:
        await embedder.stop()
    return results


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder of BEAM's chats")
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kept", type=Path, help="vectors of earlier runs (.npz); new ones are added")
    given = parser.parse_args()
    try:
        talks = read(given.data)
    except NotMeasurable as error:
        sys.exit(str(error))
    embedder = KeptVectors.for_model(given.embedder, threads=given.threads)
    embedder.keep_in(given.kept)
    began = datetime.now(UTC)
    results = asyncio.run(measure(talks, embedder))
    took_s = round((datetime.now(UTC) - began).total_seconds())
    sys.stdout.write(json.dumps({"embedder": given.embedder, **results, "seconds": took_s}) + "\n")


if __name__ == "__main__":
    main()
