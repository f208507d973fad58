"""
`tsubasa memories tend`: read the quiet chats now, instead of when the daemon comes to it.
"""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from daemon.cli.bars import waiting
from daemon.cli.output import HomeFlag, JsonFlag, as_json, daemon_at, out
from daemon.text import counted

if TYPE_CHECKING:
    from daemon.client.client import Client

LOOK_EVERY_S = 0.3
OTHER_WORDS = "what matters you can tell in other words, or: tsubasa memories add TEXT"


def tend(
    quiet_s: Annotated[
        float, typer.Option("--quiet-s", min=0, help="Only chats without a word for so many seconds.")
    ] = 0.0,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Read all quiet chats now and draw memories from them; what could not be read is tried again once, in shorter
    pieces, for example: tsubasa memories tend
    """
    with daemon_at(home_flag) as client:
        ordered = client.tend(quiet_s=quiet_s, again=True)
        found = _followed(client, ordered["id"], quiet=json)
    if json:
        as_json(found)
    else:
        _tell(found)
    if _failed(found, ordered["id"]):
        raise typer.Exit(1)


def _followed(client: "Client", job_id: int, *, quiet: bool) -> dict[str, Any]:
    """Wait until the job is done, failed, or waits for its next attempt; what the daemon says then."""
    with waiting("reading quiet chats", quiet=quiet):
        while True:
            found = client.tended()
            job = found["job"]
            if job["id"] != job_id or job["state"] in ("done", "failed") or job["error"]:
                return found
            time.sleep(LOOK_EVERY_S)


def _failed(found: Mapping[str, Any], job_id: int) -> bool:
    return bool(found["job"]["id"] == job_id and found["job"]["state"] != "done")


def unread(told: Mapping[str, Any]) -> list[str]:
    """What of the chats could not be read, and what to do about it; nothing when all was."""
    parts, in_vain, doubted = told["parts"], told["in_vain"], told["doubted"]
    said = []
    if parts:
        vainly = "" if not in_vain else f" ({in_vain} also when tried again)"
        way = "try again: tsubasa memories tend" if in_vain < parts else OTHER_WORDS
        said.append(f"[yellow]Unread:[/] {_parts(parts)} could not be read, or not all of it{vainly}; {way}")
    if doubted:
        said.append(
            f"In {_parts(doubted)} the model was not sure of something and left it out; {OTHER_WORDS}"
        )
    return said


def _parts(number: int) -> str:
    return counted(number, "part of a chat", "parts of chats")


def _tell(found: Mapping[str, Any]) -> None:
    last = found["last"]
    if found["job"]["error"]:
        out.print(f"[red]It failed:[/] {escape(found['job']['error'])}")
        out.print("It is tried again by itself; what keeps it from working: tsubasa status")
        return
    if last is None:  # the daemon was restarted meanwhile
        out.print("Done; what it did is in: tsubasa memories")
        return
    ops = ", ".join(f"{count} {op}" for op, count in sorted(last["ops"].items()) if count)
    out.print(
        f"{last['chats']} chats read, {last['observations']} things observed" + (f": {ops}" if ops else "")
    )
    out.print(f"{counted(last['lessons'], 'lesson')} made for the next night")
    if last["again"]:
        out.print(f"{_parts(last['again'])} tried again")
    if last["unsure"]:
        unsure = counted(last["unsure"], "sentence")
        out.print(f"[dim]{unsure} left out, of which the model was not sure[/]")
    for failure in last["failures"]:
        out.print(f"[yellow]given up:[/] {escape(failure)}")
    for said in unread(found["unread"]):
        out.print(said)
