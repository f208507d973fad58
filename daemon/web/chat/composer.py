"""
Where a question is written: Enter sends, Shift+Enter breaks the line, Escape stops the answer.

Promises: what was written is not lost while an answer is under way. The keys and the growing are page.js's.
"""

from collections.abc import Awaitable, Callable

from nicegui import events, ui

from daemon.web.chat.state import Talk
from daemon.web.components import basic, icons

LONGEST = 200_000  # characters


class Composer:
    """The field and its button."""

    def __init__(self, *, on_ask: Callable[[str], Awaitable[None]], on_stop: Callable[[], None]) -> None:
        self._on_ask = on_ask
        self._on_stop = on_stop
        with basic.box("composer-place"):
            with basic.box("composer", tag="form") as self._form:
                self._form.props["aria-label"] = "Your message"
                self._form.props["data-busy"] = "false"
                self._field = ui.element("textarea").classes("composer-field")
                self._field.props(
                    f"rows=1 maxlength={LONGEST} name=question autocomplete=off autofocus enterkeyhint=send"
                )
                self._field.props["aria-label"] = "Message"
                self._field.props["placeholder"] = "Write to Tsubasa"
                self._button = ui.element("button").classes("send").props("type=submit")
                with self._button:
                    icons.icon("send", classes="if-idle")
                    icons.icon("stop", classes="if-busy")
            self._sealed = basic.text(
                "A part of this chat was forgotten, so it can be read but not continued.", "sealed soft"
            )
        self._form.on("submit", self._submitted, js_handler="(event) => tsubasa.submit(event, emit)")
        self._field.on("keydown", js_handler="(event) => tsubasa.key(event)")
        self._field.on("input", js_handler="(event) => tsubasa.wrote(event.target)")
        self.busy(False)

    def show(self, talk: Talk) -> None:
        """Follow the talk."""
        self._form.set_visibility(not talk.sealed)
        self._sealed.set_visibility(talk.sealed)

    def busy(self, on: bool) -> None:
        """Offer to stop, while an answer is under way."""
        self._form.props["data-busy"] = "true" if on else "false"
        name = "Stop the answer" if on else "Send"
        self._button.props["aria-label"] = name
        self._button.props["title"] = name
        self._form.update()
        self._button.update()

    async def _submitted(self, event: events.GenericEventArguments) -> None:
        if event.args is None:
            self._on_stop()
        else:
            await self._on_ask(str(event.args))
