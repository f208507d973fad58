"""
The talks that `bench.recall` measures with, and which of them weights may be chosen by.

    locomo10.json       LoCoMo: two people over months; short turns; evidence by turn   (categories 1 to 4)
    a folder of         BEAM: one person with an assistant over months; long replies   (abilities with evidence)
        N.chat.json, N.questions.json

Both for evaluation only: bring your own copy. Questions without a turn as evidence are left out. The development
split is LoCoMo's conv-26 and conv-30 and BEAM's chats 1 to 4; all others are the test split.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from daemon.inbox.formats import locomo
from daemon.inbox.formats.reader import Place
from store.chats import NewMessage

LOCOMO, BEAM = "LoCoMo", "BEAM"
DEVELOPMENT = {LOCOMO: {"conv-26", "conv-30"}, BEAM: {"1", "2", "3", "4"}}
CATEGORIES = {
    1: "1 multi-hop",
    2: "2 temporal",
    3: "3 open-domain",
    4: "4 single-hop",
}  # 5 has no evidence to find
_PLACE = re.compile(r"\s*->->[^>]*$")  # what BEAM puts behind each text of the user


class NotMeasurable(Exception):
    """The file or folder can't be measured with."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"Can't measure with {path}: {reason}. Give LoCoMo's file (https://github.com/snap-research/locomo) "
            "or a folder of BEAM's chats (https://github.com/mohammadtavakoli78/BEAM)."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, and the turns that it needs."""

    text: str
    kind: str  # LoCoMo's category, BEAM's ability
    evidence: frozenset[str]  # external ids of messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One talk over months, session by session, with what is asked about it."""

    origin: str  # LOCOMO or BEAM
    name: str
    sessions: list[list[NewMessage]]
    questions: list[Question]

    @property
    def is_development(self) -> bool:
        """Whether weights may be chosen by it."""
        return self.name in DEVELOPMENT[self.origin]


def load(path: Path) -> list[Conversation]:
    """The conversations of a LoCoMo file or of a BEAM folder. Raises `NotMeasurable`."""
    if path.is_dir():
        chats = sorted(path.glob("*.chat.json"), key=lambda file: (len(file.name), file.name))
        if not chats:
            raise NotMeasurable(path, "no file in it ends in .chat.json")
        return [_beam(chat) for chat in chats]
    samples = _json(path)
    if not isinstance(samples, list) or not samples or not locomo.looks_like(samples):
        raise NotMeasurable(path, "it is no list of LoCoMo conversations")
    return [_locomo(sample) for sample in samples]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotMeasurable(path, "there is no such file") from error
    except (OSError, ValueError) as error:
        raise NotMeasurable(path, str(error)) from error


def _locomo(sample: dict[str, Any]) -> Conversation:
    name = str(sample.get("sample_id"))
    sessions = locomo.read(Place(name), [sample])
    said = {turn.external_id for session in sessions for turn in session}
    questions = []
    for one in sample.get("qa", []):
        evidence = frozenset(f"{name}:{id}" for id in one.get("evidence", [])) & said  # not "D8:6; D9:17"
        if one["category"] in CATEGORIES and evidence:
            kind = CATEGORIES[one["category"]]
            questions.append(
                Question(text=one["question"], kind=kind, evidence=frozenset(map(str, evidence)))
            )
    return Conversation(origin=LOCOMO, name=name, sessions=sessions, questions=questions)


def _beam(chat: Path) -> Conversation:
    name = chat.name.removesuffix(".chat.json")
    asked = chat.with_name(f"{name}.questions.json")
    try:
        batches = _json(chat)
        sessions = [_batch(name, batches[at]) for at in range(len(batches))]
        said = {turn.external_id for session in sessions for turn in session}
        questions = []
        for ability, given in _json(asked).items():
            for one in given:
                evidence = {f"{name}:{id}" for id in _numbers(one.get("source_chat_ids"))} & said
                if evidence:
                    found = frozenset(map(str, evidence))
                    questions.append(Question(text=one["question"], kind=ability, evidence=found))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise NotMeasurable(chat, f"it or {asked.name} is not as BEAM's are ({error!r})") from error
    return Conversation(origin=BEAM, name=name, sessions=sessions, questions=questions)


def _batch(name: str, batch: dict[str, Any]) -> list[NewMessage]:
    """A batch is one chat of one day: its first turn has the date."""
    turns = [turn for part in batch["turns"] for turn in part]
    day = [turn["time_anchor"] for turn in turns if turn.get("time_anchor")][0]
    began = datetime.strptime(day, "%B-%d-%Y").replace(hour=12, tzinfo=UTC)
    return [
        NewMessage(
            role=turn["role"],
            text=_PLACE.sub("", turn["content"]) if turn["role"] == "user" else turn["content"],
            external_id=f"{name}:{turn['id']}",
            said_at=began + timedelta(seconds=at),
        )
        for at, turn in enumerate(turns)
    ]


def _numbers(given: Any) -> Iterator[int]:
    """The message ids in a list, or in lists by group."""
    if isinstance(given, int):
        yield given
    elif isinstance(given, list | dict):
        for one in given.values() if isinstance(given, dict) else given:
            yield from _numbers(one)
