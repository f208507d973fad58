"""
The inbox: drop a file, see what is in it, take it in, or take it back.

Nothing is stored before a person has seen what it is: until then a file is held in memory, and found again by who
comes back. A file that can't be read says why, in its place.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from nicegui import events, ui

from daemon.client import calls
from daemon.client.transport import AsyncClient
from daemon.errors import DaemonError
from daemon.home import drop_upload
from daemon.text import IMPORT_FORMATS, counted, generations, listed
from daemon.web.components import dom
from daemon.web.components.icons import icon
from daemon.web.formatting import day
from daemon.web.inbox import uploads
from daemon.web.layout import Visit

Found = Mapping[str, Any]
DROP = """(event) => {{ event.preventDefault(); event.currentTarget.classList.remove("over");
    {queue}.addFiles([...event.dataTransfer.files]) }}"""
OVER = '(event) => { event.preventDefault(); event.currentTarget.classList.add("over") }'
REJECTED = "(files) => emit(files.some((one) => one.failedPropValidation !== 'duplicate'))"
FAILED = "(sent) => {{ {queue}.removeQueuedFiles(); emit(sent.files.map((one) => one.name.slice(0, 60))) }}"
LEAVE = '(event) => event.currentTarget.classList.remove("over")'
MOST_LINES = 6  # of what undoing takes


def build(visit: Visit) -> None:
    """Build the page."""
    Inbox(visit).build()


class Inbox:
    """The page while somebody is on it."""

    def __init__(self, visit: Visit) -> None:
        self._backend = visit.backend
        self._home: Path | None = None

    def build(self) -> None:
        """A place to drop files, the cards of those dropped, and what was taken in before."""
        dom.heading(
            "Inbox", "Bring what you told other assistants. You see what is in a file before it goes in."
        )
        self._upload = ui.upload(multiple=True, auto_upload=True, on_upload=self._dropped)
        self._upload.on("rejected", _rejected, js_handler=REJECTED)
        self._upload.on("uploaded", js_handler=f"() => {self._queue}.removeUploadedFiles()")
        self._upload.on("failed", _failed, js_handler=FAILED.format(queue=self._queue))
        self._upload.classes("hidden").props("no-thumbnails")
        self._drop_zone()
        self._cards = dom.box("cards").props("aria-live=polite")
        self._imports = dom.box("imports")
        dom.fill_soon(self._imports, self._enter)

    @property
    def _queue(self) -> str:
        """The browser's list of the files on their way; each goes by itself, so that none takes others with it."""
        return f"getElement({self._upload.id}).$refs.qRef"

    def _drop_zone(self) -> None:
        zone = dom.box("drop")
        zone.on("dragover", js_handler=OVER).on("dragleave", js_handler=LEAVE)
        zone.on("drop", js_handler=DROP.format(queue=self._queue))
        with zone:
            icon("inbox")
            dom.text("Drop an export here", tag="h2")
            dom.text(f"{', '.join(sorted(IMPORT_FORMATS, key=str.lower))}; also as a ZIP.", "soft formats")
            with dom.plain_button("button main") as choose:
                dom.text("Choose files", tag="span")
            choose.on("click", js_handler=f"() => {self._queue}.pickFiles()")
            self._folder = dom.text("", "soft small")

    async def _enter(self) -> None:
        status = await self._backend.ask(calls.status())
        self._home = Path(status["home"])
        values = {one["key"]: one["value"] for one in status["settings"]}
        self._upload.props["max-file-size"] = values["max_import_mb"] * 2**20
        if values["inbox"]:
            self._folder.set_text(f"Or put them into {self._home / 'inbox'}: they go in by themselves.")
        await self._load()
        for file in await asyncio.to_thread(uploads.waiting, self._home):
            await self._card(file)

    async def _card(self, file: Path) -> None:
        """The card of one file that waits."""
        with self._cards, dom.box("card import") as place:
            dom.loading(f"Reading {file.name} …")
        place.move(target_index=0)
        await ImportCard(self._backend, place, file, on_change=self._load).preview()

    async def _dropped(self, event: events.UploadEventArguments) -> None:
        home = self._home or Path((await self._backend.ask(calls.status()))["home"])
        file = await asyncio.to_thread(uploads.save, home, event.file.name, await event.file.read())
        await self._card(file)

    async def _load(self) -> None:
        found = (await self._backend.ask(calls.imports()))["imports"]
        self._imports.clear()
        with self._imports:
            if found:
                dom.text("Imported", tag="h2")
                with dom.table("Imports", ("File", "When", "Chats", "Messages", ""), "imported"):
                    for one in reversed(found):
                        self._row(one)

    def _row(self, one: Found) -> None:
        with dom.box(tag="tr"):
            dom.text(one["name"], "file", tag="td")
            dom.text(day(one["at"]), "soft", tag="td")
            dom.text(f"{one['sessions']:,}", "soft number", tag="td")
            dom.text(f"{one['turns']:,}", "soft number", tag="td")
            with dom.box("last", tag="td"):
                back = dom.button("Undo", lambda: self._undo(one["id"]), picture="undo", kind="link")
                back.props["aria-label"] = f"Undo the import of {one['name']}"

    async def _undo(self, import_id: int) -> None:
        if await _confirm_undo(self._backend, import_id):
            await self._load()


