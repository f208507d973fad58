"""
What each tool does, in terms of our own API, and what it answers: short, for a language model pays by the word.
Apart from the server, for nothing here knows the protocol.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from daemon.client.client import Client
from daemon.client.schemas.memories import Edited, Memory, OneConfirmation

OPEN = ("waiting", "working")
MEANS = {
    "waiting": "The user has not answered yet, so nothing was changed. They can: on Tsubasa's page, in its tray menu, "
    "or with `tsubasa confirm`. If they allow it, it is done then.",
    "working": "The user allowed it; it is being done.",
    "done": "The user allowed it; it is done.",
    "refused": "The user refused; nothing was changed. Don't ask again unless they ask you to.",
    "expired": "The user did not answer in time; nothing was changed.",
    "void": "What it was about is no longer there; nothing was changed.",
}
LONGEST_QUOTE = 500  # characters of a message behind a memory


def search(client: Client, question: str) -> dict[str, Any]:
    """Memories that bear on a question."""
    return {"memories": [_short(one) for one in client.memories(search=question)["memories"]]}


def listed(client: Client, *, after: int, limit: int) -> dict[str, Any]:
    """Memories that hold, by number."""
    found = sorted(client.memories()["memories"], key=lambda one: int(one["id"]))
    left = [one for one in found if one["id"] > after]
    return {"memories": [_short(one) for one in left[:limit]], "more": len(left) > limit}


def why(client: Client, memory_id: int) -> dict[str, Any]:
    """One memory, its line, and the messages behind it."""
    found = client.why(memory_id)
    return {
        "memory": _short(found["memory"]) | {"state": found["memory"]["state"]},
        "before": [_short(one) for one in found["history"] if one["id"] < memory_id],
        "messages": [
            {"said_at": one["said_at"][:10], "role": one["role"], "text": one["text"][:LONGEST_QUOTE]}
            for one in found["messages"]
        ],
    }


def add(client: Client, text: str, *, since: date | None, program: str) -> dict[str, Any]:
    """Hold what an assistant says of the user; `program`: which, as it calls itself."""
    made = client.add(text, since=since.isoformat() if since else None, by="assistant", program=program)
    return {"memory": _short(made["memory"])}


def ask_to_forget(client: Client, memory_ids: Sequence[int], *, asked_by: str) -> dict[str, Any]:
    """A confirmation that waits for a person."""
    return _ended(client.ask_to("forget", memory_ids, asked_by=asked_by))


def ask_to_edit(client: Client, memory_id: int, text: str, *, asked_by: str) -> dict[str, Any]:
    """A confirmation that waits for a person."""
    return _ended(client.ask_to("edit", [memory_id], text=text, asked_by=asked_by))


def ended(client: Client, id: str) -> dict[str, Any]:
    """What became of it."""
    return _ended(client.confirmation(id))


def _ended(found: OneConfirmation) -> dict[str, Any]:
    one = found["confirmation"]
    answer: dict[str, Any] = {
        "id": one["id"],
        "state": one["state"],
        "means": MEANS.get(one["state"], f"Not done: {one['failure']}"),
    }
    if one["act"] == "edit" and one["outcome"]:
        answer["memory_id"] = cast(Edited, one["outcome"])["memory"]
    return answer


def _short(memory: Memory) -> dict[str, Any]:
    return {
        "id": memory["id"],
        "text": memory["text"],
        "since": memory["valid_from"],
        "by": memory["trust"],
    } | ({} if memory["kind"] == "fact" else {"kind": memory["kind"]})
