"""
Read LoCoMo's JSON: conversations of two people over months, session by session.

Both people speak for themselves, so both have the role of a user, told apart by name. A turn's external id is
"<sample_id>:<dia_id>"; the caption of a picture is part of its text.
Source: https://github.com/snap-research/locomo (data: CC BY-NC 4.0, for evaluation only).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from daemon.inbox.errors import BrokenExport
from store.chats import NewMessage

_SESSION = re.compile(r"session_(\d+)")
_TIME = re.compile(r"(\d{1,2}):(\d{2}) (am|pm) on (\d{1,2}) (\w+), (\d{4})", re.IGNORECASE)
_MONTHS = "january february march april may june july august september october november december".split()


def looks_like(whole: object) -> bool:
    """Whether this is a LoCoMo file or one of its conversations."""
    first = whole[0] if isinstance(whole, list) and whole else whole
    return isinstance(first, dict) and _is_conversation(first.get("conversation", first))


def read(name: str, whole: Any) -> list[list[NewMessage]]:
    """The sessions of all conversations, in their order. Raises `BrokenExport`, which names the place."""
    samples = whole if isinstance(whole, list) else [whole]
    sessions = []
    for place, sample in enumerate(samples, start=1):
        if not isinstance(sample, dict):
            raise BrokenExport(name, f"conversation {place}", "it is no JSON object")
        sample_id = str(sample.get("sample_id") or f"conversation-{place}")
        conversation = sample.get("conversation", sample)
        if not isinstance(conversation, dict):
            raise BrokenExport(name, sample_id, "'conversation' is no JSON object")
        numbers = sorted(int(found[1]) for key in conversation if (found := _SESSION.fullmatch(key)))
        sessions += [_session(name, sample_id, conversation, number) for number in numbers]
    return sessions


def _is_conversation(given: object) -> bool:
    return isinstance(given, dict) and "speaker_a" in given and any(_SESSION.fullmatch(key) for key in given)


def _session(name: str, sample_id: str, conversation: Mapping[str, Any], number: int) -> list[NewMessage]:
    place = f"{sample_id}, session_{number}"
    turns = conversation[f"session_{number}"]
    if not isinstance(turns, list):
        raise BrokenExport(name, place, "it is no list of turns")
    began = _moment(name, place, conversation.get(f"session_{number}_date_time"))
    return [
        # a second each, so that the order of the turns is also the order of their times
        _turn(name, f"{place}, turn {at}", sample_id, turn, began + timedelta(seconds=at - 1))
        for at, turn in enumerate(turns, start=1)
    ]


def _turn(name: str, place: str, sample_id: str, turn: Any, said_at: datetime) -> NewMessage:
    if not isinstance(turn, dict):
        raise BrokenExport(name, place, "it is no JSON object")
    for field in ("speaker", "dia_id", "text"):
        if not isinstance(turn.get(field), str):
            raise BrokenExport(name, place, f"its {field!r} is missing, or no text")
    caption = turn.get("blip_caption")
    image = f" [image: {caption}]" if isinstance(caption, str) and caption.strip() else ""
    return NewMessage(
        role="user",
        text=f"{turn['text']}{image}".strip(),
        speaker=turn["speaker"],
        external_id=f"{sample_id}:{turn['dia_id']}",
        said_at=said_at,
    )


def _moment(name: str, place: str, given: Any) -> datetime:
    """ "1:56 pm on 8 May, 2023", in no time zone: taken as UTC."""
    found = _TIME.fullmatch(given.strip()) if isinstance(given, str) else None
    try:
        if found is None:
            raise ValueError
        hour = int(found[1]) % 12 + (12 if found[3].lower() == "pm" else 0)
        month = _MONTHS.index(found[5].lower()) + 1
        return datetime(int(found[6]), month, int(found[4]), hour, int(found[2]), tzinfo=UTC)
    except ValueError as error:
        raise BrokenExport(
            name, place, f"its date is {given!r}, not like '1:56 pm on 8 May, 2023'"
        ) from error
