"""
What was noted, to be looked through: each memory with a way to take it back or to put it right.

It stands under the message that told it, and in the list of what has changed since yesterday.
"""

from collections.abc import Awaitable, Callable, Sequence

from daemon.client import calls
from daemon.client.schemas.chats import Noted
from daemon.client.transport import AsyncClient
from daemon.text import upright
from daemon.web.components import dom

OnChange = Callable[[], Awaitable[None]]


def show_noted(backend: AsyncClient, found: Sequence[Noted], on_change: OnChange) -> None:
    """The memories, a line each; one that has replaced another says so, and what."""
    for one in found:
        with dom.box(f"noted {'replaces' if one['op'] == 'RECONCILE' else ''}"):
            with dom.box("noted-words"):
                dom.text("Changed:" if one["op"] == "RECONCILE" else "Noted:", "soft", tag="span")
                dom.memory_link(upright(one["text"]), one["memory_id"], classes="link line")
                if one["was"] and one["op"] == "RECONCILE":
                    dom.text(upright(one["was"]), "was", tag="s")
            _actions(backend, one, on_change)


def _actions(backend: AsyncClient, one: Noted, on_change: OnChange) -> None:
    async def undo() -> None:
        await backend.ask(calls.undo(event=one["event_id"]))
        dom.notify("Undone.")
        await on_change()

    async def correct() -> None:
        with dom.dialog("Correct this") as dialog:
            dom.text("What should it say?", tag="h2")
            field = dom.Field("Memory", value=one["text"], lines=2, name="memory")
            with dom.box("actions"):
                dom.button("Cancel", dialog.close)
                dom.button("Save", lambda: dialog.submit(field.value), kind="main")
        words = await dom.answer_of(dialog)
        if words and words.strip() and words.strip() != one["text"]:
            await backend.ask(calls.edit(one["memory_id"], words.strip()))
            dom.notify("Put right.")
            await on_change()

    with dom.box("noted-actions"):
        dom.button("Undo", undo, kind="link")
        dom.button("Correct", correct, kind="link")
