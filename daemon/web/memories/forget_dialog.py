"""
Forget, in a dialog: what would go, who else tells it, what the weights know of it; and afterwards, what was done.

Nothing is forgotten before a person has seen what it takes and has said so.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from daemon.client import calls
from daemon.client.schemas.memories import Memory, Telling
from daemon.client.transport import AsyncClient
from daemon.errors import DaemonError
from daemon.text import counted, generations, listed, who_answers
from daemon.web.components import dom

Found = Mapping[str, Any]
Key = tuple[str, int]  # "memory" or "message", and its number
COUNTS = (("memories", "memory", "memories"), ("messages", "message", ""), ("lessons", "lesson", ""))


async def ask(backend: AsyncClient, memory_id: int) -> bool:
    """Show what forgetting a memory would take, and do it on request; whether it was done."""
    dialog = _ForgetDialog(backend, memory_id)
    await dialog.refresh()
    return await dialog.wait()


async def ask_chat(backend: AsyncClient, chat_id: int, title: str) -> bool:
    """The same of a whole chat, with the memories that were drawn from it, unless they are to stay."""
    dialog = _ForgetDialog(backend, chat=(chat_id, title))
    await dialog.refresh()
    return await dialog.wait()


class _ForgetDialog:
    """One dialog, from the preview to the report."""

    def __init__(
        self, backend: AsyncClient, memory_id: int | None = None, *, chat: tuple[int, str] | None = None
    ) -> None:
        self._backend = backend
        self._memory_ids = [] if memory_id is None else [memory_id]
        self._chat = chat  # its number, and what it is called
        self._drawn: set[Key] | None = None  # memories drawn from that chat; None: not looked up yet
        self._ticked: dict[Key, bool] = {}  # what tells it besides, and whether it goes
        self._offered: dict[Key, Telling] = {}
        self._ticks = 0  # so often a tick was set or taken away
        self._seen: dict[str, Any] = {}  # what the preview that is drawn takes
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
        ticks = self._ticks
        found = await self._backend.ask(calls.forget_preview(**self._choice()))
        if self._chat is not None and self._drawn is None:
            await self._offer_drawn(found["kept_memories"])
            found = await self._backend.ask(calls.forget_preview(**self._choice()))
        for one in found["tellings"]:
            key = (one["kind"], one["id"])
            self._offered.setdefault(key, one)
            self._ticked.setdefault(key, one["taken"])
        memories = [await self._memory(one) for one in found["memories"]]
        if self._begun or ticks != self._ticks:  # a tick came between, which draws it anew
            return
        if self._seen == self._choice():  # drawn already: a button that is drawn again loses its click
            return
        self._seen = self._choice()
        self._body.clear()
        with self._body:
            self._show_preview(found, memories)

    async def _offer_drawn(self, memory_ids: Sequence[int]) -> None:
        """Have the memories that were drawn from the chat go along, unless a person leaves them."""
        self._drawn = set()
        for id in memory_ids:
            memory, key = await self._memory(id), ("memory", id)
            self._drawn.add(key)
            self._ticked[key] = True
            self._offered[key] = {
                "kind": "memory",
                "id": id,
                "text": memory["text"],
                "role": "",
                "day": memory["told_on"],
                "certain": False,
                "taken": True,
                "why": "it was drawn from this chat",
            }

    def _choice(self) -> dict[str, Any]:
        """What goes and what stays, as the request names it."""
        ids: dict[tuple[str, bool], list[int]] = {}
        for (kind, id), taken in self._ticked.items():
            ids.setdefault((kind, taken), []).append(id)
        likely = [id for id in ids.get(("message", True), []) if not self._offered["message", id]["taken"]]
        return {
            "memory_ids": [*self._memory_ids, *ids.get(("memory", True), [])],
            "chats": [] if self._chat is None else [self._chat[0]],
            "messages": likely,
            "keep_memories": ids.get(("memory", False), []),
            "keep_messages": ids.get(("message", False), []),
        }

    async def _memory(self, memory_id: int) -> Memory:
        return (await self._backend.ask(calls.why(memory_id)))["memory"]

    def _show_preview(self, found: Found, memories: Sequence[Found]) -> None:
        dom.text("Forget this for good?" if self._chat is None else "Delete this chat for good?", tag="h2")
        with dom.box("goes", tag="ul"):
            if self._chat is not None:
                dom.text(self._chat[1], tag="li")
            for one in memories:
                dom.text(one["text"], tag="li")
        dom.text(_takes(found))
        if found["generations"]:
            several = len(found["generations"]) > 1
            gone = f"{'have' if several else 'has'} learned it and will answer no more"
            which = generations(found["generations"])
            dom.text(f"{which} {gone}; the next night learns all the rest again.", "warning")
        drawn = self._drawn or set()
        self._show_offered("This was noted from it. Forget it too?", drawn)
        certain = {key for key, one in self._offered.items() if one["certain"]}
        self._show_offered("This tells it, and goes:", certain - drawn)
        self._show_offered("This may tell it too. Forget it too?", self._offered.keys() - certain - drawn)
        for file in found["files"]:
            dom.text(f"An export of yours ({file['why']}): {file['path']}", "warning")
        self._weights = dom.box("weights")
        with dom.box("actions"):
            dom.button("What do the weights know?", self._probe_weights, kind="link")
            dom.button("Cancel", self._dialog.close)
            words = "Forget for good" if self._chat is None else "Delete for good"
            dom.button(words, self._forget, kind="danger", picture="forget")

    def _show_offered(self, title: str, keys: Collection[Key]) -> None:
        offered = {key: one for key, one in self._offered.items() if key in keys}
        if offered:
            dom.text(title, tag="h3")
        for key, one in offered.items():
            with dom.box("also certain" if one["certain"] else "also", tag="label"):
                tick = dom.box(tag="input").props("type=checkbox")
                if self._ticked[key]:
                    tick.props["checked"] = True
                dom.on(tick, "change", lambda _, key=key: self._toggle(key))
                dom.text(_line(one), tag="span")

    async def _toggle(self, key: "Key") -> None:
        self._ticked[key] = not self._ticked[key]
        self._ticks += 1
        await self.refresh()

    async def _probe_weights(self) -> None:
        self._weights.clear()
        with self._weights:
            dom.loading("Asking the generation that answers, without its memories …")
        chosen = self._choice()
        try:
            found = await self._backend.ask(calls.forget_preview(**chosen, weights=True))
        finally:
            self._weights.clear()
        with self._weights:
            if found["weights"]:
                dom.text(found["weights"]["says"], "as-said")

    async def _forget(self) -> None:
        chosen = self._seen
        if chosen != self._choice():  # a tick came between; nobody has seen yet what that takes
            await self.refresh()
            return
        self._begun = True
        self._body.clear()
        with self._body:
            dom.loading("Forgetting …")
        try:
            done = await self._backend.ask(calls.forget(**chosen))
        except DaemonError:
            self._dialog.close()
            raise
        self._done = True
        self._body.clear()
        with self._body:
            _report(done)
            with dom.box("actions"):
                dom.button("Done", self._dialog.close, kind="main")


def _takes(found: Found) -> str:
    counts = {"memories": len(found["memories"]), "messages": found["messages"], "lessons": found["lessons"]}
    text = f"This takes {_counts(counts)} with all that was made of them, and can't be undone."
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
    for one in done["stays"]:
        where = "held on, as you left it" if one["kind"] == "memory" else "neither recalled nor learned again"
        dom.text(f"Stays, {where}: {_line(one)}")
    for file in done["telling_files"]:
        dom.text(f"An export of yours stays ({file['why']}); delete it too: {file['path']}", "warning")


def _line(one: Telling) -> str:
    who = (
        "A memory" if one["kind"] == "memory" else "An answer" if one["role"] == "assistant" else "A message"
    )
    return f"{who} of {one['day']}: {one['text']}"


def _counts(counts: Found, *more: str) -> str:
    return listed([*(counted(counts[name], one, many) for name, one, many in COUNTS if counts[name]), *more])
