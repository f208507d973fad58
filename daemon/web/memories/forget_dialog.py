"""
Forget, in a dialog: what would go, who else tells it, what the weights know of it; and afterwards, what was done.

Nothing is forgotten before a person has seen what it takes and has said so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from daemon.client import calls
from daemon.client.schemas.memories import Memory
from daemon.client.transport import AsyncClient
from daemon.errors import DaemonError
from daemon.text import counted, generations, listed, who_answers
from daemon.web.components import dom

Found = Mapping[str, Any]
COUNTS = (("memories", "memory", "memories"), ("messages", "message", ""), ("lessons", "lesson", ""))


async def ask(backend: AsyncClient, memory_id: int) -> bool:
    """Show what forgetting a memory would take, and do it on request; whether it was done."""
    dialog = _ForgetDialog(backend, memory_id)
    await dialog.refresh()
    return await dialog.wait()


class _ForgetDialog:
    """One dialog, from the preview to the report."""

    def __init__(self, backend: AsyncClient, memory_id: int) -> None:
        self._backend = backend
        self._chosen = [memory_id]
        self._offered: dict[int, str] = {}  # others that tell it, with their words
        self._seen: tuple[int, ...] = ()  # what the preview that is drawn takes
        self._begun = self._done = False
        with dom.dialog("Forget", "wide") as self._dialog, dom.box("forgetting") as self._body:
            dom.loading("Looking at what it would take …")

    async def wait(self) -> bool:
        """Wait until it is closed; whether something was forgotten, and its visitor is still there."""
        await self._dialog
        has_left = self._dialog.is_deleted  # the page, with the dialog open
        if not has_left:
            self._dialog.delete()
        return self._done and not has_left

    async def refresh(self) -> None:
        """Look up what would go with what is chosen, and show it."""
        self._dialog.open()
        chosen = tuple(self._chosen)
        found = await self._backend.ask(calls.forget_preview(chosen))
        for one in found["also_told_by"]:
            if one not in self._offered:
                self._offered[one] = (await self._memory(one))["narrative"]
        memories = [await self._memory(one) for one in found["memories"]]
        if self._begun or chosen != tuple(self._chosen):
            return
        self._seen = chosen
        self._body.clear()
        with self._body:
            self._show_preview(found, memories)

    async def _memory(self, memory_id: int) -> Memory:
        return (await self._backend.ask(calls.why(memory_id)))["memory"]

    def _show_preview(self, found: Found, memories: Sequence[Found]) -> None:
        dom.text("Forget this for good?", tag="h2")
        with dom.box("goes", tag="ul"):
            for one in memories:
                dom.text(one["text"], tag="li")
        dom.text(_takes(found))
        if found["generations"]:
            several = len(found["generations"]) > 1
            gone = f"{'have' if several else 'has'} learned it and will answer no more"
            which = generations(found["generations"])
            dom.text(f"{which} {gone}; the next night learns all the rest again.", "warning")
        if self._offered:
            dom.text("Others may tell it too. Take them along?", tag="h3")
        for memory_id, line in self._offered.items():
            with dom.box("also", tag="label"):
                tick = dom.box(tag="input").props("type=checkbox")
                if memory_id in self._chosen:
                    tick.props["checked"] = True
                dom.on(tick, "change", lambda _, id=memory_id: self._toggle(id))
                dom.text(line, tag="span")
        self._weights = dom.box("weights")
        with dom.box("actions"):
            dom.button("What do the weights know?", self._probe_weights, kind="link")
            dom.button("Keep it", self._dialog.close)
            dom.button("Forget for good", self._forget, kind="danger", picture="forget")

    async def _toggle(self, memory_id: int) -> None:
        if memory_id in self._chosen:
            self._chosen.remove(memory_id)
        else:
            self._chosen.append(memory_id)
        await self.refresh()

    async def _probe_weights(self) -> None:
        self._weights.clear()
        with self._weights:
            dom.loading("Asking the generation that answers, without its memories …")
        chosen = tuple(self._chosen)
        try:
            found = await self._backend.ask(calls.forget_preview(chosen, weights=True))
        finally:
            self._weights.clear()
        with self._weights:
            if found["weights"]:
                dom.text(found["weights"]["says"], "as-said")

    async def _forget(self) -> None:
        chosen = self._seen
        if chosen != tuple(self._chosen):  # a tick came between; nobody has seen yet what that takes
            await self.refresh()
            return
        self._begun = True
        self._body.clear()
        with self._body:
            dom.loading("Forgetting …")
        try:
            done = await self._backend.ask(calls.forget(chosen))
        except DaemonError:
            self._dialog.close()
            raise
        self._done = True
        self._body.clear()
        with self._body:
            _report(done)
            with dom.box("actions"):
                dom.button("Good", self._dialog.close, kind="main")


def _takes(found: Found) -> str:
    counts = {"memories": len(found["memories"]), "messages": found["messages"], "lessons": found["lessons"]}
    text = f"This takes {_counts(counts)} with all that was made of them, and can't be taken back."
    if n := len(found["kept_memories"]):
        kept = counted(n, "memory", "memories")
        text += f" {kept} drawn from the same words {'stays' if n == 1 else 'stay'}."
    return text


def _report(done: Found) -> None:
    """What was done, in sentences."""
    report = done["report"]
    gone = _counts(report, counted(report["vectors"], "vector"))
    dom.text("Forgotten", tag="h2")
    dom.text(f"Gone are {gone}, and every entry of the indexes that led there.")
    if report["generations"]:
        which, now = generations(report["generations"]), who_answers(done["now_live"])
        answer = "answer" if len(report["generations"]) > 1 else "answers"
        dom.text(f"{which} had learned it and {answer} no more; {now} answers until the next night.")
    if done["was_learned"]:
        dom.text(done["weights"]["says"], "as-said")
    for file in done["files"]:
        dom.text(f"An export of yours still tells it; delete it too: {file}", "warning")


def _counts(counts: Found, *more: str) -> str:
    return listed([*(counted(counts[name], one, many) for name, one, many in COUNTS if counts[name]), *more])
