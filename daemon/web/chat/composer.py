"""The field for a question, and its button; what is written stays while an answer is under way (page.js)."""

import json
from collections.abc import Awaitable, Callable

from nicegui import events, ui

from daemon.text import counted
from daemon.web.chat.attachments import MOST_BYTES, Attachment, read
from daemon.web.chat.state import ChatState
from daemon.web.components import dom, icons

LONGEST = 200_000  # characters of a question


class Composer:
    """The form at the foot of the chat."""

    def __init__(
        self,
        *,
        on_ask: Callable[[str, Attachment | None], Awaitable[None]],
        on_stop: Callable[[], None],
    ) -> None:
        self._on_ask = on_ask
        self._on_stop = on_stop
        self._file: Attachment | None = None  # goes along with the next question
        with dom.box("composer-place"):
            self._attached = dom.box("attached-file").props("role=status")
            self._upload = ui.upload(auto_upload=True, max_file_size=MOST_BYTES, on_upload=self._took)
            self._upload.classes("hidden").props("no-thumbnails")
            self._upload.on("uploading", js_handler="() => tsubasa.reading()")
            self._upload.on("failed", js_handler="() => tsubasa.read(false)")
            self._upload.on("rejected", self._refused, js_handler="() => emit()")
            with dom.box("composer", tag="form", label="Your message") as self._form:
                attach = dom.plain_button("icon-button attach", name="Attach a text or a PDF")
                attach.on("click", js_handler=f"() => getElement({self._upload.id}).$refs.qRef.pickFiles()")
                with attach:
                    icons.icon("clip")
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
            return
        file, self._file = self._file, None
        self._show_file()
        await self._on_ask(str(event.args), file)

    async def _took(self, event: events.UploadEventArguments) -> None:
        self._upload.reset()
        name, data = event.file.name, await event.file.read()
        self._attached.clear()
        with self._attached:
            dom.text(f"Reading {name} …", "soft small")
        is_read = False
        try:
            self._file = await read(name, data)
            is_read = True
        finally:
            self._show_file()
            ui.run_javascript(f"tsubasa.read({json.dumps(is_read)})")

    def _refused(self) -> None:
        dom.notify(f"A file of at most {MOST_BYTES // 2**20} MB can be attached, one at a time.", "bad")

    def _show_file(self) -> None:
        self._attached.clear()
        if self._file is None:
            return
        with self._attached:
            dom.chip(f"{self._file.name}, {counted(len(self._file.text.split()), 'word')}", picture="file")
            dom.icon_button("Leave the file out", self._leave_out, picture="close")

    def _leave_out(self) -> None:
        self._file = None
        self._show_file()
