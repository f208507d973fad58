"""
Read chats in the form of ShareGPT, and examples of instructions in that of Alpaca: a list, or one a line.

    {"id": ..., "conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]}
    {"instruction": "hi", "input": "", "output": "hello"}

They have no times. A message's external id is "sharegpt:<id>:<place>", where its conversation has an id.
"""

from typing import Any

from daemon.inbox.formats import reader
from daemon.inbox.formats.reader import Place, Said
from store.chats import NewMessage

_LISTS = ("conversations", "conversation")


def looks_like(whole: object) -> bool:
    """Whether this is a conversation of that form, or a list of them."""
    first = whole[0] if isinstance(whole, list) and whole else whole
    if not isinstance(first, dict):
        return False
    if isinstance(first.get("instruction"), str) and isinstance(first.get("output"), str):
        return True
    turns = reader.first_of(first, _LISTS)
    return isinstance(turns, list) and any(isinstance(one, dict) and "from" in one for one in turns)


def read(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The sessions of all conversations."""
    return reader.read_each(place, whole, _session)


def _session(place: Place, given: Any) -> list[NewMessage]:
    one = place.as_object(given)
    if "instruction" in one:
        parts = (place.text_in(one, "instruction"), place.text_in(one, "input"))
        asked = Said(place=place, role="user", text="\n\n".join(filter(None, parts)))
        said = [asked, Said(place=place, role="assistant", text=place.text_in(one, "output"))]
        return reader.read_said(place, said, name="alpaca", chat=None)
    said = []
    turns = place.objects(reader.first_of(one, _LISTS), "message")
    for number, (here, message) in enumerate(turns, start=1):
        said.append(
            Said(place=here, role=str(message.get("from")), text=message.get("value"), id=str(number))
        )
    return reader.read_said(place, said, name="sharegpt", chat=one.get("id"))
