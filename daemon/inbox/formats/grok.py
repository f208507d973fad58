"""
Read Grok's export: prod-grok-backend.json.

    {"conversations": [{"conversation": {"id": ..., "create_time": ...}, "responses": [
        {"response": {"_id": ..., "sender": "human", "message": "hi", "parent_response_id": ...,
                      "create_time": {"$date": {"$numberLong": "1756000000000"}}}}, ...]}]}

The path to the last response is read. A message's external id is "grok:<conversation>:<response>".
The maker publishes no schema; the shape is that of published converters.
"""

from typing import Any

from daemon.inbox.formats import reader
from daemon.inbox.formats.reader import Place, Said
from store.chats import NewMessage


def looks_like(whole: object) -> bool:
    """Whether this is an export with conversations that have responses."""
    every = whole.get("conversations") if isinstance(whole, dict) else None
    return isinstance(every, list) and any(isinstance(one, dict) and "responses" in one for one in every)


def read(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The sessions of all conversations."""
    return reader.read_each(place, place.list_in(place.as_object(whole), "conversations"), _session)


def _session(place: Place, given: Any) -> list[NewMessage]:
    one = place.as_object(given)
    conversation = place.object_in(one, "conversation")
    said = []
    for here, outer in place.objects(place.list_in(one, "responses"), "response"):
        response = here.object_in(outer, "response")
        here.leave_out(reader.MEDIA, len(here.list_in(response, "file_attachments")))
        said.append(
            Said(
                place=here,
                role=str(response.get("sender")),
                text=response.get("message"),
                id=response.get("_id"),
                before=response.get("parent_response_id"),
                time=_moment(response.get("create_time")),
            )
        )
    chat, at = conversation.get("id"), _moment(conversation.get("create_time"))
    return reader.read_said(place, said, name="grok", chat=chat, at=at)


def _moment(given: object) -> object:
    """A time of the database that it comes from: {"$date": {"$numberLong": "…"}}."""
    while isinstance(given, dict) and len(given) == 1:
        (given,) = given.values()
    return int(given) if isinstance(given, str) and given.isdecimal() else given
