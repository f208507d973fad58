"""
The memories: all that is stored of a person, searched as one types, one of them opened next to the list.

What is typed is looked for by its words at once, and by its meaning a moment later.
"""

from collections.abc import Sequence
from datetime import date

from nicegui import ui

from daemon.client import calls
from daemon.client.schemas.memories import Memory
from daemon.text import counted
from daemon.web.components import dom
from daemon.web.formatting import day
from daemon.web.layout import Visit
from daemon.web.memories.audit import audit_card
from daemon.web.memories.detail import KINDS, MARKS, SPEAKERS, MemoryDetail
from daemon.web.memories.noted import show_noted
from daemon.web.memories.proposals import show_proposals

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
Found = Sequence[Memory]


def build(visit: Visit) -> None:
    """Build the page."""
    Memories(visit).build()


class Memories:
    """The page while somebody is on it."""

    def __init__(self, visit: Visit) -> None:
        self._backend = visit.backend
        self._first = visit.query.get("memory", "")
        self._all: Found = ()
        self._near: Found = ()  # close in meaning to what is searched
        self._day = ""  # "" = today
        self._speaker, self._order = "", "new"
        self._most = PAGE
        self._rows: dict[int, ui.element] = {}

    def build(self) -> None:
        """The search above, the list, and a place for one memory."""
        dom.heading("Memories", "What I hold to be true about you. Correct me where I am wrong.")
        self._tools()
        self._proposals = dom.box("changes")
        self._changes = dom.box("changes")
        self._count = dom.text("", "soft count").props("aria-live=polite")
        with dom.box("split") as self._split:
            with dom.box("list") as self._list:
                dom.loading()
            self._detail = MemoryDetail(self._backend, on_change=self._changed, on_close=self._closed)
        audit_card(self._backend)
        ui.timer(0.01, self._enter, once=True)

    def _tools(self) -> None:
        with dom.box("finder", tag="search"):
            self._search = dom.Field("Search", hint="a word, a name, a question", name="search")
            self._search.input.on_value_change(self._typed)
            self._search.input.on(
                "update:model-value", self._look_for_meaning, throttle=SETTLES_S, leading_events=False
            )
            speakers = [("", "Anybody"), *SPEAKERS.items()]
            dom.labelled_choice("Said by", speakers, "", lambda event: self._choose(speaker=str(event.args)))
            orders = [(key, words) for key, (words, _) in ORDERS.items()]
            dom.labelled_choice("Order", orders, "new", lambda event: self._choose(order=str(event.args)))
            dom.DateField("As of", latest=date.today().isoformat(), on_change=self._choose_day)
            dom.button("Add", self._add, picture="plus", kind="main")

    async def _enter(self) -> None:
        await dom.fill(self._list, self._load)
        if self._first.isdigit():
            await self._open(int(self._first))

    async def _load(self) -> None:
        as_of = self._day or None
        found = await self._backend.ask(calls.memories(as_of=as_of))
        self._all, self._near = found["memories"], ()  # of those near, one may be gone
        self._show()
        await show_proposals(self._backend, self._proposals, self._load)
        await self._show_changes()

    async def _show_changes(self) -> None:
        """What was noted since yesterday, folded away."""
        found = await self._backend.ask(calls.changes())
        noted, unseen = found["noted"], found["unseen"]
        self._changes.clear()
        if not noted:
            return
        title = f"{counted(len(noted), 'change')} since yesterday"
        if unseen:
            waits = counted(len(unseen), "waits", "wait")
            title += f" · {waits} for your look before the night"
        with self._changes, dom.details(title, "card recent") as folded:
            dom.text("Look them through before the night: what is wrong is undone or corrected here.", "soft")
            show_noted(self._backend, noted, self._load)
        if unseen:
            opened = "(event) => { if (event.target.open) emit() }"
            dom.on(folded, "toggle", lambda: self._looked(max(unseen)), js_handler=opened)

    async def _looked(self, event: int) -> None:
        """They were opened: what changed a memory waits no more for that."""
        await self._backend.ask(calls.changes_seen(event))

    def _typed(self) -> None:
        self._near, self._most = (), PAGE
        self._show()

    async def _look_for_meaning(self) -> None:
        asked = self._search.value.strip()
        if len(asked) < 3 or self._day or len(self._by_words()) > FEW:
            return
        found = await self._backend.ask(calls.memories(search=asked))
        if asked == self._search.value.strip():
            self._near = found["memories"]
            self._show()

    def _choose(self, *, speaker: str | None = None, order: str | None = None) -> None:
        self._speaker = self._speaker if speaker is None else speaker
        self._order = order or self._order
        self._show()

    async def _choose_day(self, chosen: str) -> None:
        self._day, self._near = chosen, ()
        await dom.fill(self._list, self._load)

    def _by_words(self) -> Found:
        words = self._search.value.lower().split()
        chosen = [
            one
            for one in self._all
            if all(word in one["narrative"].lower() for word in words)
            and (not self._speaker or one["trust"] == self._speaker)
        ]
        return sorted(chosen, key=ORDERS[self._order][1], reverse=self._order in DOWN)

    def _show(self) -> None:
        found = self._by_words()
        ids = {one["id"] for one in found}
        near = [one for one in self._near if one["id"] not in ids]
        self._count.set_text(self._counted(len(found), len(near)))
        self._list.clear()
        self._rows = {}
        with self._list:
            if not self._all:
                self._show_nothing()
            elif not found and not near:
                dom.text("No memory has these words.", "nothing")
            if found:
                self._table(found[: self._most], "Memories")
            if len(found) > self._most:
                more = len(found) - self._most
                dom.button(f"Show {min(more, PAGE)} more of {more}", self._more, classes="more")
            if near:
                dom.text("Close in meaning", "group", tag="h2")
                self._table(near, "Memories close in meaning")

    def _counted(self, found: int, near: int) -> str:
        if not self._all:
            return ""
        held = counted(len(self._all), "memory", "memories")
        when = f" held on {day(self._day)}" if self._day else ""
        if found == len(self._all):
            return f"{held}{when}"
        if near and not found:
            return f"{near:,} of {held}, close in meaning"
        more = f", {near:,} more close in meaning" if near else ""
        return f"{found:,} of {held}{when}{more}"

    def _show_nothing(self) -> None:
        if self._day:
            dom.empty("history", "Nothing yet on that day", "Choose a later one, or clear it to see today.")
            return
        with dom.empty(
            "memories",
            "I don't know you yet",
            "Chat a little. When a chat has been quiet for a few minutes I keep the few lasting facts in it, "
            "and you find them here.",
        ):
            with dom.box("actions"):
                dom.link("Bring chats from elsewhere", "/inbox", classes="button quiet")
                dom.link("Start a chat", "/", classes="button main")

    def _table(self, found: Found, label: str) -> None:
        with dom.table(label, ("Memory", "Since", "Said by", "Recalled"), "memories"):
            for one in found:
                self._row(one)

    def _row(self, one: Memory) -> None:
        changes = one["narrative"].count("Before that: ")
        with dom.box("memory", tag="tr") as self._rows[one["id"]]:
            with dom.box("said", tag="td"), dom.plain_button("opener", lambda: self._open(one["id"])):
                dom.text(one["text"], tag="span")
                if mark := MARKS.get(one["kind"]):
                    dom.chip(mark, "good")
                if changes:
                    dom.chip(counted(changes, "change"), "wing")
            dom.text(day(one["valid_from"]), "since", tag="td")
            dom.text(SPEAKERS.get(one["trust"], one["trust"]), "voice", tag="td")
            times = one["recalls"]["n"]
            dom.text(f"{times:,} ×" if times else "–", "times" if times else "times never", tag="td")

    def _more(self) -> None:
        self._most += PAGE
        self._show()

    async def _open(self, memory_id: int) -> None:
        self._mark(memory_id)
        self._split.classes(add="open")
        await self._detail.show(memory_id)

    def _mark(self, memory_id: int | None) -> None:
        for id, row in self._rows.items():
            row.classes(add="here") if id == memory_id else row.classes(remove="here")

    async def _changed(self, memory_id: int | None) -> None:
        """Something was done; show the list again, and what there is now of the memory."""
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
        with dom.dialog("Tell me something") as dialog:
            dom.text("Tell me something", tag="h2")
            dom.text('One sentence, worded like the others: "The user has a dog."', "soft")
            said = dom.Field("Memory", hint="The user …", lines=3)
            chosen = ["fact"]
            dom.labelled_choice(
                "It is", list(KINDS.items()), "fact", lambda event: chosen.append(str(event.args))
            )
            since = dom.DateField("True since")
            with dom.box("actions"):
                dom.button("Cancel", dialog.close)
                dom.button(
                    "Remember", lambda: dialog.submit((said.value, since.value, chosen[-1])), kind="main"
                )
        answer = await dom.answer_of(dialog)
        if answer and answer[0].strip():
            made = await self._backend.ask(calls.add(answer[0], since=answer[1] or None, kind=answer[2]))
            dom.notify("Remembered.")
            await self._changed(made["memory"]["id"])
