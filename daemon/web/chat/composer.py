"""The field for a question, and its button; what is written stays while an answer is under way (page.js)."""

from collections.abc import Awaitable, Callable

from nicegui import events, ui

from daemon.web.chat.state import ChatState
from daemon.web.components import dom, icons

LONGEST = 200_000  # characters of a question


class Composer:
    """The form at the foot of the chat."""

    def __init__(self, *, on_ask: Callable[[str], Awaitable[None]], on_stop: Callable[[], None]) -> None:
        self._on_ask = on_ask
        self._on_stop = on_stop
        with dom.box("composer-place"):
            with dom.box("composer", tag="form", label="Your message") as self._form:
                field = dom.box("composer-field", tag="textarea", label="Message").props(
                    f"rows=1 maxlength={LONGEST} name=question autocomplete=off autofocus enterkeyhint=send"
                )
                field.props["placeholder"] = "Write to Tsubasa"
                with ui.element("button").classes("send").props("type=submit") as self._button:
                    icons.icon("send", classes="if-idle")
                    icons.icon("stop", classes="if-busy")
            self._sealed = dom.text(
                "A part of this chat was forgotten, so it can be read but not continued.", "sealed soft"
            )
        self._form.on("submit", self._submitted, js_handler="(event) => tsubasa.submit(event, emit)")
        field.on("keydown", js_handler="(event) => tsubasa.key(event)")
        field.on("input", js_handler="(event) => tsubasa.wrote(event.target)")
        self.set_busy(False)

    def show(self, state: ChatState) -> None:
        """Follow the chat."""
        self._form.set_visibility(not state.sealed)
        self._sealed.set_visibility(state.sealed)

    def set_busy(self, on: bool) -> None:
        """Offer to stop, while an answer is under way."""
        self._form.props["data-busy"] = "true" if on else "false"
        name = "Stop the answer" if on else "Send"
        self._button.props["aria-label"] = self._button.props["title"] = name
        self._form.update()
        self._button.update()

    async def _submitted(self, event: events.GenericEventArguments) -> None:
        if event.args is None:
            self._on_stop()
        else:
            await self._on_ask(str(event.args))
