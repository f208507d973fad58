"""
One memory, opened: what it says, how it came about, what is taught of it, and what can be done with it.

Its history runs from the first word to the last, also what was taken back; each step quotes the message it came from.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nicegui import ui

from daemon.client import calls
from daemon.client.transport import AsyncClient
from daemon.text import counted
from daemon.web.components import dom
from daemon.web.components.icons import icon
from daemon.web.formatting import day
from daemon.web.memories import forget_dialog

SPEAKERS = {"user": "you", "import": "an import", "assistant": "the assistant", "untrusted": "unverified"}
KINDS = {  # of a memory, in a person's words
    "fact": "something that is so",
    "standing": "how you want things done, where it applies",
    "always": "how you want every answer",
}
MARKS = {"standing": "standing", "always": "always"}  # of those that are no facts
STEPS = {  # operation: what happened, its icon
    "ADD": ("You told me", "spark"),
    "UPDATE": ("You said more", "edit"),
    "RECONCILE": ("It changed", "history"),
    "IGNORE": ("You said it again", "check"),
    "UNDO": ("You undid it", "undo"),
}
BY_HAND = {"ADD": "You wrote it down", "UPDATE": "You corrected it"}
ADDED_BY = {
    "import": "An import told it",
    "assistant": "The assistant said it",
    "untrusted": "It came up",
}
STATES = {"holds": ("Current", "good"), "replaced": ("Replaced", "warm"), "undone": ("Undone", "warm")}
SPLITS = {"train": "taught", "exam": "kept for the exam"}
Found = Mapping[str, Any]


class MemoryDetail:
    """The place next to the list."""

    def __init__(
        self,
        backend: AsyncClient,
        *,
        on_change: Callable[[int | None], Awaitable[None]],
        on_close: Callable[[], None],
    ) -> None:
        """`on_change` gets the memory that is there afterwards; None: none is."""
        self._backend, self._on_change, self._on_close = backend, on_change, on_close
        self._box = dom.box("panel", tag="aside", label="One memory").props("tabindex=-1")
        dom.on(self._box, "keydown.escape", self._close)
        self._show_nothing()

    async def show(self, memory_id: int) -> None:
        """Open one memory."""
        found = await self._backend.ask(calls.why(memory_id))
        self._box.clear()
        with self._box:
            self._head(found)
            self._timeline(found)
            self._lessons(found)
        ui.run_javascript(f"getHtmlElement({self._box.id}).focus({{preventScroll: true}})")

    def _show_nothing(self) -> None:
        self._box.clear()
        with self._box, dom.box("panel-empty"):
            dom.text("Choose a memory to see where it comes from.", "soft")

    def _head(self, found: Found) -> None:
        memory = found["memory"]
        with dom.box("panel-head"):
            dom.chip(*STATES[memory["state"]])
            dom.text(f"no. {memory['id']}", "soft number")
            dom.icon_button("Close", self._close, picture="close", classes="close")
        dom.text(memory["text"], "statement", tag="h2")
        since = f"since {day(memory['valid_from'])}"
        until = f", until {day(memory['valid_to'])}" if memory["valid_to"] else ""
        recalled = memory["recalls"]
        times = f"{recalled['n']:,} ×, last on {day(recalled['last_at'])}" if recalled["n"] else "not yet"
        said_by = SPEAKERS.get(memory["trust"], memory["trust"])
        kind = KINDS.get(memory["kind"], memory["kind"])
        dom.facts([("True", since + until), ("Said by", said_by), ("Kind", kind), ("Recalled", times)])
        with dom.box("actions left") as self._actions:
            if memory["state"] == "holds":
                dom.button("Edit", lambda: self._edit(memory), picture="edit")
                dom.button("Undo", lambda: self._undo(found), picture="undo")
            dom.button("Forget", lambda: self._forget(memory["id"]), picture="forget", kind="danger")
        self._editor = dom.box("editor")

    def _timeline(self, found: Found) -> None:
        messages = {one["id"]: one for one in found["messages"]}
        dom.text("How it came about", tag="h3")
        with dom.box("timeline", tag="ol"):
            for event in found["events"]:
                self._step(event, messages, found["memory"]["trust"])

    def _step(self, event: Found, messages: Mapping[int, Found], trust: str) -> None:
        op = event["op"]
        words, picture = STEPS[op]
        sources = event["sources"] if op != "UNDO" else ()
        if op != "UNDO" and not sources:
            words = BY_HAND.get(op, words)
        elif op == "ADD":
            words = ADDED_BY.get(trust, words)
        with dom.box(f"step {'undone' if event['undone_by'] else ''}", tag="li"):
            icon(picture)
            with dom.box("step-words"):
                with dom.box("step-head"):
                    dom.text(words, "what", tag="span")
                    dom.text(day(event["at"]), "soft", tag="time")
                dom.text(event["text"], "stated")
                if event["beside"]:
                    dom.text(f"It may contradict memory {event['beside']}; both are held.", "soft")
                for source in sources:
                    if source in messages:
                        _quote(messages[source])

    def _lessons(self, found: Found) -> None:
        lessons, learned_by = found["lessons"], found["learned_by"]
        if not lessons and not learned_by:
            return
        dom.text("What the nights make of it", tag="h3")
        if learned_by:
            with dom.box("chips"):
                dom.text("Learned by generation", "soft", tag="span")
                for number in learned_by:
                    dom.link(str(number), f"/nights?generation={number}", classes="link chip wing")
        if lessons:
            with dom.details(counted(len(lessons), "lesson"), "lessons"), dom.box(tag="ul"):
                for one in lessons:
                    with dom.box(tag="li"):
                        dom.text(one["question"], "asked")
                        dom.text(one["answer"])
                        dom.text(SPLITS.get(one["split"], one["split"]), "soft")

    def _edit(self, memory: Found) -> None:
        self._editor.clear()
        self._actions.set_visibility(False)
        with self._editor:
            field = dom.Field("What it should say", value=memory["text"], lines=3)
            chosen = [memory["kind"]]
            dom.labelled_choice(
                "It is", list(KINDS.items()), memory["kind"], lambda event: chosen.append(str(event.args))
            )
            with dom.box("actions left"):
                dom.button("Save", lambda: self._save(memory, field.value, chosen[-1]), kind="main")
                dom.button("Cancel", self._end_edit)
        field.input.run_method("focus")

    def _end_edit(self) -> None:
        self._editor.clear()
        self._actions.set_visibility(True)

    async def _save(self, memory: Found, words: str, kind: str) -> None:
        if words.strip() == memory["text"] and kind == memory["kind"]:
            self._end_edit()
            return
        made = await self._backend.ask(calls.edit(memory["id"], words, kind=kind))
        dom.notify("Saved. What it was before stays in its history.")
        await self._on_change(made["memory"]["id"])

    async def _undo(self, found: Found) -> None:
        memory_id = found["memory"]["id"]
        if not await dom.confirm("Undo the last change?", _undoing(found), yes="Undo"):
            return
        done = await self._backend.ask(calls.undo(memory_id))
        restored = done["restored"]
        dom.notify("Undone. " + (f"“{restored['text']}” holds again." if restored else ""))
        await self._on_change(restored["id"] if restored else memory_id)

    async def _forget(self, memory_id: int) -> None:
        if await forget_dialog.ask(self._backend, memory_id):
            await self._on_change(None)
            self._close()

    def _close(self) -> None:
        self._show_nothing()
        self._on_close()


def _undoing(found: Found) -> str:
    """What taking the last step back does."""
    id = found["memory"]["id"]
    steps = [one for one in found["events"] if one["memory_id"] == id and not one["undone_by"]]
    before = [one for one in found["history"] if one["superseded_by"] == id and one["id"] != id]
    if steps and steps[-1]["op"] == "IGNORE":
        return "The memory stays; that you said it again no longer counts."
    if before:
        return f"“{before[-1]['text']}” will hold again, as before."
    return "I will no longer hold it. It stays readable in its history; nothing is destroyed."


def _quote(message: Found) -> None:
    with dom.box("as-said", tag="blockquote"):
        dom.text(message["text"])
        who = {"user": "you", "assistant": "the assistant"}.get(message["role"], message["role"])
        dom.text(f"{message['speaker'] or who}, {day(message['said_at'])}", "soft", tag="cite")
