"""
Privacy: what is kept, where, how large, how encrypted; and what went over the network.

It says what it finds, also where that is not flattering: what lies unencrypted is named with its size.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from daemon.client import calls
from daemon.client.schemas.memories import Program
from daemon.client.schemas.status import Storage, StorePart, Trouble
from daemon.text import counted
from daemon.web.components import dom
from daemon.web.components.icons import icon
from daemon.web.formatting import day, size
from daemon.web.layout import Visit

Found = Storage
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
HAPPENED = ("missing", "adapter", "flood", "backup")  # kinds of what is told until it was seen
PLACES = {  # what lies next to the store: what it is, and why it is there
    "inbox": ("Files in the inbox", "your own exports, as you dropped them; delete them when you like"),
    "uploads": (
        "Files dropped onto the page",
        "not decided on yet: held in memory, and gone with the daemon's next start",
    ),
    "models": ("Models", "fetched when you asked for them"),
    "profiles": ("Other people's profiles", "each with a store, encrypted, and keys of their own"),
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
    """Build the page."""
    dom.heading("Privacy", "What is kept of you, where it lies, and what has left this machine.")
    place = dom.box("privacy")

    async def load() -> None:
        found = await visit.backend.ask(calls.storage())
        status = await visit.backend.ask(calls.status())
        values = {one["key"]: one["value"] for one in status["settings"]}
        place.clear()
        with place:
            _attention(status["attention"], seen)
            with dom.box("two"):
                _sent(found, downloads=bool(values["downloads"]))
                _encryption(found)
            _kept(found, backups=bool(values["backups"]))
            _unencrypted(found)
            _programs((await visit.backend.ask(calls.programs()))["programs"], take_back)
            _access(values)

    async def take_back(program: str) -> None:
        done = await visit.backend.ask(calls.take_back(program))
        dom.notify(f"Undone: {counted(done['undone'], 'memory', 'memories')}.", "good")
        await load()

    async def seen() -> None:
        await visit.backend.ask(calls.notices_seen())
        await load()

    dom.fill_soon(place, load, "Measuring …")


def _attention(found: Sequence[Trouble], seen: Callable[[], Awaitable[None]]) -> None:
    """What a person should look at, each with what helps."""
    if not found:
        return
    with dom.section("Needs attention", classes="attention"):
        for one in found:
            dom.trouble(one["what"], one["do"])
        if any(one["kind"] in HAPPENED for one in found):
            dom.button("Dismiss", seen, kind="link")


def _sent(found: Found, *, downloads: bool) -> None:
    traffic = found["traffic"]
    since = f"since {day(found['since'])}" if found["since"] else "since the installation"
    with dom.box("card sent", tag="section"):
        dom.text("Sent over the network", tag="h2")
        dom.text(size(traffic["sent"]), "figure")
        if downloads:
            dom.text(UNCOUNTED, "warning small")
        if not (traffic["sent"] or traffic["received"]):
            if not downloads:
                dom.text(f"Nothing has left this machine {since}, and nothing was fetched.", "soft")
            return
        what = "requests for downloads that you asked for, with no word of yours."
        dom.text(f"{since[:1].upper()}{since[1:]}: {what} {size(traffic['received'])} came in.", "soft")
        hosts = traffic["hosts"].items()
        dom.facts([(host, f"{size(out)} sent, {size(back)} received") for host, (out, back) in hosts])


def _encryption(found: Found) -> None:
    with dom.box("card lock", tag="section"):
        with dom.box("row spread"):
            dom.text("Encryption", tag="h2")
            state = ("on", "good", "check") if found["encrypted"] else ("off", "bad", "warn")
            dom.chip(state[0], state[1], picture=state[2])
        if not found["encrypted"]:
            dom.problem(
                "The store's file is not encrypted. Restore a backup, or ask for help before you go on."
            )
        in_keyring = found["key"] == "keyring"
        where = "in the keyring of the system" if in_keyring else f"in the file {found['home']}/key"
        folder = "only you can enter" if found["private"] else "others can look in"
        dom.facts([("Every page", found["store"]["cipher"]), ("The key", where), ("The folder", folder)])
        if not found["private"]:
            dom.text(f"Close it with: chmod 700 {found['home']}", "warning mono small")


def _kept(found: Found, *, backups: bool) -> None:
    store = found["store"]
    largest = max((part["bytes"] for part in store["parts"]), default=1) or 1
    with dom.section("What is kept", "All of it in one encrypted file.", classes="kept"):
        path = next((one["path"] for one in found["places"] if one["what"] == "store"), found["home"])
        used = f"{size(store['bytes'])}, on a disk with {size(found['free_bytes'])} free"
        oldest = day(store["oldest"]) if store["oldest"] else "none yet"
        copies = [one for one in found["places"] if one["what"] == "backups"]
        held = (
            f"{counted(copies[0]['files'], 'file')}, {size(copies[0]['bytes'])}, encrypted"
            if copies
            else "none"
        )
        made = "one a day" if backups else "none is made by itself (backups = false)"
        facts = [("File", path), ("Size", used), ("Oldest word", oldest), ("Backups", f"{held}; {made}")]
        for one in (one for one in found["places"] if one["what"] == "prompts"):
            saved = f"{size(one['bytes'])}, encrypted: what was computed of programs' own instructions"
            facts.append(("Saved prompts", saved))
        dom.facts(facts)
        with dom.table("What is in the store", ("What", "How many", "", "Room"), "stored"):
            for part in sorted(store["parts"], key=lambda one: one["name"] in LAST):
                _part(part, part["bytes"] / largest)


def _part(part: StorePart, of_largest: float) -> None:
    name, one, many = KEPT.get(part["name"], (part["name"], "row", "rows"))
    with dom.box(tag="tr"):
        dom.text(name, "name", tag="td")
        many_of_it = "" if part["rows"] is None or not one else counted(part["rows"], one, many)
        dom.text(many_of_it, "soft", tag="td")
        with dom.box("of-it", tag="td"):
            dom.bar(of_largest, f"{name}: {size(part['bytes'])}")
        dom.text(size(part["bytes"]), "number", tag="td")


def _unencrypted(found: Found) -> None:
    found_places = [one for one in found["places"] if not one["encrypted"] and one["what"] in PLACES]
    if not found_places:
        return
    with dom.section(
        "Beside it, not encrypted", "Readable by you alone, like any file of yours.", classes="beside-it"
    ):
        with dom.box("places", tag="ul"):
            for one in found_places:
                name, why = PLACES[one["what"]]
                with dom.box(tag="li"):
                    icon("file")
                    with dom.box("place-words"):
                        dom.text(f"{name}: {counted(one['files'], 'file')}, {size(one['bytes'])}", "name")
                        dom.text(why, "soft small")
                        dom.text(one["path"], "soft small mono path")


def _programs(found: Sequence[Program], take_back: Callable[[str], Awaitable[None]]) -> None:
    """What other programs have added, and one click to undo all of one."""
    if not found:
        return
    lead = "Recalled in a third of the places at most, marked as theirs, and never learned."
    with dom.section("Memories that programs added", lead, classes="programs"):
        for one in found:
            with dom.box("row spread"):
                dom.text(
                    f"{one['name']}: {counted(one['memories'], 'memory', 'memories')}, last on {day(one['last_at'])}"
                )
                if one["memories"]:
                    dom.button("Undo all", partial(take_back, one["name"]), kind="danger")


def _access(values: Mapping[str, Any]) -> None:
    allowed = "allowed by you, for the embedder"
    downloads = allowed if values["downloads"] else "only what you ask for by name"
    with dom.section("Access", classes="doors"):
        dom.facts(
            [
                ("Listens on", f"{values['host']}: this machine only, never the network"),
                ("Asks for", "the key, of every program; a link that works once, of every browser"),
                ("Downloads", downloads),
                ("Telemetry", "none; there is no code for it"),
            ]
        )
        with dom.box("row"):
            dom.text("Export everything:", "soft", tag="span")
            dom.text("tsubasa export", "mono", tag="code")
