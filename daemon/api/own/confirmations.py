"""
Confirmations, over HTTP: a program asks, a person decides on the page, in the tray or with `tsubasa confirm`.

What was allowed is done here and at once, so it is exactly what was shown; who asked only sees how it ended.
The words of a memory are read from the store each time: what was forgotten meanwhile is no longer quoted.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from daemon.api.own import forgetting as own_forgetting
from daemon.api.own import own_changes
from daemon.api.own.memories import told
from daemon.api.own.own_changes import Id, Text
from daemon.api.wire_error import WireError
from daemon.confirmations import Confirmation, Edit, Forget
from daemon.errors import KNOWN
from daemon.jobs import told as in_one_line
from daemon.services import Services
from store import forgetting, memories
from store.database import Connection
from store.errors import NoSuchMemory

LONGEST_NAME = 80  # characters of the name that a program gives itself
NOTHING: dict[str, Any] = {"memories": [], "takes": None}


class Ask(BaseModel):
    """The body of POST /tsubasa/confirmations."""

    act: Literal["forget", "edit"]
    memories: list[Id] = Field(min_length=1, max_length=100)  # exactly one for an edit
    text: Text | None = None  # what the memory should say; for an edit
    asked_by: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class Decide(BaseModel):
    """The body of POST /tsubasa/confirmations/{id}."""

    allow: bool


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/confirmations."""
    router = APIRouter(prefix="/tsubasa/confirmations")
    held = services.confirmations

    @router.post("")
    async def asked(wanted: Ask) -> dict[str, Any]:
        act = _act(wanted)
        await services.store_thread.run(_check, act)
        one = held.ask(act, asked_by=_plain(wanted.asked_by))
        return {"confirmation": await _told(services, one)}

    @router.get("")
    async def listed() -> dict[str, Any]:
        shown = [await _told(services, one) for one in held.waiting()]
        return {"confirmations": [one for one in shown if one["state"] == "waiting"]}

    @router.get("/{id}")
    async def looked_at(id: str) -> dict[str, Any]:
        return {"confirmation": await _told(services, held.get(id))}

    @router.post("/{id}")
    async def decided(id: str, wanted: Decide) -> dict[str, Any]:
        one = held.decide(id, allow=wanted.allow)
        if wanted.allow:
            await _do(services, one)
        return {"confirmation": await _told(services, one)}

    return router


def _act(wanted: Ask) -> Forget | Edit:
    if wanted.act == "forget":
        if wanted.text is not None:
            raise WireError(400, "text is for an edit only.", code="invalid_value", param="text")
        return Forget(memories=tuple(dict.fromkeys(wanted.memories)))
    if len(wanted.memories) != 1:
        raise WireError(400, "An edit is of one memory.", code="invalid_value", param="memories")
    if not wanted.text or not wanted.text.strip():
        why = "An edit needs the text that the memory should say."
        raise WireError(400, why, code="invalid_value", param="text")
    return Edit(memory=wanted.memories[0], text=wanted.text.strip())


def _check(db: Connection, act: Forget | Edit) -> None:
    """What can't be done is not worth a question."""
    for memory_id in act.memories if isinstance(act, Forget) else (act.memory,):
        memories.get(db, memory_id)


async def _do(services: Services, one: Confirmation) -> None:
    """Do what was allowed; a failure is told to the one who decided, and kept for the one who asked."""
    try:
        if isinstance(one.act, Forget):
            outcome = await own_forgetting.forget_now(services, list(one.act.memories))
        else:
            made = await own_changes.edit(services, one.act.memory, one.act.text)
            outcome = {"memory": made.id}
    except BaseException as error:
        why = in_one_line(error) if isinstance(error, KNOWN) else "something inside Tsubasa went wrong"
        services.confirmations.ended(one, "failed", failure=why)
        raise
    services.confirmations.ended(one, "done", outcome=outcome)


async def _told(services: Services, one: Confirmation) -> dict[str, Any]:
    """One confirmation as it goes over the wire, with the memories that it is about while it waits."""
    shown = await services.store_thread.run(_shown, one) if one.state == "waiting" else NOTHING
    if shown is None and one.state == "waiting":
        services.confirmations.ended(one, "void")
    return {
        "id": one.id,
        "act": "forget" if isinstance(one.act, Forget) else "edit",
        "says": _says(one),
        "asked_by": one.asked_by,
        "asked_at": one.asked_at,
        "expires_at": one.expires_at,
        "state": one.state,
        "memory_ids": list(one.memories),
        **(shown or NOTHING),
        "text": one.act.text or None if isinstance(one.act, Edit) else None,
        "outcome": one.outcome,
        "failure": one.failure,
    }


def _shown(db: Connection, one: Confirmation) -> dict[str, Any] | None:
    """The memories that it is about and what would go with them; None when one of them is gone."""
    try:
        shown = told(db, [memories.get(db, memory_id) for memory_id in one.memories])
    except NoSuchMemory:
        return None
    if isinstance(one.act, Edit):
        return {"memories": shown, "takes": None}
    gone = forgetting.concerned(db, one.memories)
    return {"memories": shown, "takes": {"memories": list(gone.memories), "lessons": len(gone.lessons)}}


def _says(one: Confirmation) -> str:
    """What is asked, in one line without the user's words."""
    if isinstance(one.act, Edit):
        return f"{one.asked_by} wants to put memory {one.act.memory} in other words."
    numbers = ", ".join(map(str, one.memories))
    which = f"memory {numbers}" if len(one.memories) == 1 else f"the memories {numbers}"
    return f"{one.asked_by} wants to forget {which} for good."


def _plain(name: str) -> str:
    """A program's name in one line, without characters that would change how it is shown."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split()) or "A program"
