"""
The room of privacy: what is kept, where, how large, how encrypted; and what went over the network.

Promises: says what it finds, also where that is not flattering: what lies unencrypted is named with its size.
Knows nothing of how it is measured.
"""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from daemon.text import counted
from daemon.web.backend import Desk
from daemon.web.components import basic
from daemon.web.components.icons import icon
from daemon.web.components.inputs import bar, facts, fill, waiting
from daemon.web.formatting import day, size
from daemon.web.layout import Visit

Found = Mapping[str, Any]
KEPT = {  # part of the store: what it is for a person, and one of it
    "chats": ("Chats", "message", "messages"),
    "memories": ("Memories", "memory", "memories"),
    "history": ("Their history", "step", "steps"),
    "lessons": ("Lessons", "lesson", "lessons"),
    "generations": ("Generations", "generation", "generations"),
    "nights": ("Nights", "night", "nights"),
    "imports": ("Imports", "import", "imports"),
    "words": ("Index of words", "", ""),
    "vectors": ("Index of meaning", "vector", "vectors"),
    "forgotten": ("Marks of what was forgotten", "message", "messages"),
    "private": ("Marks of what is never kept", "mark", "marks"),
    "other": ("The file's own", "", ""),
    "free": ("Room to be used again", "", ""),
}
LAST = ("other", "free")
PLACES = {  # what lies beside the store: what it is, and why it is there
    "inbox": ("Files in the inbox", "your own exports, as you dropped them; delete them when you like"),
    "uploads": ("Files dropped onto the page", "not decided on yet; gone with the daemon's next start"),
    "models": ("Models", "fetched when you asked for them"),
    "keys": ("Keys", "one opens the API; the other, if there, the store"),
    "settings": ("Settings", "config.toml, written by you"),
    "log": ("Log", "what the daemon says while it runs"),
    "rest": ("All else", "notes of the daemon: its lock, its address, the bytes that it counted"),
}
UNCOUNTED = (
    "Not all is counted: downloads = true allows the embedder's own library to fetch its model, "
    "and what it sends and receives is not in this number."
)


def build(visit: Visit) -> None:
    """Furnish the room."""
    basic.heading("Privacy", "What is kept of you, where it lies, and what has left this machine.")
    place = basic.box("privacy")
    with place:
        waiting("Measuring …")

    async def load() -> None:
        await _load(visit.desk, place)

    ui.timer(0.01, lambda: fill(place, load), once=True)


async def _load(desk: Desk, place: ui.element) -> None:
    found = await desk.ask(lambda client: client.storage())
    status = await desk.ask(lambda client: client.status())
    values = {one["key"]: one["value"] for one in status["settings"]}
    place.clear()
    with place:
        with basic.box("two"):
            _sent(found, downloads=values["downloads"])
            _encryption(found)
        _kept(found)
        _beside(found)
        _doors(values)


def _sent(found: Found, *, downloads: bool) -> None:
    traffic = found["traffic"]
    since = f"since {day(found['since'])}" if found["since"] else "since the installation"
    with basic.box("card sent", tag="section"):
        basic.text("Sent to anybody", tag="h2")
        basic.text(size(traffic["sent"]), "figure")
        if downloads:
            basic.text(UNCOUNTED, "warning small")
        if not (traffic["sent"] or traffic["received"]):
            if not downloads:
                basic.text(f"Nothing has left this machine {since}, and nothing was fetched.", "soft")
            return
        told = "requests for downloads that you asked for, with no word of yours."
        basic.text(f"{since[:1].upper()}{since[1:]}: {told} {size(traffic['received'])} came in.", "soft")
        hosts = traffic["hosts"].items()
        facts([(host, f"{size(out)} sent, {size(back)} received") for host, (out, back) in hosts])


def _encryption(found: Found) -> None:
    with basic.box("card lock", tag="section"):
        with basic.box("row spread"):
            basic.text("Encryption", tag="h2")
            basic.chip("on", "good", picture="check") if found["encrypted"] else basic.chip(
                "off", "bad", picture="warn"
            )
        if not found["encrypted"]:
            basic.problem(
                "The store's file is not encrypted. Restore a backup, or ask for help before you go on."
            )
        where = (
            "in the keyring of the system"
            if found["key"] == "keyring"
            else f"in the file {found['home']}/key"
        )
        facts(
            [
                ("Every page", found["store"]["cipher"]),
                ("The key", where),
                ("The folder", "only you can enter" if found["private"] else "others can look in"),
            ]
        )
        if not found["private"]:
            basic.text(f"Close it with: chmod 700 {found['home']}", "warning mono small")


def _kept(found: Found) -> None:
    store = found["store"]
    largest = max((part["bytes"] for part in store["parts"]), default=1) or 1
    with basic.section("What is kept", "All of it in one encrypted file.", classes="kept"):
        path = next((one["path"] for one in found["places"] if one["what"] == "store"), found["home"])
        facts(
            [
                ("File", path),
                ("Size", f"{size(store['bytes'])}, on a disk with {size(found['free_bytes'])} free"),
                ("Oldest word", day(store["oldest"]) if store["oldest"] else "none yet"),
            ]
        )
        with basic.box("table-box"), basic.box("plain stored", tag="table") as table:
            table.props["aria-label"] = "What is in the store"
            with basic.box(tag="thead"), basic.box(tag="tr"):
                for title in ("What", "How many", "", "Room"):
                    basic.text(title, tag="th").props("scope=col")
            with basic.box(tag="tbody"):
                for part in sorted(store["parts"], key=lambda one: one["name"] in LAST):
                    _part(part, part["bytes"] / largest)


def _part(part: Found, of_largest: float) -> None:
    name, one, many = KEPT.get(part["name"], (part["name"], "row", "rows"))
    with basic.box(tag="tr"):
        basic.text(name, "name", tag="td")
        many_of_it = "" if part["rows"] is None or not one else counted(part["rows"], one, many)
        basic.text(many_of_it, "soft", tag="td")
        with basic.box("of-it", tag="td"):
            bar(of_largest, f"{name}: {size(part['bytes'])}")
        basic.text(size(part["bytes"]), "number", tag="td")


def _beside(found: Found) -> None:
    beside = [one for one in found["places"] if not one["encrypted"] and one["what"] in PLACES]
    if not beside:
        return
    with basic.section(
        "Beside it, not encrypted", "Readable by you alone, like any file of yours.", classes="beside-it"
    ):
        with basic.box("places", tag="ul"):
            for one in beside:
                name, why = PLACES[one["what"]]
                with basic.box(tag="li"):
                    icon("file")
                    with basic.box("place-words"):
                        basic.text(f"{name}: {counted(one['files'], 'file')}, {size(one['bytes'])}", "name")
                        basic.text(why, "soft small")
                        basic.text(one["path"], "soft small mono path")


def _doors(values: Mapping[str, Any]) -> None:
    with basic.section("Who can come in", classes="doors"):
        facts(
            [
                ("Listens on", f"{values['host']}: this machine only, never the network"),
                ("Asks for", "the key, of every program; a link that works once, of every browser"),
                (
                    "Downloads",
                    "allowed by you, for the embedder"
                    if values["downloads"]
                    else "only what you ask for by name",
                ),
                ("Telemetry", "none; there is no code for it"),
            ]
        )
        with basic.box("row"):
            basic.text("Take everything out:", "soft", tag="span")
            basic.text("tsubasa export", "mono", tag="code")
