"""
Confirmations, over HTTP: a program asks, a person decides on the page, in the tray or with `tsubasa confirm`.

What was allowed is done here and at once, so it is exactly what was shown; who asked only sees how it ended. The words
of a memory are read from the store each time: what was forgotten meanwhile is not quoted.
"""

from typing import Annotated, Literal, cast

from fastapi import APIRouter
from pydantic import BaseModel, Field
from pydantic_core import to_jsonable_python

from daemon.api.errors import WireError
from daemon.api.own import forgetting as own_forgetting
from daemon.api.own import memories as own_memories
from daemon.api.own.memories import Text, memories_to_json
from daemon.api.wire import Id
from daemon.client.schemas import memories as schemas
from daemon.confirmations import Confirmation, Edit, Forget
from daemon.errors import KNOWN
from daemon.forgetting.forget import Wanted
from daemon.jobs import in_one_line
from daemon.services import Services
from store import forgetting, memories
from store.database import Connection
from store.errors import NoSuchMemory

LONGEST_NAME = 80  # characters of the name that a program gives itself


class ConfirmationRequest(BaseModel):
    """What a program wants to do."""

    act: Literal["forget", "edit"]
    memories: list[Id] = Field(min_length=1, max_length=100)  # exactly one for an edit
    text: Text | None = None  # what the memory should say; for an edit
    asked_by: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class Decision(BaseModel):
    """The word of a person."""

    allow: bool


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/confirmations."""
    router = APIRouter(prefix="/tsubasa/confirmations", tags=["confirmations"])
    confirmations = services.confirmations

    @router.post("")
    async def ask(wanted: ConfirmationRequest) -> schemas.OneConfirmation:
        """Have a person asked to allow that memories are forgotten, or one is edited."""
        act = _act(wanted)
        await services.store_thread.run(_check, act)
        one = confirmations.ask(act, asked_by=_plain(wanted.asked_by))
        return {"confirmation": await _to_json(services, one)}

    @router.get("")
    async def list_waiting() -> schemas.Confirmations:
        """What waits for a person."""
        shown = [await _to_json(services, one) for one in confirmations.waiting()]
        return {"confirmations": [one for one in shown if one["state"] == "waiting"]}

    @router.get("/{id}")
    async def get_confirmation(id: str) -> schemas.OneConfirmation:
        """One of them, also for a while after it was decided."""
        return {"confirmation": await _to_json(services, confirmations.get(id))}

    @router.post("/{id}")
    async def decide(id: str, wanted: Decision) -> schemas.OneConfirmation:
        """Allow it, which does it at once, or refuse it."""
        one = confirmations.decide(id, allow=wanted.allow)
        if wanted.allow:
            await do(services, one)
        return {"confirmation": await _to_json(services, one)}

    return router


def _act(wanted: ConfirmationRequest) -> Forget | Edit:
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


async def do(services: Services, one: Confirmation) -> None:
    """Do what was allowed; the one who decided hears of a failure, and it is kept for the one who asked."""
    try:
        outcome = await _outcome(services, one.act)
    except BaseException as error:
        why = in_one_line(error) if isinstance(error, KNOWN) else "something inside Tsubasa went wrong"
        services.confirmations.ended(one, "failed", failure=why)
        raise
    services.confirmations.ended(one, "done", outcome=outcome)


async def _outcome(services: Services, act: Forget | Edit) -> schemas.Forgotten | schemas.Edited:
    if isinstance(act, Edit):
        return {"memory": (await own_memories.edit(services, act.memory, act.text)).id}
    exactly_that = Wanted(memories=act.memories, certain=False)  # what was shown, and nothing more
    done = await own_forgetting.forget_now(services, exactly_that)
    done["stays"] = [{**one, "text": ""} for one in done["stays"]]  # an outcome is kept, and has no words
    return done


async def _to_json(services: Services, one: Confirmation) -> schemas.Confirmation:
    """One confirmation, with the memories that it is about while it waits."""
    found: list[schemas.Memory] = []
    takes: schemas.Affected | None = None
    if one.state == "waiting":
        try:
            scanned = await services.store_thread.run_in_slices(forgetting.scan, one.memories)
            found, takes = await services.store_thread.run(_about, one, scanned)
        except NoSuchMemory:
            services.confirmations.ended(one, "void")
    return {
        "id": one.id,
        "act": "forget" if isinstance(one.act, Forget) else "edit",
        "says": _says(one),
        "asked_by": one.asked_by,
        "asked_at": to_jsonable_python(one.asked_at),
        "expires_at": to_jsonable_python(one.expires_at),
        "state": one.state,
        "memory_ids": list(one.memories),
        "memories": found,
        "takes": takes,
        "text": one.act.text or None if isinstance(one.act, Edit) else None,
        "outcome": cast(schemas.Forgotten | schemas.Edited | None, one.outcome),
        "failure": one.failure,
    }


def _about(
    db: Connection, one: Confirmation, scanned: forgetting.Scan
) -> tuple[list[schemas.Memory], schemas.Affected | None]:
    """The memories that it is about, and what would go with them; raises `NoSuchMemory`."""
    found = memories_to_json(db, [memories.get(db, memory_id) for memory_id in one.memories])
    if isinstance(one.act, Edit):
        return found, None
    gone = forgetting.concerned(db, one.memories, scanned=scanned)
    return found, {"memories": list(gone.memories), "lessons": len(gone.lessons)}


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
