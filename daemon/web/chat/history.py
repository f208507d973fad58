"""
The earlier chats, at the side of the chat: pinned ones first, then by day; searched by words and meaning.

What can be done with one (its name, its place, its file, its end) is in `chat_menu.py`.
"""

from datetime import date, datetime, timedelta

from nicegui import ui

from daemon.client import calls
from daemon.client.schemas.chats import FoundChat
from daemon.web.chat.actions import ChatActions
from daemon.web.chat.chat_menu import ChatMenu
from daemon.web.components import dom

SHOWN = 60  # chats, and so many more each time
SETTLES_S = 0.3  # after the last key, before it is searched
BY = {"title": "In the title", "words": "In the chat", "meaning": "Close in meaning"}


class ChatHistory:
    """The list; `fill` it when there is something new."""

    def __init__(self, chat: ChatActions) -> None:
        self._chat = chat
        self._found: list[FoundChat] = []
        self._marked: int | None = None
        self._older = False  # there are more than are shown
        self._is_open = False
        self._asked = ""  # what is searched
        self._drawn: object = None  # what is shown
        self._aside = dom.box("past", tag="aside", label="Earlier chats")
        dom.on(self._aside, "keydown.escape", self._escape)
        with self._aside:
            with dom.box("row spread past-head"):
                dom.text("Earlier", tag="h2")
                self._close = dom.icon_button(
                    "Close the list", self.toggle, picture="close", classes="narrow"
                )
            with dom.box("past-search", tag="search"):
                self._search = ui.input(placeholder="Search").props(
                    'outlined dense clearable autocomplete=off aria-label="Search your chats" name=chats'
                )
                self._search.on(
                    "update:model-value", self._search_now, throttle=SETTLES_S, leading_events=False
                )
            self._list = dom.box("past-list")
            self._menu = ChatMenu(chat, on_change=self.fill, on_close=self._draw)

    async def fill(self) -> None:
        """Show the latest chats, as many as before, or what is searched."""
        asked = self._asked
        found = await self._after(0)
        while self._older and len(found) < len(self._found):
            found += await self._after(len(found))
        if asked == self._asked:
            self._found = found
            self._draw()

    async def _search_now(self) -> None:
        asked = str(self._search.value or "").strip()
        if asked != self._asked:
            self._asked, self._found = asked, []
            await self.fill()

    async def _take_older(self) -> None:
        known = {chat["id"] for chat in self._found}
        older = await self._after(len(self._found))
        self._found = [*self._found, *(chat for chat in older if chat["id"] not in known)]
        self._draw()

    async def _after(self, skip: int) -> list[FoundChat]:
        asked = self._asked or None
        found = (await self._chat.backend.ask(calls.chats(n=SHOWN, skip=skip, search=asked)))["chats"]
        self._older = len(found) == SHOWN
        return found

    def mark(self, chat_id: int | None) -> None:
        """Show which one is open; None: a new one."""
        self._marked = chat_id
        self._draw()

    def toggle(self) -> None:
        """Show or hide the list, where the window is too narrow for both."""
        self._is_open = not self._is_open
        self._aside.classes(toggle="open")
        close, opener = f"getHtmlElement({self._close.id})", 'document.querySelector(".chat-tools .narrow")'
        ui.run_javascript(f"{close if self._is_open else opener}?.focus()")

    def _escape(self) -> None:
        if self._is_open:
            self.toggle()

    def _draw(self) -> None:
        wanted = (self._found, self._marked, self._older, self._asked, date.today())
        if wanted == self._drawn or self._menu.is_open:  # a row that goes takes its menu and its focus along
            return
        self._drawn = wanted
        self._list.clear()
        with self._list:
            if not self._found:
                nothing = "No chat has to do with this." if self._asked else "Your chats will be listed here."
                dom.text(nothing, "soft small")
            group = ""
            for chat in self._found:
                if (its_group := self._group(chat)) != group:
                    dom.text(its_group, "past-day", tag="h3")
                    group = its_group
                self._row(chat)
            if self._older:
                dom.button("Older chats", self._take_older)

    def _group(self, chat: FoundChat) -> str:
        if chat["by"]:
            return BY[chat["by"]]
        if chat["pinned"]:
            return "Pinned"
        return _day(datetime.fromisoformat(chat["last_at"]).astimezone().date(), date.today())

    def _row(self, chat: FoundChat) -> None:
        with dom.box("past-item"):
            with dom.plain_button("past-row", lambda: self._go(chat)) as row:
                dom.text(chat["title"], "past-title", tag="span")
                if chat["excerpt"] and not chat["title"].startswith(chat["excerpt"].rstrip("…")):
                    dom.text(chat["excerpt"], "past-excerpt", tag="span")
                if chat["source"] == "import":
                    dom.chip("imported")
                if chat["n_branches"] > 1:
                    dom.chip(f"{chat['n_branches']} versions")
            row.props["title"] = chat["title"]
            if chat["id"] == self._marked:
                row.props["aria-current"] = "true"
            self._menu.opener(chat)

    async def _go(self, chat: FoundChat) -> None:
        if not await self._chat.may_leave():
            return
        if self._is_open:
            self.toggle()
        await self._chat.continue_with(chat["id"], branch=chat["message_id"])


def _day(day: date, today: date) -> str:
    """A day as people say it: Today, Yesterday, the weekday, the month."""
    if day >= today - timedelta(days=1):
        return "Today" if day >= today else "Yesterday"
    if day > today - timedelta(days=7):
        return f"{day:%A}"
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"