def _rejected(event: events.GenericEventArguments) -> None:
    """`event.args`: whether a file was too large; else one was on its way already."""
    if event.args:
        dom.notify("That file is not taken: it is larger than max_import_mb allows.", "bad")
    else:
        dom.notify("That file is on its way already.")


def _failed(event: events.GenericEventArguments) -> None:
    """`event.args`: the names of the files."""
    names = ", ".join(map(str, event.args))
    dom.notify(f"Did not get {names}: the connection broke, or its name is too long. Drop it again.", "bad")


class ImportCard:
    """One dropped file: what is in it and how much of that is new; then that it went in, and the way back."""

    def __init__(
        self, backend: AsyncClient, place: ui.element, file: Path, *, on_change: Callable[[], Awaitable[None]]
    ) -> None:
        """`place`: an empty card; `on_change`: called when something went in or out."""
        self._backend, self._place, self._file, self._on_change = backend, place, file, on_change

    async def preview(self) -> None:
        """Show what is in it, or why it can't be read."""
        try:
            found = await self._backend.ask(calls.preview_import(self._file))
        except DaemonError as error:
            await asyncio.to_thread(drop_upload, self._file)
            self._show_failure(error)
            return
        self._place.clear()
        with self._place:
            self._show_preview(found)

    def _show_failure(self, error: DaemonError) -> None:
        self._place.clear()
        with self._place:
            _card_head(self._file.name, "not imported", "bad")
            dom.problem(str(error).removeprefix(f"{self._file.name}: "))
            with dom.box("actions"):
                dom.button("Close", self._close)

    def _show_preview(self, found: Found) -> None:
        nothing_new = not (found["new_turns"] or found["memories"])
        _card_head(found["name"], *(("known already", "") if nothing_new else ("not stored yet", "warm")))
        chats = f"{counted(found['sessions'], 'chat')}, {counted(found['turns'], 'message')}"
        left_out = sorted(found["left_out"].items(), key=lambda one: -one[1])
        dom.facts(
            [
                ("Is", found["format"]),
                ("Holds", chats),
                ("From", _days(found)),
                ("Left out", ", ".join(f"{number:,} {reason}" for reason, number in left_out)),
            ]
        )
        if found["turns"]:
            new = f"{found['new_turns']:,} new, {found['known']:,} known here already"
            with dom.box("newness"):
                dom.bar(found["new_turns"] / found["turns"], new, kind="good")
                dom.text(new, "small soft")
        if found["memories"]:
            memories = counted(found["memories"], "memory", "memories")
            dom.text(f"It also holds {memories}, with their history.")
        if found["refused"]:
            dom.text(f"Its memories stay out: {found['refused']}.", "warning")
        if found["first"]:
            _beginning(found["first"])
        with dom.box("actions"):
            dom.button("Close" if nothing_new else "Skip", self._close)
            if not nothing_new:
                dom.button(f"Import {counted(found['new_turns'], 'message')}", self._take_in, kind="main")

    async def _take_in(self) -> None:
        self._place.clear()
        with self._place:
            dom.loading(f"Importing {self._file.name} …")
        try:
            taken = await self._backend.ask(calls.import_file(self._file))
        except DaemonError as error:
            self._show_failure(error)
            return
        finally:
            await asyncio.to_thread(drop_upload, self._file)
        self._place.clear()
        with self._place:
            _card_head(taken["name"], "imported", "good")
            what = f"{counted(taken['turns'], 'message')} in {counted(taken['sessions'], 'chat')}"
            dom.text(f"{what}, in {taken['seconds']:.1f} seconds. I read them for memories when it is quiet.")
            with dom.box("actions"):
                if (number := taken["import_id"]) is not None and taken["turns"]:
                    dom.button("Undo", partial(self._undo, number), picture="undo")
                dom.button("Done", self._close, kind="main")
        await self._on_change()

    async def _undo(self, import_id: int) -> None:
        if await _confirm_undo(self._backend, import_id):
            self._place.delete()
            await self._on_change()

    async def _close(self) -> None:
        await asyncio.to_thread(drop_upload, self._file)
        self._place.delete()


