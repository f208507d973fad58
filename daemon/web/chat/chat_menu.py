"""What can be done with an earlier chat: rename, pin, take out as a file, delete after a look at what that takes."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from daemon.client import calls
from daemon.client.schemas.chats import PastChat
from daemon.web.chat.actions import ChatActions
from daemon.web.components import dom
from daemon.web.memories import forget_dialog


class ChatMenu:
    """One menu for all rows; it opens at the row whose button was pressed."""

    def __init__(
        self,
        chat: ChatActions,
        *,
        on_change: Callable[[], Awaitable[None]],
        on_close: Callable[[], None],
    ) -> None:
        self._chat = chat
        self._on_change = on_change
        self._on_close = on_close
        self._menu: ui.menu | None = None  # the one that is open
        self._place = dom.box("past-menu-place")  # outside of the rows, which are drawn again

    @property
    def is_open(self) -> bool:
        """Whether one is; the row that it belongs to must stay."""
        return self._menu is not None

    def opener(self, one: PastChat) -> None:
        """The button that opens the menu for `one`."""
        name = f"More about {one['title']}"
        button = dom.icon_button(name, lambda: None, picture="more", classes="past-more")
        button.props["aria-haspopup"] = "menu"
        dom.on(button, "click", lambda: self._open(one, button))

    def _open(self, one: PastChat, button: ui.element) -> None:
        acts: tuple[tuple[str, str, Callable[[PastChat], Awaitable[None]]], ...] = (
            ("Rename", "edit", self._rename),
            ("Unpin" if one["pinned"] else "Pin", "pin", self._pin),
            ("Export as Markdown", "download", lambda one: self._export(one, "markdown")),
            ("Export as JSON", "download", lambda one: self._export(one, "json")),
            ("Delete", "forget", self._delete),
        )
        if self._menu is not None:  # it takes a moment to hide
            self._menu.delete()
        with button, ui.menu().props("auto-close") as menu, dom.box("menu").props("role=menu"):
            for words, picture, act in acts:

                async def do(act: Callable[[PastChat], Awaitable[None]] = act) -> None:
                    await act(one)

                dom.button(words, do, picture=picture, kind="item").props("role=menuitem")
        self._menu = menu
        menu.on("hide", lambda: self._closed(menu))
        menu.open()

    def _closed(self, menu: ui.menu) -> None:
        if menu is self._menu:
            self._menu = None
            menu.delete()
            self._on_close()

    async def _rename(self, one: PastChat) -> None:
        with self._place, dom.dialog("Rename this chat") as dialog:
            dom.text("Rename this chat", tag="h2")
            title = dom.Field("Title", value=one["title"], hint="empty: its first words", name="title")
            title.input.props("maxlength=120 autofocus")
            title.input.on("keydown.enter", lambda: dialog.submit(title.value))
            with dom.box("actions"):
                dom.button("Cancel", dialog.close)
                dom.button("Rename", lambda: dialog.submit(title.value), kind="main")
        answer = await dom.answer_of(dialog)
        if answer is not None:
            await self._chat.backend.ask(calls.label_chat(one["id"], title=answer))
            await self._changed()

    async def _pin(self, one: PastChat) -> None:
        await self._chat.backend.ask(calls.label_chat(one["id"], pinned=not one["pinned"]))
        await self._changed()

    async def _export(self, one: PastChat, as_: str) -> None:
        found = await self._chat.backend.ask(calls.export_chat(one["id"], as_=as_))
        ui.download.content(found["text"], found["name"])

    async def _delete(self, one: PastChat) -> None:
        with self._place:
            done = await forget_dialog.ask_chat(self._chat.backend, one["id"], one["title"])
        if done:
            if self._chat.state.chat_id == one["id"]:
                await self._chat.start()
            await self._changed()

    async def _changed(self) -> None:
        await self._on_change()
        await self._chat.refresh()
