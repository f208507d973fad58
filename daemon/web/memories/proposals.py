"""
What waits for the user's word before it is a memory: each with a way to keep it, and one to leave it.
"""

from collections.abc import Sequence

from nicegui import ui

from daemon.client import calls
from daemon.client.schemas.memories import Proposal
from daemon.client.transport import AsyncClient
from daemon.text import counted, upright
from daemon.web.components import dom
from daemon.web.memories.noted import OnChange

AT_ONCE = 100  # shown, and decided with one click


async def show_proposals(backend: AsyncClient, place: ui.element, on_change: OnChange) -> None:
    """The sentences that wait, a line each, in `place`; nothing where none does."""
    found = (await backend.ask(calls.proposals()))["proposals"]
    place.clear()
    if not found:
        return
    title = f"{counted(len(found), 'sentence waits', 'sentences wait')} for your word"
    with place, dom.details(title, "card recent"):
        dom.text("Until you keep one, it is neither recalled nor learned.", "soft")
        for one in found[:AT_ONCE]:
            with dom.box("noted"):
                with dom.box("noted-words"):
                    dom.text(f"{upright(one['origin'])}:" if one["origin"] else "Noted:", "soft", tag="span")
                    dom.text(upright(one["text"]), "line", tag="span")
                _actions(backend, [one], on_change)
        if len(found) > 1:
            with dom.box("noted"):
                dom.text("All that are shown", "soft")
                _actions(backend, found[:AT_ONCE], on_change)


def _actions(backend: AsyncClient, found: Sequence[Proposal], on_change: OnChange) -> None:
    ids = [one["id"] for one in found]

    async def keep() -> None:
        done = await backend.ask(calls.decide_proposals(accept=ids))
        lost = [one for one in done["accepted"] if one["by"] == "forgotten"]
        dom.notify("That tells what you had forgotten: it was not kept." if lost else "Kept.")
        await on_change()

    async def leave() -> None:
        await backend.ask(calls.decide_proposals(refuse=ids))
        dom.notify("Not kept.")
        await on_change()

    with dom.box("noted-actions"):
        dom.button("Keep", keep, kind="link")
        dom.button("Don't keep", leave, kind="link")
