"""The earlier chats, at the side of the chat: by day, the newest first."""

from datetime import date, datetime, timedelta

from nicegui import ui

from daemon.client import calls
from daemon.client.schemas.chats import PastChat
from daemon.web.chat.actions import ChatActions
from daemon.web.components import dom

SHOWN = 60  # chats, and so many more each time


class ChatHistory:
    """The list; `fill` it when there is something new."""

    def __init__(self, chat: ChatActions) -> None:
        self._chat = chat
        self._found: list[PastChat] = []
        self._marked: int | None = None
        self._older = False  # there are more than are shown
        self._is_open = False
        self._aside = dom.box("past", tag="aside", label="Earlier chats")
        dom.on(self._aside, "keydown.escape", lambda: self.toggle() if self._is_open else None)
        with self._aside:
            with dom.box("row spread past-head"):
                dom.text("Earlier", tag="h2")
                self._close = dom.icon_button(
                    "Close the list", self.toggle, picture="close", classes="narrow"
                )
            self._list = dom.box("past-list")

    async def fill(self) -> None:
        """Show the latest chats, as many as before."""
        found = await self._after(0)
        while self._older and len(found) < len(self._found):
            found += await self._after(len(found))
        self._found = found
        self._draw()

    async def _take_older(self) -> None:
        known = {chat["id"] for chat in self._found}
        older = await self._after(len(self._found))
        self._found = [*self._found, *(chat for chat in older if chat["id"] not in known)]
        self._draw()

    async def _after(self, skip: int) -> list[PastChat]:
        found = (await self._chat.backend.ask(calls.chats(n=SHOWN, skip=skip)))["chats"]
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

    def _draw(self) -> None:
        self._list.clear()
        with self._list:
            if not self._found:
                dom.text("Your chats will be listed here.", "soft small")
            day = ""
            for chat in self._found:
                its_day = _day(datetime.fromisoformat(chat["last_at"]).astimezone().date(), date.today())
                if its_day != day:
                    dom.text(its_day, "past-day", tag="h3")
                    day = its_day
                self._row(chat)
            if self._older:
                dom.button("Older chats", self._take_older)

    def _row(self, chat: PastChat) -> None:
        with dom.plain_button("past-row", lambda: self._go(chat["id"])) as row:
            dom.text(chat["title"], "past-title", tag="span")
            if chat["source"] == "import":
                dom.chip("imported")
            if chat["n_branches"] > 1:
                dom.chip(f"{chat['n_branches']} branches")
        row.props["title"] = chat["title"]
        if chat["id"] == self._marked:
            row.props["aria-current"] = "true"

    async def _go(self, chat_id: int) -> None:
        if self._is_open:
            self.toggle()
        await self._chat.continue_with(chat_id)


def _day(day: date, today: date) -> str:
    """A day as people say it: Today, Yesterday, the weekday, the month."""
    if day >= today - timedelta(days=1):
        return "Today" if day >= today else "Yesterday"
    if day > today - timedelta(days=7):
        return f"{day:%A}"
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"
