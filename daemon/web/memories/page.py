"""
The room of memories: all that is held of a person, searched as one types, one of them opened beside the list.

Promises: what is typed is looked for by its words at once, and by its meaning a moment later; a change made
elsewhere shows when the room is entered again. Knows nothing of what is done to one memory: `detail.py` does.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from nicegui import ui

from daemon.text import counted
from daemon.web.components import basic
from daemon.web.components.inputs import DateField, fill, labelled_choice, put_away, waiting, way
from daemon.web.formatting import day
from daemon.web.layout import Visit
from daemon.web.memories.detail import VOICES, Panel

PAGE = 40  # rows at first, and more on demand
SETTLES_S = 0.35  # after the last key, before meaning is searched
FEW = 8  # found by words; from then on meaning is not asked
ORDERS = {
    "new": ("Newest first", lambda one: (one["told_on"], one["id"])),
    "old": ("Oldest first", lambda one: (one["valid_from"], one["id"])),
    "used": ("Most recalled first", lambda one: (one["recalls"]["n"], one["id"])),
    "unused": ("Least recalled first", lambda one: (one["recalls"]["n"], one["id"])),
}
DOWN = ("new", "used")
Found = Sequence[dict[str, Any]]


def build(visit: Visit) -> None:
    """Furnish the room."""
    Memories(visit).build()


class Memories:
    """The room while somebody is in it."""

    def __init__(self, visit: Visit) -> None:
        self._desk = visit.desk
        self._first = visit.asked.get("memory", "")
        self._held: Found = ()
        self._near: Found = ()  # close in meaning to what is searched
        self._day = ""  # "" = today
        self._voice, self._order = "", "new"
        self._most = PAGE
        self._rows: dict[int, ui.element] = {}

    def build(self) -> None:
        """The search above, the list, and a place for one memory."""
        basic.heading("Memories", "What I hold to be true about you. Correct me where I am wrong.")
        self._build_tools()
        self._count = basic.text("", "soft count").props("aria-live=polite")
        with basic.box("split") as self._split:
            self._list = basic.box("list")
            with self._list:
                waiting()
            self._panel = Panel(self._desk, on_change=self._changed, on_close=self._closed)
        ui.timer(0.01, self._enter, once=True)

    def _build_tools(self) -> None:
        with basic.box("finder", tag="search"):
            self._search = basic.field("Search", hint="a word, a name, a question", name="search")
            self._search.input.on_value_change(self._typed)
            self._search.input.on(
                "update:model-value", self._look_for_meaning, throttle=SETTLES_S, leading_events=False
            )
            voices = [("", "Anybody"), *VOICES.items()]
            labelled_choice("Said by", voices, "", self._choose_voice)
            orders = [(key, words) for key, (words, _) in ORDERS.items()]
            labelled_choice("Order", orders, "new", self._choose_order)
            DateField("As it was on", latest=date.today().isoformat(), on_change=self._choose_day)
            basic.button("Add", self._add, picture="plus", kind="main")

    async def _enter(self) -> None:
        await fill(self._list, self._load)
        if self._first.isdigit():
            await self._open(int(self._first))

    async def _load(self) -> None:
        as_of = self._day or None
        found = await self._desk.ask(lambda client: client.memories(as_of=as_of))
        self._held, self._near = found["memories"], ()  # of those near, one may be gone
        self._show()

    def _typed(self) -> None:
        self._near, self._most = (), PAGE
        self._show()

    async def _look_for_meaning(self) -> None:
        asked = self._search.value.strip()
        if len(asked) < 3 or self._day or len(self._by_words()) > FEW:
            return
        found = await self._desk.ask(lambda client: client.memories(search=asked))
        if asked == self._search.value.strip():
            self._near = found["memories"]
            self._show()

    def _choose_voice(self, event: Any) -> None:
        self._voice = str(event.args)
        self._show()

    def _choose_order(self, event: Any) -> None:
        self._order = str(event.args)
        self._show()

    async def _choose_day(self, chosen: str) -> None:
        self._day, self._near = chosen, ()
        await fill(self._list, self._load)

    def _by_words(self) -> Found:
        words = self._search.value.lower().split()
        chosen = [
            one
            for one in self._held
            if all(word in one["narrative"].lower() for word in words)
            and (not self._voice or one["trust"] == self._voice)
        ]
        return sorted(chosen, key=ORDERS[self._order][1], reverse=self._order in DOWN)

    def _show(self) -> None:
        found = self._by_words()
        ids = {one["id"] for one in found}
        near = [one for one in self._near if one["id"] not in ids]
        self._count.set_text(self._counted(found, len(near)))
        self._list.clear()
        self._rows = {}
        with self._list:
            if not self._held:
                self._show_nothing()
            elif not found and not near:
                basic.text("Nothing held has these words.", "nothing")
            if found:
                self._table(found[: self._most], "Memories")
            if len(found) > self._most:
                more = len(found) - self._most
                basic.button(f"Show {min(more, PAGE)} more of {more}", self._more, classes="more")
            if near:
                basic.text("Close in meaning", "group", tag="h2")
                self._table(near, "Memories close in meaning")

    def _counted(self, found: Found, near: int) -> str:
        if not self._held:
            return ""
        held = counted(len(self._held), "memory", "memories")
        when = f" held on {day(self._day)}" if self._day else ""
        if len(found) == len(self._held):
            return f"{held}{when}"
        if near and not found:
            return f"{near:,} of {held}, close in meaning"
        more = f", {near:,} more close in meaning" if near else ""
        return f"{len(found):,} of {held}{when}{more}"

    def _show_nothing(self) -> None:
        if self._day:
            basic.empty("history", "Nothing yet on that day", "Choose a later one, or clear it to see today.")
            return
        with basic.empty(
            "memories",
            "I don't know you yet",
            "Chat a little. When a chat has been quiet for a few minutes I keep the few lasting facts in it, "
            "and you find them here.",
        ):
            with basic.box("actions"):
                way("Bring chats from elsewhere", "/inbox", kind="quiet")
                way("Start a chat", "/")

    def _table(self, found: Found, label: str) -> None:
        with basic.box("plain memories", tag="table") as table:
            table.props["aria-label"] = label
            with basic.box(tag="thead"), basic.box(tag="tr"):
                for title in ("Memory", "Since", "Said by", "Recalled"):
                    basic.text(title, tag="th").props("scope=col")
            with basic.box(tag="tbody"):
                for one in found:
                    self._row(one)

    def _row(self, one: dict[str, Any]) -> None:
        changed = one["narrative"].count("Before that: ")
        with basic.box("memory", tag="tr") as row:
            self._rows[one["id"]] = row
            with basic.box("said", tag="td"):
                opener = basic.box("opener", tag="button").props("type=button")
                basic.on(opener, "click", lambda _, id=one["id"]: self._open(id))
                with opener:
                    basic.text(one["text"], tag="span")
                    if changed:
                        basic.chip(counted(changed, "change"), "wing")
            basic.text(day(one["valid_from"]), "since", tag="td")
            basic.text(VOICES.get(one["trust"], one["trust"]), "voice", tag="td")
            times = one["recalls"]["n"]
            basic.text(f"{times:,} ×" if times else "–", "times" if times else "times never", tag="td")

    def _more(self) -> None:
        self._most += PAGE
        self._show()

    async def _open(self, memory_id: int) -> None:
        self._mark(memory_id)
        self._split.classes(add="open")
        await self._panel.show(memory_id)

    def _mark(self, memory_id: int | None) -> None:
        for id, row in self._rows.items():
            row.classes(add="here") if id == memory_id else row.classes(remove="here")

    async def _changed(self, memory_id: int | None) -> None:
        """Something was done; show the list anew, and what there is now of the memory."""
        await self._load()
        await self._look_for_meaning()
        if memory_id is None:
            self._closed()
        else:
            await self._open(memory_id)

    def _closed(self) -> None:
        self._split.classes(remove="open")
        self._mark(None)

    async def _add(self) -> None:
        with ui.dialog() as dialog, basic.box("dialog"):
            dialog.props["aria-label"] = "Tell me something"
            basic.text("Tell me something", tag="h2")
            basic.text('One sentence, worded like the others: "The user has a dog."', "soft")
            said = basic.field("Memory", hint="The user …", lines=3)
            since = DateField("True since")
            with basic.box("actions"):
                basic.button("Cancel", dialog.close)
                basic.button("Remember", lambda: dialog.submit((said.value, since.value)), kind="main")
        answer = await dialog
        put_away(dialog)
        if answer and answer[0].strip():
            made = await self._desk.ask(lambda client: client.add(answer[0], since=answer[1] or None))
            basic.say("Remembered.")
            await self._changed(made["memory"]["id"])
