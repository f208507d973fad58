"""
Read what WhatsApp and Telegram export: people who talk to each other, each named.

    [05.03.26, 18:00:12] Anna: See you in Ghent?                     WhatsApp, as an iPhone writes it
    3/5/26, 6:00 PM - Anna: See you in Ghent?                        and as Android does
    {"name": "Anna", "type": "personal_chat", "messages": [          Telegram's result.json, of one chat or of all
        {"id": 1, "type": "message", "date_unixtime": "1772733600", "from": "Anna", "text": "See you in Ghent?"}]}

All of them have the role of a user, told apart by name, so that what one says is never another's; a new day begins a
new session. What the program itself says, pictures and the like are counted. Where days and months can't be told
apart in all of a file, a clock of twelve hours means that the month comes first. Telegram's external ids are
"telegram:<chat>:<message>".
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from daemon.inbox.formats import reader
from daemon.inbox.formats.reader import Object, Place
from store.chats import NewMessage

_MARKS = "\u200e\u200f\u202a\u202c\ufeff"
_LINE = re.compile(
    rf"[{_MARKS}]*\[?(\d{{1,4}})[./-](\d{{1,2}})[./-](\d{{2,4}}),?[\s\u202f]+"
    r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?[\s\u202f]*([ap])?\.?\s?(?:m\.?)?\]?[\s\u202f]*[-–]?\s+"
    rf"[{_MARKS}]*(?:([^:\n]{{1,60}}):\s)?(.*)",
    re.IGNORECASE,
)
_OMITTED = re.compile(
    rf"[{_MARKS}]*(?:<[^<>\n]{{3,40}}>|\S+ (?:omitted|weggelassen|omitido|omis|omesso))\s*$", re.I
)
WHATSAPP = "WhatsApp chat"


def looks_like_whatsapp(text: str) -> bool:
    """Whether two of the first lines are dated, and somebody says something in them."""
    found = [_LINE.match(line) for line in text.split("\n", 30)[:30]]
    return sum(bool(one and one[8]) for one in found) >= 2


def read_whatsapp(place: Place, text: str) -> list[list[NewMessage]]:
    """The sessions, one for each day."""
    lines = list(_messages(text))
    first_is_month = _first_is_month([found for found, _ in lines])
    days: dict[object, list[NewMessage]] = {}
    for number, (found, said) in enumerate(lines, start=1):
        here = place.at(f"message {number}")
        if not found[8]:
            here.leave_out(reader.SYSTEM)
        elif _OMITTED.fullmatch(said):
            here.leave_out(reader.MEDIA)
        elif said.strip():
            at = here.as_time(_moment(here, found, first_is_month))
            day = at.astimezone().date() if at else None
            new = NewMessage(role="user", text=said.strip(), speaker=found[8].strip(_MARKS + " "), said_at=at)
            days.setdefault(day, []).append(new)
    return list(days.values())


def _messages(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """How each message begins, and all of its lines."""
    begun: re.Match[str] | None = None
    said: list[str] = []
    for line in text.split("\n"):
        found = _LINE.match(line.rstrip("\r"))
        if found:
            if begun:
                yield begun, "\n".join(said)
            begun, said = found, [found[9]]
        else:
            said.append(line.rstrip("\r"))
    if begun:
        yield begun, "\n".join(said)


def _first_is_month(lines: list[re.Match[str]]) -> bool:
    if any(int(one[1]) > 12 for one in lines):
        return False
    return any(int(one[2]) > 12 for one in lines) or any(one[7] for one in lines)


def _moment(here: Place, found: re.Match[str], first_is_month: bool) -> str:
    one, two, three, hour, minute, second = (int(found[n] or 0) for n in range(1, 7))
    if len(found[1]) == 4:
        year, month, day = one, two, three
    else:
        year = three + 2000 if three < 100 else three
        day, month = (two, one) if first_is_month else (one, two)
    if found[7]:
        hour = hour % 12 + 12 * (found[7].lower() == "p")
    try:
        return datetime(year, month, day, hour, minute, second).isoformat()
    except ValueError as error:
        raise here.broken(f"{found[0][:20]!r} is no time") from error


def looks_like_telegram(whole: object) -> bool:
    """Whether this is an export of one chat, or of all."""
    return isinstance(whole, dict) and (
        _is_chat(whole) or any(_is_chat(one) for one in _listed(whole.get("chats")))
    )


def read_telegram(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The sessions, one for each chat and day."""
    given = place.as_object(whole)
    every = [given] if _is_chat(given) else _listed(given.get("chats"))
    found = reader.read_each(place, every, _chat, kind="chat")
    return [session for messages in found for session in _days(messages)]


def _listed(chats: object) -> list[Any]:
    every = chats.get("list") if isinstance(chats, dict) else None
    return every if isinstance(every, list) else []


def _is_chat(given: object) -> bool:
    messages = given.get("messages") if isinstance(given, dict) else None
    return isinstance(messages, list) and any(
        isinstance(one, dict) and ("from_id" in one or "date_unixtime" in one) for one in messages[:50]
    )


def _chat(place: Place, given: Any) -> list[NewMessage]:
    chat = place.as_object(given)
    found = []
    for here, message in place.objects(place.list_in(chat, "messages"), "message"):
        if message.get("type") != "message":
            here.leave_out(reader.SYSTEM)
            continue
        here.leave_out(reader.MEDIA, any(key in message for key in ("photo", "file", "media_type")))
        text = _text(here, message)
        if message.get("forwarded_from"):
            text = reader.pasted("forwarded", text)
        if not text.strip():
            here.leave_out(reader.EMPTY)
            continue
        stamp = message.get("date_unixtime")
        found.append(
            NewMessage(
                role="user",
                text=text,
                speaker=str(message.get("from") or message.get("from_id") or ""),
                external_id=reader.external_id("telegram", chat.get("id"), message.get("id")),
                said_at=here.as_time(int(str(stamp)) if str(stamp).isdecimal() else message.get("date")),
            )
        )
    return found


def _text(here: Place, message: Object) -> str:
    given = message.get("text")
    if not isinstance(given, list):
        return here.as_text(given)
    return "".join(
        one if isinstance(one, str) else here.text_in(here.as_object(one), "text") for one in given
    )


def _days(messages: list[NewMessage]) -> list[list[NewMessage]]:
    days: dict[object, list[NewMessage]] = {}
    for one in messages:
        days.setdefault(one.said_at.astimezone().date() if one.said_at else None, []).append(one)
    return list(days.values())
