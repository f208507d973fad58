"""
Forget, in a dialog: what would go, who else tells it, what the weights know of it; and afterwards, what was done.

Promises: nothing is forgotten before a person has seen what it takes and has said so. Knows nothing of the rooms.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from daemon.errors import DaemonError
from daemon.text import counted, generations, listed, who_answers
from daemon.web.backend import Desk
from daemon.web.components import basic
from daemon.web.components.inputs import put_away, waiting

Found = Mapping[str, Any]
TAKEN = (("memories", "memory", "memories"), ("messages", "message", ""), ("lessons", "lesson", ""))


async def ask(desk: Desk, memory_id: int) -> bool:
    """Show what forgetting a memory would take, and do it on request; whether it was done."""
    dialog = _Forgetting(desk, memory_id)
    await dialog.refresh()
    return await dialog.over()


class _Forgetting:
    """One dialog, from the preview to the report."""

    def __init__(self, desk: Desk, memory_id: int) -> None:
        self._desk = desk
        self._chosen = [memory_id]
        self._offered: dict[int, str] = {}  # others that tell it, with their words
        self._seen: tuple[int, ...] = ()  # what the preview that is drawn takes
        self._begun = self._done = False
        with ui.dialog() as self._dialog, basic.box("dialog wide"):
            self._body = basic.box("forgetting")
        self._dialog.props["aria-label"] = "Forget"
        with self._body:
            waiting("Looking at what it would take …")

    async def over(self) -> bool:
        """Wait until it is closed."""
        await self._dialog
        has_left = self._dialog.is_deleted  # the room, with the dialog open
        put_away(self._dialog)
        return self._done and not has_left

    async def refresh(self) -> None:
        """Look up what would go with what is chosen, and show it."""
        self._dialog.open()
        chosen = tuple(self._chosen)
        found = await self._desk.ask(lambda client: client.forget_preview(chosen))
        for one in found["also_told_by"]:
            if one not in self._offered:
                self._offered[one] = (await self._why(one))["memory"]["narrative"]
        told = [(await self._why(one))["memory"] for one in found["memories"]]
        if self._begun or chosen != tuple(self._chosen):
            return
        self._seen = chosen
        self._body.clear()
        with self._body:
            self._preview(found, told)

    async def _why(self, memory_id: int) -> dict[str, Any]:
        return await self._desk.ask(lambda client: client.why(memory_id))

    def _preview(self, found: Found, told: Sequence[Found]) -> None:
        basic.text("Forget this for good?", tag="h2")
        with basic.box("goes", tag="ul"):
            for one in told:
                basic.text(one["text"], tag="li")
        basic.text(_takes(found))
        if found["generations"]:
            several = len(found["generations"]) > 1
            gone = f"{'have' if several else 'has'} learned it and will answer no more"
            which = generations(found["generations"])
            basic.text(f"{which} {gone}; the next night learns all the rest again.", "warning")
        if self._offered:
            self._offer()
        self._weights = basic.box("weights")
        with basic.box("actions"):
            basic.button("What do the weights know?", self._look, kind="link")
            basic.button("Keep it", self._dialog.close)
            basic.button("Forget for good", self._forget, kind="danger", picture="forget")

    def _offer(self) -> None:
        basic.text("Others may tell it too. Take them along?", tag="h3")
        for memory_id, line in self._offered.items():
            with basic.box("also", tag="label"):
                tick = basic.box(tag="input").props("type=checkbox")
                if memory_id in self._chosen:
                    tick.props["checked"] = True
                basic.on(tick, "change", lambda _, id=memory_id: self._toggle(id))
                basic.text(line, tag="span")

    async def _toggle(self, memory_id: int) -> None:
        if memory_id in self._chosen:
            self._chosen.remove(memory_id)
        else:
            self._chosen.append(memory_id)
        await self.refresh()

    async def _look(self) -> None:
        self._weights.clear()
        with self._weights:
            waiting("Asking the generation that answers, without its memories …")
        chosen = tuple(self._chosen)
        try:
            found = await self._desk.ask(lambda client: client.forget_preview(chosen, weights=True))
        finally:
            self._weights.clear()
        with self._weights:
            basic.text(found["weights"]["says"], "as-said")

    async def _forget(self) -> None:
        chosen = self._seen
        if chosen != tuple(self._chosen):  # a tick came between; nobody has seen yet what that takes
            await self.refresh()
            return
        self._begun = True
        self._body.clear()
        with self._body:
            waiting("Forgetting …")
        try:
            done = await self._desk.ask(lambda client: client.forget(chosen))
        except DaemonError:
            self._dialog.close()
            raise
        self._done = True
        self._body.clear()
        with self._body:
            _report(done)
            with basic.box("actions"):
                basic.button("Good", self._dialog.close, kind="main")


def _takes(found: Found) -> str:
    counts = {"memories": len(found["memories"]), "messages": found["messages"], "lessons": found["lessons"]}
    taken = [counted(counts[name], one, many) for name, one, many in TAKEN if counts[name]]
    text = f"This takes {listed(taken)} with all that was made of them, and can't be taken back."
    if found["kept_memories"]:
        kept = counted(len(found["kept_memories"]), "memory", "memories")
        text += (
            f" {kept} drawn from the same words {'stays' if len(found['kept_memories']) == 1 else 'stay'}."
        )
    return text


def _report(done: Found) -> None:
    """What was done, in sentences."""
    report = done["report"]
    taken = [counted(report[name], one, many) for name, one, many in TAKEN if report[name]]
    more = counted(report["vectors"], "vector")
    basic.text("Forgotten", tag="h2")
    basic.text(f"Gone are {listed([*taken, more])}, and every entry of the indexes that led there.")
    if report["generations"]:
        which, now = generations(report["generations"]), who_answers(done["now_live"])
        answer = "answer" if len(report["generations"]) > 1 else "answers"
        basic.text(f"{which} had learned it and {answer} no more; {now} answers until the next night.")
    if done["was_learned"]:
        basic.text(done["weights"]["says"], "as-said")
    for file in done["files"]:
        basic.text(f"An export of yours still tells it; delete it too: {file}", "warning")
