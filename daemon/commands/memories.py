"""
`tsubasa memories` and `tsubasa why`: what is remembered, and what it was drawn from.
"""

from typing import Annotated

import typer
from rich.markup import escape

from daemon.commands.shared import HomeFlag, daemon_at, out


def memories(
    search: Annotated[str | None, typer.Argument(help="Only those that bear on this question.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Those that held on a day, for example 2026-03-05.")
    ] = None,
    home_flag: HomeFlag = None,
) -> None:
    """List what is remembered."""
    with daemon_at(home_flag) as client:
        found = client.memories(search=search, as_of=as_of)
    for memory in found["memories"]:
        out.print(f"[bold]{memory['id']:>4}[/]  {escape(memory['narrative'])}")
    ops = ", ".join(f"{count} {op}" for op, count in sorted(found["ops"].items()))
    out.print(f"{len(found['memories'])} memories" + (f"; all operations so far: {ops}" if ops else ""))


def why(memory_id: int, home_flag: HomeFlag = None) -> None:
    """Show what a memory was drawn from, for example: tsubasa why 42"""
    with daemon_at(home_flag) as client:
        found = client.why(memory_id)
    out.print(f"[bold]{escape(found['memory']['narrative'])}[/]")
    for event in found["events"]:
        out.print(f"  {event['at'][:10]}  {event['op']:<9}  {escape(event['text'])}")
    for message in found["messages"]:
        said = f"{message['said_at'][:10]}, message {message['id']}, {message['role']}"
        out.print(f"  {said}: {escape(message['text'])}")
