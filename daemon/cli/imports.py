"""
`tsubasa import`: take chat exports in, look into them first, list what was taken in, take it back.

`tsubasa export` writes everything into one file that `import` reads again.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from daemon.atomic_file import is_there, whole
from daemon.cli.output import (
    HomeFlag,
    JsonFlag,
    as_json,
    as_line,
    chosen,
    counts_of,
    daemon_at,
    err,
    format_counts,
    format_preview,
    format_tainted,
    out,
    waiting,
)
from daemon.client.schemas.memories import Imported
from daemon.config import settings as config
from daemon.errors import Refused, file_taken
from daemon.inbox.errors import InboxError
from daemon.inbox.formats import tsubasa
from daemon.inbox.formats.reader import KEPT_ELSEWHERE, format_left_out
from daemon.inbox.importer import read_file
from daemon.inbox.preview import contents
from daemon.text import counted

if TYPE_CHECKING:
    from daemon.client.client import Client


SHOWN = (
    "name",
    "format",
    "sessions",
    "turns",
    "memories",
    "days",
    "left_out",
    "unread",
    "offered",
)  # of a preview without a daemon


def import_files(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Chat exports; what each one is shows in its content.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is in the files.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a file for one broken conversation in it.")
    ] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List what was taken in, with numbers.")] = False,
    undo: Annotated[
        int | None, typer.Option("--undo", metavar="N", help="Take back import N, and what came of it.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before --undo.")] = False,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Take chat exports in. What is broken in one is named; the rest of it is stored, and the others go on.

    For example:
        tsubasa import export.zip --dry-run
        tsubasa import export.zip
        tsubasa import --list
    """
    wanted = [bool(files), list_all, undo is not None]
    if sum(wanted) != 1 or (dry_run and not files):
        raise typer.BadParameter("Name files to import, or use --list, or --undo N.")
    if json and undo is not None and not yes:
        raise typer.BadParameter("With --json nobody can be asked: add --yes.")
    if dry_run:
        _look_into(files or [], home_flag, json, strict)
        return
    with daemon_at(home_flag) as client:
        if list_all:
            _list(client, json)
        elif undo is not None:
            _undo(client, undo, yes, json)
        else:
            _take_in(client, files or [], json, strict)


def _take_in(client: "Client", files: list[Path], json: bool, strict: bool) -> None:
    failed = False
    for taken in _taken(client, files, quiet=json, strict=strict):
        if isinstance(taken, Refused):
            failed = True
            _complain(taken)
            continue
        if json:
            as_line(taken)
            failed = failed or bool(taken["refused"])
            continue
        rate = (
            f", {taken['turns'] / taken['seconds']:,.0f} turns/s"
            if taken["turns"] and taken["seconds"]
            else ""
        )
        new = counted(taken["turns"], "new turn")
        counts = f"{counted(taken['sessions'], 'session')}, {new}, {taken['skipped']} known"
        held = f", {counted(taken['memories'], 'memory', 'memories')}" if taken["memories"] else ""
        out.print(f"{escape(taken['name'])} ({taken['format']}): {counts}{held}{rate}")
        _more(taken["days"], taken["left_out"], taken["unread"], taken["offered"])
        if taken["refused"]:
            failed = True
            _complain(f"The memories in {taken['name']!r} were not taken in: {taken['refused']}.")
        if taken["turns"] and taken["import_id"] is not None:
            out.print(f"  to take it back: tsubasa import --undo {taken['import_id']}")
    if failed:
        raise typer.Exit(1)


def _taken(client: "Client", files: list[Path], *, quiet: bool, strict: bool) -> Iterator[Imported | Refused]:
    """What became of each file; the bar is gone while the caller prints."""
    for number, file in enumerate(files, start=1):
        of = f" ({number} of {len(files)})" if len(files) > 1 else ""
        with waiting(f"taking in {escape(file.name)}{of}", quiet=quiet):
            try:
                taken: Imported | Refused = client.import_file(file, strict)
            except Refused as error:
                taken = error
        yield taken


