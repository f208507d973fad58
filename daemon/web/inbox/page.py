"""
The room of the inbox: drop a file, see what is in it, take it in, or take it back.

Promises: nothing is stored before a person has seen what it is; a file that can't be read says why, in its place.
Knows nothing of formats.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nicegui import events, ui

from daemon.home import sweep_uploads
from daemon.inbox.detect import FORMATS
from daemon.inbox.formats.tsubasa import FORMAT
from daemon.web.components import basic
from daemon.web.components.icons import icon
from daemon.web.components.inputs import fill, waiting
from daemon.web.formatting import day
from daemon.web.inbox import import_card, uploads
from daemon.web.inbox.import_card import Card
from daemon.web.layout import Visit

Found = Mapping[str, Any]
DROP = """(event) => {{ event.preventDefault(); event.currentTarget.classList.remove("over");
    {queue}.addFiles([...event.dataTransfer.files]) }}"""
OVER = '(event) => { event.preventDefault(); event.currentTarget.classList.add("over") }'
REJECTED = "(files) => emit(files.some((one) => one.failedPropValidation !== 'duplicate'))"
FAILED = "(sent) => {{ {queue}.removeQueuedFiles(); emit(sent.files.map((one) => one.name.slice(0, 60))) }}"
LEAVE = '(event) => event.currentTarget.classList.remove("over")'


def build(visit: Visit) -> None:
    """Furnish the room."""
    InboxRoom(visit).build()


class InboxRoom:
    """The room while somebody is in it."""

    def __init__(self, visit: Visit) -> None:
        self._desk = visit.desk
        self._home: Path | None = None

    def build(self) -> None:
        """A place to drop files, the cards of those dropped, and what was taken in before."""
        basic.heading(
            "Inbox", "Bring what you told other assistants. You see what is in a file before it goes in."
        )
        self._upload = ui.upload(multiple=True, auto_upload=True, on_upload=self._dropped)
        self._upload.on("rejected", _rejected, js_handler=REJECTED)
        self._upload.on("uploaded", js_handler=f"() => {self._queue}.removeUploadedFiles()")
        self._upload.on("failed", _failed, js_handler=FAILED.format(queue=self._queue))
        self._upload.classes("unseen").props("aria-hidden=true tabindex=-1 no-thumbnails")
        self._build_zone()
        self._cards = basic.box("cards").props("aria-live=polite")
        self._past = basic.box("imports")
        with self._past:
            waiting()
        ui.timer(0.01, lambda: fill(self._past, self._enter), once=True)

    @property
    def _queue(self) -> str:
        """The browser's list of the files on their way; each goes by itself, so that none takes others with it."""
        return f"getElement({self._upload.id}).$refs.qRef"

    def _build_zone(self) -> None:
        pick = f"() => {self._queue}.pickFiles()"
        zone = basic.box("drop")
        zone.on("dragover", js_handler=OVER).on("dragleave", js_handler=LEAVE)
        zone.on("drop", js_handler=DROP.format(queue=self._queue))
        with zone:
            icon("inbox")
            basic.text("Drop an export here", tag="h2")
            basic.text(
                f"{', '.join(sorted({*FORMATS, FORMAT}, key=str.lower))}; also as a ZIP.", "soft formats"
            )
            with basic.box("button main", tag="button").props("type=button").on("click", js_handler=pick):
                basic.text("Choose files", tag="span")
            self._folder = basic.text("", "soft small")

    async def _enter(self) -> None:
        status = await self._desk.ask(lambda client: client.status())
        self._home = Path(status["home"])
        await asyncio.to_thread(sweep_uploads, self._home)
        values = {one["key"]: one["value"] for one in status["settings"]}
        self._upload.props["max-file-size"] = values["max_import_mb"] * 2**20
        if values["inbox"]:
            self._folder.set_text(f"Or put them into {self._home / 'inbox'}: they go in by themselves.")
        await self._load()

    async def _dropped(self, event: events.UploadEventArguments) -> None:
        with self._cards:
            place = basic.box("card import")
            place.move(target_index=0)
        with place:
            waiting(f"Reading {event.file.name} …")
        home = self._home or Path((await self._desk.ask(lambda client: client.status()))["home"])
        file = await asyncio.to_thread(uploads.save, home, event.file.name, await event.file.read())
        await Card(self._desk, place, file, on_change=self._load).look()

    async def _load(self) -> None:
        found = (await self._desk.ask(lambda client: client.imports()))["imports"]
        self._past.clear()
        with self._past:
            if found:
                basic.text("What went in", tag="h2")
                with basic.box("table-box"), basic.box("plain imported", tag="table") as table:
                    table.props["aria-label"] = "Imports"
                    with basic.box(tag="thead"), basic.box(tag="tr"):
                        for title in ("File", "When", "Chats", "Messages", ""):
                            basic.text(title, tag="th").props("scope=col")
                    with basic.box(tag="tbody"):
                        for one in reversed(found):
                            self._row(one)

    def _row(self, one: Found) -> None:
        with basic.box(tag="tr"):
            basic.text(one["name"], "file", tag="td")
            basic.text(day(one["at"]), "soft", tag="td")
            basic.text(f"{one['sessions']:,}", "soft number", tag="td")
            basic.text(f"{one['turns']:,}", "soft number", tag="td")
            with basic.box("last", tag="td"):
                back = basic.button("Take back", lambda: self._take_back(one), picture="undo", kind="link")
                back.props["aria-label"] = f"Take back {one['name']}"

    async def _take_back(self, one: Found) -> None:
        if await import_card.take_back(self._desk, one["id"]):
            await self._load()


def _rejected(event: events.GenericEventArguments) -> None:
    """`event.args`: whether a file was too large; else one was on its way already."""
    if event.args:
        basic.say("That file is not taken: it is larger than max_import_mb allows.", "bad")
    else:
        basic.say("That file is on its way already.")


def _failed(event: events.GenericEventArguments) -> None:
    """`event.args`: the names of the files."""
    names = ", ".join(map(str, event.args))
    basic.say(f"Did not get {names}: the connection broke, or its name is too long. Drop it again.", "bad")
