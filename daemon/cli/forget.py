"""
`tsubasa forget`: take memories, or messages, and all that came of them, out of everything that is kept.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

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
from daemon.client.schemas.memories import ForgetPreview, Forgotten
from daemon.text import shorten

if TYPE_CHECKING:
    from daemon.client.client import Client


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
    memory_ids, messages = memory_ids or [], messages or []
    if not (memory_ids or messages):
        raise typer.BadParameter("Name a memory, or a message with --message.")
    if json and not (yes or dry_run):
        raise typer.BadParameter("With --json nobody can be asked: add --yes, or --dry-run.")
    with daemon_at(home_flag) as client:
        found = client.forget_preview(memory_ids, messages=messages, weights=dry_run)
        if not json:
            _show_named(client, found["memories"], messages)
            _show_preview(found, memory_ids)
        if dry_run:
            if json:
                as_json(found)
            return
        if not yes and not typer.confirm("Forget this for good?"):
            out.print("Nothing was forgotten.")
            return
        done = client.forget(memory_ids, messages=messages)
    as_json(done) if json else _show_report(done)


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
    if kept := _numbers(found["kept_memories"]):
        out.print(f"Held on, though drawn from the same words: {kept}.")
    if also := _numbers(found["also_told_by"]):
        both = _numbers(dict.fromkeys([*memory_ids, *found["also_told_by"]]))
        out.print(f"Also told, perhaps, by: {also}. Them too: tsubasa forget {both}")
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
    for file in done["files"]:
        out.print(f"An export of yours still tells it; delete it too: {escape(file)}")


def _numbers(ids: Iterable[int]) -> str:
    return " ".join(map(str, ids))
