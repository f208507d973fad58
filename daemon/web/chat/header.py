"""The header of the chat: its title, who answers, whether it is on the record, and a new chat."""

from nicegui import events, ui

from daemon.client import calls
from daemon.client.schemas.status import Status
from daemon.web.chat.actions import ChatActions
from daemon.web.chat.state import BASE, ChatState
from daemon.web.components import dom, icons
from daemon.web.layout import is_logging, paused_until

TITLE = 70  # characters


class ChatHeader:
    """Title, model, switch, buttons."""

    def __init__(self, chat: ChatActions) -> None:
        self._chat = chat
        with dom.box("chat-head", tag="header") as self._box:
            self._title = dom.text("New chat", "chat-title", tag="h1")
            with dom.box("chat-tools"):
                self._models = dom.box("models")
                with dom.plain_button("veil", self._switch, name="Off the record") as self._private:
                    icons.icon("veil")
                    dom.text("Off the record", tag="span")
                self._private.props("role=switch")
                dom.icon_button("New chat", self._start, picture="plus")
                dom.icon_button("Earlier chats", chat.toggle_history, picture="history", classes="narrow")
            with dom.box("veiled").props("role=note") as self._notice:
                icons.icon("veil")
                self._why_not_kept = dom.text("")
        self._offer([("tsubasa", "Tsubasa")], "tsubasa")

    async def fill(self) -> None:
        """Offer the generations that can answer, and the models beside the main one."""
        known = self._chat.status
        status: Status = known if known else await self._chat.backend.ask(calls.status())
        found = await self._chat.backend.ask(calls.generations())
        live = found["live"]
        usable = [one["id"] for one in found["generations"] if not one["why_not"] and one["id"] != live]
        names = [("tsubasa", f"Tsubasa, {f'generation {live}' if live else 'base model'}")]
        names += [(f"tsubasa@{number}", f"Generation {number}") for number in sorted(usable, reverse=True)]
        if live:
            names.append(("tsubasa@0", "Base model + memories"))
        names.append((BASE, "Base model only, not kept"))
        names += [(one["name"], one["name"]) for one in status["further"] if one["why"] is None]
        self._offer(names, self._chat.state.chosen)

    def show(self, state: ChatState) -> None:
        """Follow the chat."""
        words = state.title or " ".join(state.first_question.split())
        title = words or ("Off the record" if state.private else "New chat")
        self._title.set_text(title if len(title) <= TITLE else title[: TITLE - 1] + "…")
        self._private.props["aria-checked"] = "true" if state.private else "false"
        self._private.update()
        self._models.set_visibility(not state.private)
        notice = self._not_kept(state)
        self._why_not_kept.set_text(notice)
        self._notice.set_visibility(bool(notice))
        ui.run_javascript(f"tsubasa.veil({'true' if notice else 'false'})")

    def _not_kept(self, state: ChatState) -> str:
        """Why nothing of this chat is kept; empty when it is."""
        status = self._chat.status
        if state.private:
            return "Off the record. Nothing here is kept or learned, and no memories are used."
        if state.chosen == BASE:
            return "The base model only. Nothing here is kept or learned, and no memories are used."
        return paused_until(status) if status and not is_logging(status) else ""

    def _offer(self, names: list[tuple[str, str]], chosen: str) -> None:
        self._names = names
        self._models.clear()
        with self._models:
            dom.choice("Who answers", names, chosen, self._choose)

    async def _choose(self, event: events.GenericEventArguments) -> None:
        state, model = self._chat.state, str(event.args)
        goes_on = state.may_go_on_with(model)
        if not goes_on and not await self.confirm_leaving():
            self._offer(self._names, state.chosen)
            return
        state.chosen = model
        if goes_on:
            self.show(state)
        else:  # the next question would send it all along, to be kept
            await self._chat.start()

    async def _start(self) -> None:
        if not await self._chat.may_leave():
            return
        await self._chat.start(private=self._chat.state.private)

    async def _switch(self) -> None:
        state = self._chat.state
        if not await self._chat.may_leave():
            return
        await self._chat.start(private=not state.private)

    async def confirm_leaving(self) -> bool:
        """Ask whether a chat off the record is to be left for good."""
        with self._box:  # what asked may be drawn again meanwhile
            return await dom.confirm(
                "Leave this chat behind?",
                "It was off the record: when you leave it, it is gone for good.",
                yes="Leave it",
            )
