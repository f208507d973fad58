"""
One memory, opened: what it says, how it came about, what is taught of it, and what can be done with it.

Promises: its history is told from the first word to the last, also what was taken back; each step quotes the message
that it was drawn from. Knows nothing of the list that it was opened from.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nicegui import ui

from daemon.text import counted
from daemon.web.backend import Desk
from daemon.web.components import basic
from daemon.web.components.icons import icon
from daemon.web.components.inputs import facts
from daemon.web.formatting import day
from daemon.web.memories import forget_dialog

VOICES = {"user": "you", "import": "an import", "assistant": "the assistant", "untrusted": "nobody sure"}
STEPS = {  # operation: what happened, the picture beside it
    "ADD": ("You told me", "spark"),
    "UPDATE": ("You said more", "edit"),
    "RECONCILE": ("It changed", "history"),
    "IGNORE": ("You said it again", "check"),
    "UNDO": ("You took it back", "undo"),
}
BY_HAND = {"ADD": "You wrote it down", "UPDATE": "You put it in other words"}
STATES = {"holds": ("Holds", "good"), "replaced": ("Replaced", "warm"), "undone": ("Taken back", "warm")}
SPLITS = {"train": "taught", "exam": "kept for the exam"}
Found = Mapping[str, Any]


class Panel:
    """The place beside the list."""

    def __init__(
        self,
        desk: Desk,
        *,
        on_change: Callable[[int | None], Awaitable[None]],
        on_close: Callable[[], None],
    ) -> None:
        """`on_change` is told which memory is there afterwards; None: none is."""
        self._desk, self._on_change, self._on_close = desk, on_change, on_close
        self._box = basic.box("panel", tag="aside").props("tabindex=-1")
        self._box.props["aria-label"] = "One memory"
        basic.on(self._box, "keydown.escape", self._close)
        with self._box, basic.box("panel-empty"):
            basic.text("Choose a memory to see where it comes from.", "soft")

    async def show(self, memory_id: int) -> None:
        """Open one memory."""
        found = await self._desk.ask(lambda client: client.why(memory_id))
        self._box.clear()
        with self._box:
            self._head(found)
            self._timeline(found)
            self._taught(found)
        ui.run_javascript(f"getHtmlElement({self._box.id}).focus({{preventScroll: true}})")

    def _head(self, found: Found) -> None:
        memory = found["memory"]
        holds = memory["state"] == "holds"
        with basic.box("panel-head"):
            basic.chip(*STATES[memory["state"]])
            basic.text(f"no. {memory['id']}", "soft number")
            basic.icon_button("Close", self._close, picture="close", classes="close")
        basic.text(memory["text"], "statement", tag="h2")
        recalled = memory["recalls"]
        times = f"{recalled['n']:,} ×, last on {day(recalled['last_at'])}" if recalled["n"] else "not yet"
        facts(
            [
                ("True", _span(memory)),
                ("Said by", VOICES.get(memory["trust"], memory["trust"])),
                ("Recalled", times),
            ]
        )
        with basic.box("actions left") as self._actions:
            if holds:
                basic.button("Edit", lambda: self._edit(memory), picture="edit")
                basic.button("Undo", lambda: self._undo(found), picture="undo")
            basic.button("Forget", lambda: self._forget(memory["id"]), picture="forget", kind="danger")
        self._editor = basic.box("editor")

    def _timeline(self, found: Found) -> None:
        messages = {one["id"]: one for one in found["messages"]}
        basic.text("How it came about", tag="h3")
        with basic.box("timeline", tag="ol"):
            for event in found["events"]:
                self._step(event, messages, found["memory"]["trust"])

    def _step(self, event: Found, messages: Mapping[int, Found], trust: str) -> None:
        words, picture = STEPS[event["op"]]
        if event["op"] != "UNDO" and not event["sources"]:
            words = BY_HAND.get(event["op"], words)
        elif event["op"] == "ADD" and trust in ("import", "assistant", "untrusted"):
            words = {"import": "An import told it", "assistant": "The assistant said it"}.get(
                trust, "It came up"
            )
        with basic.box(f"step {'undone' if event['undone_by'] else ''}", tag="li"):
            icon(picture)
            with basic.box("step-words"):
                with basic.box("step-head"):
                    basic.text(words, "what", tag="span")
                    basic.text(day(event["at"]), "soft", tag="time")
                basic.text(event["text"], "stated")
                if event["beside"]:
                    basic.text(f"It may contradict memory {event['beside']}; both are held.", "soft")
                for source in event["sources"] if event["op"] != "UNDO" else ():
                    if source in messages:
                        _quote(messages[source])

    def _taught(self, found: Found) -> None:
        lessons, learned_by = found["lessons"], found["learned_by"]
        if not lessons and not learned_by:
            return
        basic.text("What the nights make of it", tag="h3")
        if learned_by:
            with basic.box("chips"):
                basic.text("Learned by generation", "soft", tag="span")
                for number in learned_by:
                    basic.link(str(number), f"/nights?generation={number}", classes="chip wing")
        if lessons:
            with basic.box("lessons", tag="details"):
                basic.text(counted(len(lessons), "lesson"), tag="summary")
                with basic.box(tag="ul"):
                    for one in lessons:
                        with basic.box(tag="li"):
                            basic.text(one["question"], "asked")
                            basic.text(one["answer"])
                            basic.text(SPLITS.get(one["split"], one["split"]), "soft")

    def _edit(self, memory: Found) -> None:
        self._editor.clear()
        self._actions.set_visibility(False)
        with self._editor:
            field = basic.field("What it should say", value=memory["text"], lines=3)
            with basic.box("actions left"):
                basic.button("Save", lambda: self._save(memory, field.value), kind="main")
                basic.button("Cancel", self._end_edit)
        field.input.run_method("focus")

    def _end_edit(self) -> None:
        self._editor.clear()
        self._actions.set_visibility(True)

    async def _save(self, memory: Found, words: str) -> None:
        if words.strip() == memory["text"]:
            self._end_edit()
            return
        made = await self._desk.ask(lambda client: client.edit(memory["id"], words))
        basic.say("Put in other words. The old ones stay in its history.")
        await self._on_change(made["memory"]["id"])

    async def _undo(self, found: Found) -> None:
        memory_id = found["memory"]["id"]
        latest = [one for one in found["events"] if one["memory_id"] == memory_id and not one["undone_by"]][
            -1:
        ]
        before = [
            one for one in found["history"] if one["superseded_by"] == memory_id and one["id"] != memory_id
        ]
        if not await basic.confirm("Take the last step back?", _undoing(latest, before), yes="Take it back"):
            return
        done = await self._desk.ask(lambda client: client.undo(memory_id))
        restored = done["restored"]
        basic.say("Taken back. " + (f"“{restored['text']}” holds again." if restored else ""))
        await self._on_change(restored["id"] if restored else memory_id)

    async def _forget(self, memory_id: int) -> None:
        if await forget_dialog.ask(self._desk, memory_id):
            await self._on_change(None)
            self._close()

    def _close(self) -> None:
        self._box.clear()
        with self._box, basic.box("panel-empty"):
            basic.text("Choose a memory to see where it comes from.", "soft")
        self._on_close()


def _undoing(latest: list[Any], before: list[Any]) -> str:
    if latest and latest[0]["op"] == "IGNORE":
        return "The memory stays; that you said it again no longer counts."
    if before:
        return f"“{before[-1]['text']}” will hold again, as before."
    return "I will no longer hold it. It stays readable in its history; nothing is destroyed."


def _span(memory: Found) -> str:
    since = f"since {day(memory['valid_from'])}"
    return f"{since}, until {day(memory['valid_to'])}" if memory["valid_to"] else since


def _quote(message: Found) -> None:
    with basic.box("as-said", tag="blockquote"):
        basic.text(message["text"])
        who = {"user": "you", "assistant": "the assistant"}.get(message["role"], message["role"])
        basic.text(f"{message['speaker'] or who}, {day(message['said_at'])}", "soft", tag="cite")
