"""
The earlier chats, beside the chat: by day, the newest first.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from nicegui import ui

from daemon.web.components import basic

if TYPE_CHECKING:
    from daemon.web.chat.page import Chat

SHOWN = 60


class PastChats:
    """The list; `fill` it when there is something new."""

    def __init__(self, chat: "Chat") -> None:
        self._chat = chat
        self._found: Sequence[Mapping[str, Any]] = ()
        self._marked: int | None = None
        self._is_open = False
        self._aside = basic.box("past", tag="aside")
        self._aside.props["aria-label"] = "Earlier chats"
        basic.on(self._aside, "keydown.escape", lambda: self.toggle() if self._is_open else None)
        with self._aside:
            with basic.box("row spread past-head"):
                basic.text("Earlier", tag="h2")
                self._close = basic.icon_button(
                    "Close the list", self.toggle, picture="close", classes="narrow"
                )
            self._list = basic.box("past-list")

    async def fill(self) -> None:
        """Show the latest chats."""
        self._found = (await self._chat.desk.ask(lambda client: client.chats(n=SHOWN)))["chats"]
        self._draw()

    def mark(self, chat_id: int | None) -> None:
        """Show which one is read; None: a new one."""
        self._marked = chat_id
        self._draw()

    def newest_like(self, first: str) -> int | None:
        """The number of the latest chat, if it begins with the words `first`."""
        title = self._found[0]["title"] if self._found else ""
        return self._found[0]["id"] if title and " ".join(first.split()).startswith(title) else None

    def toggle(self) -> None:
        """Show or hide the list, where the window is too narrow for both."""
        self._is_open = not self._is_open
        self._aside.classes(toggle="open")
        place = (
            f"getHtmlElement({self._close.id})"
            if self._is_open
            else 'document.querySelector(".chat-tools .narrow")'
        )
        ui.run_javascript(f"{place}?.focus()")

    def _draw(self) -> None:
        self._list.clear()
        with self._list:
            if not self._found:
                basic.text("Your chats will be listed here.", "soft small")
            day = ""
            for chat in self._found:
                its_day = spoken(datetime.fromisoformat(chat["last_at"]).astimezone().date(), date.today())
                if its_day != day:
                    basic.text(its_day, "past-day", tag="h3")
                    day = its_day
                self._row(chat)

    def _row(self, chat: Mapping[str, Any]) -> None:
        row = ui.element("button").classes("past-row").props("type=button")
        if chat["id"] == self._marked:
            row.props["aria-current"] = "true"
        row.props["title"] = chat["title"]
        with row:
            basic.text(chat["title"], "past-title", tag="span")
            if chat["source"] == "import":
                basic.chip("imported")
        basic.on(row, "click", lambda number=chat["id"]: self._go(number))

    async def _go(self, chat_id: int) -> None:
        if self._is_open:
            self.toggle()
        await self._chat.continue_with(chat_id)


def spoken(day: date, today: date) -> str:
    """A day as people say it: Today, Yesterday, the weekday, the month."""
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - timedelta(days=7):
        return f"{day:%A}"
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"
