"""
The head of the chat: whom one talks to, whether it is on the record, and a new one.
"""

from typing import TYPE_CHECKING

from nicegui import events, ui

from daemon.web.chat.state import BASE, Talk
from daemon.web.components import basic, icons
from daemon.web.status import logs, paused

if TYPE_CHECKING:
    from daemon.web.chat.page import Chat

TITLE = 70  # characters


class ChatHead:
    """Title, model, switch, buttons."""

    def __init__(self, chat: "Chat") -> None:
        self._chat = chat
        with basic.box("chat-head", tag="header") as self._box:
            self._title = basic.text("New chat", "chat-title", tag="h1")
            with basic.box("chat-tools"):
                self._models = basic.box("models")
                self._veil = ui.element("button").classes("veil").props("type=button role=switch")
                self._veil.props["aria-label"] = self._veil.props["title"] = "Off the record"
                with self._veil:
                    icons.icon("veil")
                    basic.text("Off the record", tag="span")
                basic.on(self._veil, "click", self._switch)
                basic.icon_button("New chat", lambda: chat.start(private=chat.talk.private), picture="plus")
                basic.icon_button(
                    "Earlier chats", lambda: chat.past.toggle(), picture="history", classes="narrow"
                )
            self._notice = basic.box("veiled").props("role=note")
            with self._notice:
                icons.icon("veil")
                self._why_not_kept = basic.text("")
        self._choose([("tsubasa", "Tsubasa")], "tsubasa")

    async def fill(self) -> None:
        """Offer the generations that can answer."""
        found = await self._chat.desk.ask(lambda client: client.generations())
        live = found["live"]
        usable = [one["id"] for one in found["generations"] if not one["why_not"] and one["id"] != live]
        names = [("tsubasa", f"Tsubasa, {_name(live)}")]
        names += [(f"tsubasa@{number}", f"Generation {number}") for number in sorted(usable, reverse=True)]
        if live:
            names.append(("tsubasa@0", "Untrained, with memories"))
        names.append((BASE, "Base model only, not kept"))
        self._choose(names, self._chat.talk.chosen)

    def show(self, talk: Talk) -> None:
        """Follow the talk."""
        first = next((turn.text for turn in talk.turns if turn.role == "user"), "")
        title = " ".join(first.split()) or ("Off the record" if talk.private else "New chat")
        self._title.set_text(title if len(title) <= TITLE else title[: TITLE - 1] + "…")
        self._veil.props["aria-checked"] = "true" if talk.private else "false"
        self._veil.update()
        self._models.set_visibility(not talk.private)
        notice = self._unkept(talk)
        self._why_not_kept.set_text(notice)
        self._notice.set_visibility(bool(notice))
        ui.run_javascript(f"tsubasa.veil({'true' if notice else 'false'})")

    def _unkept(self, talk: Talk) -> str:
        """Why nothing of this chat is kept; empty when it is."""
        status = self._chat.status
        if talk.private:
            return "Off the record. Nothing here is kept or learned, and no memories are used."
        if talk.chosen == BASE:
            return "The base model only. Nothing here is kept or learned, and no memories are used."
        return paused(status) if status and not logs(status) else ""

    def _choose(self, names: list[tuple[str, str]], chosen: str) -> None:
        self._names = names
        self._models.clear()
        with self._models:
            basic.choice("Who answers", names, chosen, self._chosen)

    async def _chosen(self, event: events.GenericEventArguments) -> None:
        talk, model = self._chat.talk, str(event.args)
        goes_on = talk.may_go_on_with(model)
        if not goes_on and not await self._sure_to_leave():
            self._choose(self._names, talk.chosen)
            return
        talk.chosen = model
        if goes_on:
            self.show(talk)
        else:  # the next question would send it all along, to be kept
            await self._chat.start()

    async def _switch(self) -> None:
        talk = self._chat.talk
        if talk.private and talk.turns and not await self._sure_to_leave():
            return
        await self._chat.start(private=not talk.private)

    async def _sure_to_leave(self) -> bool:
        with self._box:  # what asked may be drawn anew meanwhile
            return await basic.confirm(
                "Leave this chat behind?",
                "It was off the record: when you leave it, it is gone for good.",
                yes="Leave it",
            )


def _name(generation: int) -> str:
    return f"generation {generation}" if generation else "base model"
