"""
One dropped file, as a card: what is in it and how much of that is new; then that it went in, and the way back.

Promises: the file is gone from the home once it was decided about; what undoing takes is told before.
Knows nothing of how a file came here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from nicegui import ui

from daemon.errors import DaemonError
from daemon.text import counted, generations, listed
from daemon.web.backend import Desk
from daemon.web.components import basic
from daemon.web.components.icons import icon
from daemon.web.components.inputs import bar, facts, waiting
from daemon.web.formatting import day
from daemon.web.inbox import uploads

Found = Mapping[str, Any]


class Card:
    """One file between its drop and the decision about it."""

    def __init__(
        self, desk: Desk, place: ui.element, file: Path, *, on_change: Callable[[], Awaitable[None]]
    ) -> None:
        """`place`: an empty card; `on_change`: called when something went in or out."""
        self._desk, self._place, self._file, self._on_change = desk, place, file, on_change

    async def look(self) -> None:
        """Show what is in it, or why it can't be read."""
        try:
            found = await self._desk.ask(lambda client: client.preview_import(self._file))
        except DaemonError as error:
            await asyncio.to_thread(uploads.drop, self._file)
            self._failed(error)
            return
        self._place.clear()
        with self._place:
            self._preview(found)

    def _failed(self, error: DaemonError) -> None:
        self._place.clear()
        with self._place:
            _head(self._file.name, "not taken in", "bad")
            basic.problem(str(error).removeprefix(f"{self._file.name}: "))
            with basic.box("actions"):
                basic.button("Close", self._close)

    def _preview(self, found: Found) -> None:
        nothing_new = not (found["new_turns"] or found["memories"])
        kind = ("known already", "") if nothing_new else ("not stored yet", "warm")
        _head(found["name"], *kind)
        chats = f"{counted(found['sessions'], 'chat')}, {counted(found['turns'], 'message')}"
        facts(
            [
                ("Is", found["format"]),
                ("Holds", chats),
                ("From", _days(found)),
                ("Left out", _left_out(found)),
            ]
        )
        if found["turns"]:
            new = f"{found['new_turns']:,} new, {found['known']:,} known here already"
            with basic.box("newness"):
                bar(found["new_turns"] / found["turns"], new, kind="good")
                basic.text(new, "small soft")
        if found["memories"]:
            basic.text(
                f"It also holds {counted(found['memories'], 'memory', 'memories')}, with their history."
            )
        if found["refused"]:
            basic.text(f"Its memories stay out: {found['refused']}.", "warning")
        if found["first"]:
            _beginning(found)
        with basic.box("actions"):
            basic.button("Close" if nothing_new else "Leave it out", self._close)
            if not nothing_new:
                basic.button(f"Take in {counted(found['new_turns'], 'message')}", self._take_in, kind="main")

    async def _take_in(self) -> None:
        self._place.clear()
        with self._place:
            waiting(f"Taking in {self._file.name} …")
        try:
            taken = await self._desk.ask(lambda client: client.import_file(self._file))
        except DaemonError as error:
            self._failed(error)
            return
        finally:
            await asyncio.to_thread(uploads.drop, self._file)
        self._place.clear()
        with self._place:
            self._went_in(taken)
        await self._on_change()

    def _went_in(self, taken: Found) -> None:
        _head(taken["name"], "taken in", "good")
        told = f"{counted(taken['turns'], 'message')} in {counted(taken['sessions'], 'chat')}"
        basic.text(f"{told}, in {taken['seconds']:.1f} seconds. I read them for memories when it is quiet.")
        with basic.box("actions"):
            if taken["import_id"] is not None and taken["turns"]:
                basic.button("Take it back", lambda: self._take_back(taken["import_id"]), picture="undo")
            basic.button("Good", self._close, kind="main")

    async def _take_back(self, number: int) -> None:
        if await take_back(self._desk, number):
            self._place.delete()
            await self._on_change()

    async def _close(self) -> None:
        await asyncio.to_thread(uploads.drop, self._file)
        self._place.delete()


async def take_back(desk: Desk, number: int) -> bool:
    """Ask whether an import should be undone, saying what that takes; whether it was done."""
    found = await desk.ask(lambda client: client.import_of(number))

    def more() -> None:
        if found["lines"]:
            with basic.box("goes", tag="ul"):
                for one in found["lines"][:6]:
                    basic.text(one["line"].partition(": ")[2], tag="li")
                if len(found["lines"]) > 6:
                    basic.text(f"and {len(found['lines']) - 6} more", "soft")

    sure = await basic.confirm(
        f"Take {found['import']['name']} back?", _undoing(found), yes="Take it back", kind="danger", more=more
    )
    if not sure:
        return False
    done = await desk.ask(lambda client: client.undo_import(number))
    basic.say(_undone(done))
    return True


def _undoing(found: Found) -> str:
    gone = [counted(found["messages"], "message")]
    if found["memories"]:
        gone.append(counted(len(found["memories"]), "memory", "memories"))
    text = f"This takes {listed(gone)} that came with it alone, as if it had never come."
    if found["generations"]:
        text += f" {generations(found['generations'])} learned of it and will answer no more."
    return text + " The same file can be taken in again."


def _undone(done: Found) -> str:
    report = done["report"]
    text = f"Taken back: {counted(report['messages'], 'message')}, {counted(report['memories'], 'memory', 'memories')}."
    if report["kept_messages"]:
        text += f" {counted(report['kept_messages'], 'message')} are known otherwise and stay."
    if report["restored"]:
        text += f" {counted(report['restored'], 'memory', 'memories')} that it had replaced hold again."
    return text


def _head(name: str, state: str, kind: str) -> None:
    with basic.box("import-head"):
        icon("file")
        basic.text(name, "file", tag="h2")
        basic.chip(state, kind)


def _days(found: Found) -> str:
    if not found["days"]:
        return "no dates"
    first, last = (day(one) for one in found["days"])
    return first if first == last else f"{first} to {last}"


def _left_out(found: Found) -> str:
    most_first = sorted(found["left_out"].items(), key=lambda one: -one[1])
    return ", ".join(f"{number:,} {reason}" for reason, number in most_first)


def _beginning(found: Found) -> None:
    with basic.box("beginning", tag="details"):
        basic.text("How it begins", tag="summary")
        for one in found["first"]:
            with basic.box("sample mine" if one["role"] == "user" else "sample"):
                basic.text("you" if one["role"] == "user" else "the assistant", "small soft")
                basic.text(one["text"])
