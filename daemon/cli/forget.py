"""
`tsubasa forget`: take memories, or messages, and all that came of them, out of everything that is kept.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from daemon.cli.output import (
    HomeFlag,
    JsonFlag,
    as_json,
    counts_of,
    daemon_at,
    format_counts,
    format_preview,
    format_tainted,
    out,
)
from daemon.client.schemas.memories import ForgetPreview, Forgotten, Telling
from daemon.text import counted, shorten

if TYPE_CHECKING:
    from daemon.client.client import Client

MOST_SHOWN = 20  # memories and messages that tell it, of those that go, and of those that stay


def forget(
    memory_ids: Annotated[
        list[int] | None, typer.Argument(help="Numbers from `tsubasa memories`.", show_default=False)
    ] = None,
    messages: Annotated[
        list[int] | None,
        typer.Option(
            "--message", help="Or the number of a message, from an answer's recall; may be repeated."
        ),
    ] = None,
    keep: Annotated[
        list[int] | None, typer.Option("--keep", help="The number of a message that stays; may be repeated.")
    ] = None,
    likely: Annotated[bool, typer.Option("--likely", help="Take what may tell it, too.")] = False,
    files: Annotated[bool, typer.Option("--files", help="Delete the exports that tell it, too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would go, and whether the weights know it.")
    ] = False,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Forget memories, or messages, for good: rows, vectors, lessons, and every generation that learned them.

    For example: tsubasa forget 42 --dry-run
    """
    choice = _Choice(memory_ids or [], messages or [], keep or [])
    if not (choice.memories or choice.messages):
        raise typer.BadParameter("Name a memory, or a message with --message.")
    if json and not (yes or dry_run):
        raise typer.BadParameter("With --json nobody can be asked: add --yes, or --dry-run.")
    with daemon_at(home_flag) as client:
        found = client.forget_preview(**choice.asked, weights=dry_run)
        may_ask = not (json or yes or dry_run)
        if likely or (may_ask and _wants_likely(found)):
            choice.take_likely(found)
            found = client.forget_preview(**choice.asked, weights=dry_run)
        if not json:
            _show_named(client, found["memories"], choice.messages)
            _show_preview(found, choice.memories)
        if dry_run:
            return as_json(found) if json else None
        if not yes and not typer.confirm("Forget this for good?"):
            return out.print("Nothing was forgotten.")
        gone = [one["path"] for one in found["files"] if one["certain"]] if files else []
        done = client.forget(**choice.asked, delete_files=gone)
    as_json(done) if json else _show_report(done)


class _Choice:
    """What is taken, and what stays."""

    def __init__(self, memories: list[int], messages: list[int], keep: list[int]) -> None:
        self.memories, self.messages, self.keep = memories, messages, keep

    @property
    def asked(self) -> dict[str, Any]:
        return {"memory_ids": self.memories, "messages": self.messages, "keep_messages": self.keep}

    def take_likely(self, found: ForgetPreview) -> None:
        for one in _left(found["tellings"]):
            if one["kind"] == "memory":
                self.memories = [*self.memories, one["id"]]
            elif one["id"] not in self.keep:
                self.messages = [*self.messages, one["id"]]


def _left(tellings: Sequence[Telling]) -> list[Telling]:
    return [one for one in tellings if not one["taken"]]


def _wants_likely(found: ForgetPreview) -> bool:
    likely = [one for one in _left(found["tellings"]) if not one["certain"]]
    if not likely:
        return False
    out.print("These may tell it, too:")
    _show_tellings(likely)
    return typer.confirm("Take them along?")


def _show_tellings(tellings: Sequence[Telling]) -> None:
    for one in tellings[:MOST_SHOWN]:
        who = "memory" if one["kind"] == "memory" else f"message, {one['role']}"
        out.print(f"{one['id']:>4}  ({who}) {one['day']}: {escape(shorten(one['text']))}")
    if more := len(tellings) - MOST_SHOWN:
        if more > 0:
            out.print(f"      and {more:,} more")


def _show_named(client: "Client", memory_ids: Sequence[int], messages: Sequence[int]) -> None:
    for memory_id in memory_ids:
        out.print(f"{memory_id:>4}  {escape(client.why(memory_id)['memory']['narrative'])}")
    for message_id in messages:
        message = client.message(message_id)["message"]
        line = f"(message) {message['speaker'] or message['role']}: {shorten(message['text'])}"
        out.print(f"{message_id:>4}  {escape(line)}")


def _show_preview(found: ForgetPreview, memory_ids: Sequence[int]) -> None:
    """What goes, what else says it, and, where it was probed, what the weights know."""
    out.print(format_preview(found))
    if going := [one for one in found["tellings"] if one["taken"]]:
        out.print("These tell it and go (--keep N leaves a message):")
        _show_tellings(going)
    if kept := _numbers(found["kept_memories"]):
        out.print(f"Held on, though drawn from the same words: {kept}.")
    if also := _numbers(found["also_told_by"]):
        both = _numbers(dict.fromkeys([*memory_ids, *found["also_told_by"]]))
        out.print(f"Also told, perhaps, by: {also}. Them too: tsubasa forget {both}")
    if left := [one for one in _left(found["tellings"]) if one["kind"] == "message"]:
        out.print("These stay, and are neither recalled nor learned (--likely takes them along):")
        _show_tellings(left)
    for file in found["files"]:
        out.print(f"An export of yours: {file['why']}; --files deletes it: {escape(file['path'])}")
    if found["weights"] is not None:
        out.print(found["weights"]["says"])
        out.print("Nothing was forgotten.")


def _show_report(done: Forgotten) -> None:
    report = done["report"]
    out.print(f"Forgotten: {format_counts(counts_of(report))}.")
    if report["generations"]:
        out.print(format_tainted(report["generations"], done["now_live"]))
    if done["was_learned"]:
        out.print(done["weights"]["says"])
    if kept := _numbers(report["kept_memories"]):
        out.print(f"Held on, though drawn from what was forgotten: {kept}. Them too: tsubasa forget {kept}")
    for one in done["stays"]:
        more = "neither recalled nor learned again" if one["kind"] == "message" else "held on, as you left it"
        out.print(f"Stays: {one['kind']} {one['id']} ({one['why']}); {more}.")
    if done["backups"]:
        held = counted(done["backups"], "backup is", "backups are")
        out.print(f"{held} being rewritten without it; copies that you keep elsewhere still hold it.")
    for path in done["deleted_files"]:
        out.print(f"Deleted: {escape(path)}")
    for file in done["telling_files"]:
        out.print(f"An export of yours stays ({file['why']}); delete it too: {escape(file['path'])}")


def _numbers(ids: Iterable[int]) -> str:
    return " ".join(map(str, ids))