async def _confirm_undo(backend: AsyncClient, import_id: int) -> bool:
    """Ask whether an import should be undone, saying what that takes; whether it was done."""
    found = await backend.ask(calls.import_of(import_id))
    gone = [counted(found["messages"], "message")]
    if found["memories"]:
        gone.append(counted(len(found["memories"]), "memory", "memories"))
    words = f"This takes {listed(gone)} that came with it alone, as if it had never come."
    if found["generations"]:
        words += f" {generations(found['generations'])} learned of it and will answer no more."
    words += " The same file can be imported again."

    def lines() -> None:
        if found["lines"]:
            with dom.box("goes", tag="ul"):
                for one in found["lines"][:MOST_LINES]:
                    dom.text(one["line"].partition(": ")[2], tag="li")
                if len(found["lines"]) > MOST_LINES:
                    dom.text(f"and {len(found['lines']) - MOST_LINES} more", "soft")

    title = f"Undo the import of {found['import']['name']}?"
    if not await dom.confirm(title, words, yes="Undo the import", kind="danger", more=lines):
        return False
    done = await backend.ask(calls.undo_import(import_id))
    dom.notify(_undone(done["report"]))
    return True


def _undone(report: Found) -> str:
    memories = counted(report["memories"], "memory", "memories")
    text = f"Undone: {counted(report['messages'], 'message')}, {memories}."
    if report["kept_messages"]:
        text += f" {counted(report['kept_messages'], 'message')} are known otherwise and stay."
    if report["restored"]:
        text += f" {counted(report['restored'], 'memory', 'memories')} that it had replaced hold again."
    return text


def _card_head(name: str, state: str, kind: str) -> None:
    with dom.box("import-head"):
        icon("file")
        dom.text(name, "file", tag="h2")
        dom.chip(state, kind)


def _days(found: Found) -> str:
    if not found["days"]:
        return "no dates"
    first, last = (day(one) for one in found["days"])
    return first if first == last else f"{first} to {last}"


def _beginning(messages: list[Found]) -> None:
    with dom.details("How it begins", "beginning"):
        for one in messages:
            is_user = one["role"] == "user"
            with dom.box("sample mine" if is_user else "sample"):
                dom.text("you" if is_user else "the assistant", "small soft")
                dom.text(one["text"])
