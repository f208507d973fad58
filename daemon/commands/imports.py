"""
`tsubasa import`: take chat exports in, look into them first, list what was taken in, take it back.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from daemon import config
from daemon.commands.shared import HomeFlag, chosen, daemon_at, out
from daemon.errors import Refused
from daemon.inbox import own_export
from daemon.inbox.errors import InboxError
from daemon.inbox.export import Export
from daemon.inbox.reasons import counted
from daemon.inbox.take_in import read_file
from store.archive import Archive

if TYPE_CHECKING:
    from daemon.client import Client


def import_files(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Chat exports; what each one is shows in its content.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is in the files.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List what was taken in, with numbers.")] = False,
    undo: Annotated[
        int | None, typer.Option("--undo", metavar="N", help="Take back import N, and what came of it.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before --undo.")] = False,
    home_flag: HomeFlag = None,
) -> None:
    """Take chat exports in. A broken file is reported; nothing of it is stored, and the others go on."""
    wanted = [bool(files), list_all, undo is not None]
    if sum(wanted) != 1 or (dry_run and not files):
        raise typer.BadParameter("Name files to import, or use --list, or --undo N.")
    if dry_run:
        _look_into(files or [], home_flag)
        return
    with daemon_at(home_flag) as client:
        if list_all:
            _list(client)
        elif undo is not None:
            _undo(client, undo, yes)
        else:
            _take_in(client, files or [])


def _take_in(client: "Client", files: list[Path]) -> None:
    failed = False
    for file in files:
        try:
            taken = client.import_file(file)
        except Refused as error:
            failed = True
            _complain(error)
            continue
        rate = (
            f", {taken['turns'] / taken['seconds']:,.0f} turns/s"
            if taken["turns"] and taken["seconds"]
            else ""
        )
        counts = f"{taken['sessions']} sessions, {taken['turns']} new turns, {taken['skipped']} known"
        held = f", {taken['memories']} memories" if taken["memories"] else ""
        out.print(f"{escape(taken['name'])} ({taken['format']}): {counts}{held}{rate}")
        _more(taken["days"], taken["left_out"])
        if taken["refused"]:
            failed = True
            _complain(f"The memories in {taken['name']!r} were not taken in: {taken['refused']}.")
        if taken["turns"] and taken["import_id"] is not None:
            out.print(f"  to take it back: tsubasa import --undo {taken['import_id']}")
    if failed:
        raise typer.Exit(1)


def _look_into(files: list[Path], home_flag: Path | None) -> None:
    """Read the files here, in this process; no daemon is needed, and nothing is stored."""
    settings = config.load(chosen(home_flag).config, environment=os.environ)
    failed = False
    for file in files:
        try:
            found = read_file(file, settings.config.largest_import)
        except InboxError as error:
            failed = True
            _complain(error)
            continue
        _show_found(file.name, found)
    out.print("Nothing was stored.")
    if failed:
        raise typer.Exit(1)


def _show_found(name: str, found: Export | Archive) -> None:
    """Say what would be taken in of one file."""
    if isinstance(found, Archive):
        sessions, turns, left_out = len(found.chats), len(found.messages), {}
        format, held = own_export.FORMAT, f", {len(found.memories)} memories"
        said = sorted(message.said_at[:10] for message in found.messages)
        days = [said[0], said[-1]] if said else None
    else:
        sessions, turns, left_out = len(found.sessions), found.turns, dict(found.left_out)
        format, held = found.format, ""
        days = [day.isoformat() for day in found.days] if found.days else None
    out.print(f"{escape(name)} ({format}): {sessions} sessions, {turns} turns{held}")
    _more(days, left_out)


def _list(client: "Client") -> None:
    for one in client.imports()["imports"]:
        counts = f"{one['sessions']} sessions, {one['turns']} turns"
        out.print(f"{one['id']:>4}  {one['at'][:10]}  {escape(one['name'])}: {counts}")


def _undo(client: "Client", number: int, yes: bool) -> None:
    name = next((one["name"] for one in client.imports()["imports"] if one["id"] == number), None)
    if name is not None and not yes:
        out.print(f"{number:>4}  {escape(name)}")
        if not typer.confirm("Take this import back, with the memories drawn from it alone?"):
            out.print("Nothing was changed.")
            return
    done = client.undo_import(number)
    report = done["report"]
    taken = ("messages", "memories", "vectors", "events", "lessons")
    out.print("Taken back: " + ", ".join(f"{report[one]} {one}" for one in taken) + ".")
    if report["kept_messages"]:
        out.print(f"{report['kept_messages']} messages stay: another import or a later chat has them too.")
    if report["restored"]:
        out.print(f"{report['restored']} memories that it had replaced hold again.")
    if report["generations"]:
        learned = ", ".join(str(one) for one in report["generations"])
        now = done["now_live"] or "the base model"
        out.print(f"Generation {learned} had learned of it and is gone; {now} answers until the next night.")
    if done["was_learned"]:
        out.print(done["weights"]["says"])


def _more(days: list[str] | None, left_out: Mapping[str, Any]) -> None:
    out.print(f"  {days[0]} to {days[1]}" if days else "  without dates")
    if left_out:
        out.print(f"  left out: {counted(left_out)}")


def _complain(error: Exception | str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"tsubasa: {error}", markup=False)