def _look_into(files: list[Path], home_flag: Path | None, json: bool, strict: bool) -> None:
    """Read the files here, in this process; no daemon is needed, and nothing is stored."""
    settings = config.load(chosen(home_flag).config, environment=os.environ)
    config.use_time_zone(settings.config, settings.origin["time_zone"])
    failed = False
    for file in files:
        try:
            with waiting(f"reading {escape(file.name)}", quiet=json):
                found = read_file(file, settings.config.largest_import, strict=strict)
        except InboxError as error:
            failed = True
            _complain(error)
            continue
        preview = asdict(contents(file.name, found))
        shown = {key: preview[key] for key in SHOWN}
        as_line(shown) if json else _show_contents(shown)
    if not json:
        out.print("Nothing was stored.")
    if failed:
        raise typer.Exit(1)


def _show_contents(found: Mapping[str, Any]) -> None:
    """Say what would be taken in of one file."""
    counts = f"{counted(found['sessions'], 'session')}, {counted(found['turns'], 'turn')}"
    if found["format"] == tsubasa.FORMAT:
        counts += f", {counted(found['memories'], 'memory', 'memories')}"
    out.print(f"{escape(found['name'])} ({found['format']}): {counts}")
    _more(found["days"], found["left_out"], found["unread"], found["offered"])


def _list(client: "Client", json: bool) -> None:
    found = client.imports()
    if json:
        return as_json(found)
    if not found["imports"]:
        out.print("Nothing was taken in yet. What would be: tsubasa import FILE --dry-run")
    for one in found["imports"]:
        counts = f"{counted(one['sessions'], 'session')}, {counted(one['turns'], 'turn')}"
        rest = "" if one["is_whole"] else ", not all of it yet: taken in again, it goes on there"
        out.print(f"{one['id']:>4}  {one['at'][:10]}  {escape(one['name'])}: {counts}{rest}")


def _undo(client: "Client", number: int, yes: bool, json: bool) -> None:
    name = next((one["name"] for one in client.imports()["imports"] if one["id"] == number), None)
    if name is not None and not yes:
        found = client.import_of(number)
        out.print(f"{number:>4}  {escape(name)}")
        for one in found["lines"]:
            out.print(f"{one['id']:>6}  {escape(one['line'])}")
        out.print(format_preview(found))
        if not typer.confirm("Take this import back, with the memories drawn from it alone?"):
            out.print("Nothing was changed.")
            return
    done = client.undo_import(number)
    if json:
        return as_json(done)
    report = done["report"]
    counts = {"messages": report["messages"], **counts_of(report)}  # they come first
    out.print(f"Taken back: {format_counts(counts)}.")
    if report["kept_messages"]:
        out.print(
            f"{counted(report['kept_messages'], 'message')} kept: another import or a later chat tells them too."
        )
    if report["restored"]:
        held = counted(
            report["restored"], "memory that it had replaced holds", "memories that it had replaced hold"
        )
        out.print(f"{held} again.")
    if report["generations"]:
        out.print(format_tainted(report["generations"], done["now_live"]))
    if done["was_learned"]:
        out.print(done["weights"]["says"])


def _more(
    days: list[str] | None, left_out: Mapping[str, int], unread: Sequence[str], offered: Sequence[str]
) -> None:
    out.print(f"  {days[0]} to {days[1]}" if days else "  without dates")
    if left_out:
        out.print(f"  left out: {format_left_out(left_out)}")
    for why in unread:
        out.print(f"  not read: {escape(why)}")
    if offered:
        out.print(f"  {KEPT_ELSEWHERE}; once imported, each waits for your word: tsubasa memories waiting")
    for text in offered:
        out.print(f"    {escape(text)}")


def _complain(error: Exception | str) -> None:
    err.print(f"tsubasa: {error}", markup=False)


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="The file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Write all chats, memories and their history into one JSONL file; `tsubasa import` reads it again.

    For example: tsubasa export everything.jsonl
    """
    if is_there(file) and not force:
        raise file_taken(file)
    with daemon_at(home_flag) as client, whole(file, force=force) as written:
        lines = size = 0
        with waiting("exporting", quiet=json) as bar:
            for piece in client.export():
                written.write(piece)
                lines, size = lines + piece.count(b"\n"), size + len(piece)
                bar.update(f"exporting: {lines:,} lines, {size / 1e6:.1f} MB")
    if json:
        return as_json({"file": str(file), "lines": lines, "bytes": size})
    much = f"{counted(lines, 'line')}, {counted(size, 'byte')}"
    out.print(f"{escape(str(file))}: {much}, unencrypted, readable by you alone.")
