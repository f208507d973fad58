"""
Read LoCoMo's JSON: conversations of two people over months, session by session.

Both people speak for themselves, so both have the role of a user, told apart by name. A turn's external id is
"<sample_id>:<dia_id>"; the caption of a picture is part of its text.
Source: https://github.com/snap-research/locomo (data: CC BY-NC 4.0, for evaluation only).
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from daemon.inbox.formats.reader import Object, Place
from store.chats import NewMessage

_SESSION = re.compile(r"session_(\d+)")
_TIME = re.compile(r"(\d{1,2}):(\d{2}) (am|pm) on (\d{1,2}) (\w+), (\d{4})", re.IGNORECASE)
_MONTHS = "january february march april may june july august september october november december".split()


def looks_like(whole: object) -> bool:
    """Whether this is a LoCoMo file or one of its conversations."""
    first = whole[0] if isinstance(whole, list) and whole else whole
    return isinstance(first, dict) and _is_conversation(first.get("conversation", first))


def read(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The sessions of all conversations, in their order."""
    sessions = []
    for number, given in enumerate(whole if isinstance(whole, list) else [whole], start=1):
        sample = place.at(f"conversation {number}").as_object(given)
        sample_id = str(sample.get("sample_id") or f"conversation-{number}")
        here = place.at(sample_id)
        conversation = here.as_object(sample.get("conversation", sample))
        numbers = sorted(int(found[1]) for key in conversation if (found := _SESSION.fullmatch(key)))
        sessions += [_session(here, sample_id, conversation, f"session_{number}") for number in numbers]
    return sessions


def _is_conversation(given: object) -> bool:
    return isinstance(given, dict) and "speaker_a" in given and any(_SESSION.fullmatch(key) for key in given)


def _session(place: Place, sample_id: str, conversation: Object, name: str) -> list[NewMessage]:
    here = place.at(name)
    turns = here.as_list(conversation[name])
    began = _moment(here, conversation.get(f"{name}_date_time"))
    return [
        # a second each, so that the order of the turns is also the order of their times
        _turn(here.at(f"turn {at}"), sample_id, turn, began + timedelta(seconds=at - 1))
        for at, turn in enumerate(turns, start=1)
    ]


def _turn(here: Place, sample_id: str, given: Any, said_at: datetime) -> NewMessage:
    turn = here.as_object(given)
    for field in ("speaker", "dia_id", "text"):
        if not isinstance(turn.get(field), str):
            raise here.broken(f"its {field!r} is missing, or no text")
    caption = turn.get("blip_caption")
    image = f" [image: {caption}]" if isinstance(caption, str) and caption.strip() else ""
    return NewMessage(
        role="user",
        text=f"{turn['text']}{image}".strip(),
        speaker=turn["speaker"],
        external_id=f"{sample_id}:{turn['dia_id']}",
        said_at=said_at,
    )


def _moment(here: Place, given: Any) -> datetime:
    """ "1:56 pm on 8 May, 2023", in no time zone: taken as UTC."""
    found = _TIME.fullmatch(given.strip()) if isinstance(given, str) else None
    try:
        if found is None:
            raise ValueError
        hour = int(found[1]) % 12 + (12 if found[3].lower() == "pm" else 0)
        month = _MONTHS.index(found[5].lower()) + 1
        return datetime(int(found[6]), month, int(found[4]), hour, int(found[2]), tzinfo=UTC)
    except ValueError as error:
        raise here.broken(f"its date is {given!r}, not like '1:56 pm on 8 May, 2023'") from error
