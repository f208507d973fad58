"""
`tsubasa memories` and `tsubasa why`: what is remembered, what was before, and what it was drawn from.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import typer
from rich.markup import escape

from daemon.cli import memory_changes, tending
from daemon.cli.output import HomeFlag, JsonFlag, as_json, daemon_at, is_alone, out, show, table
from daemon.errors import DayUnreadable
from daemon.text import counted

cli = typer.Typer(
    help='What is remembered: look, correct, take back. For example: tsubasa memories search "my dog"',
    no_args_is_help=False,
)
Day = Annotated[str, typer.Argument(metavar="DATE", help="For example 2026-03-05.")]

MemoryId = Annotated[
    int, typer.Argument(metavar="ID", min=1, help="Its number in: tsubasa memories", show_default=False)
]


@cli.callback(invoke_without_command=True)
def all_held(context: typer.Context, json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """What is remembered: look, correct, take back. Without a command: list."""
    if is_alone(context, json, home_flag):
        listed(json=json, home_flag=home_flag)


@cli.command("list")
def listed(json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """List what is remembered, for example: tsubasa memories list --json"""
    with daemon_at(home_flag) as client:
        found = client.memories()
        unread = 0 if json else client.tended()["unread_chats"]
    if json:
        return as_json(found)
    _show_memories(found)
    ops = ", ".join(f"{count} {op}" for op, count in sorted(found["ops"].items()) if count)
    out.print(f"{_counted(found)}" + (f"; all operations so far: {ops}" if ops else ""))
    if unread:
        wait = "chat waits" if unread == 1 else "chats wait"
        out.print(f"{unread:,} {wait} to be read (`tsubasa memories tend` reads them now)")


@cli.command()
def search(
    question: Annotated[str, typer.Argument(help="What they should bear on.")],
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """Find memories that bear on a question, as a chat would, for example: tsubasa memories search "my dog" """
    with daemon_at(home_flag) as client:
        found = client.memories(search=question)
    if json:
        return as_json(found)
    _show_memories(found)
    out.print(_counted(found) if found["memories"] else "No memory bears on that.")


@cli.command("as-of")
def as_of(
    day: Day,
    known_on: Annotated[
        str | None, typer.Option("--known-on", metavar="DATE", help="As it was known at the end of that day.")
    ] = None,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """List what was true on a day, for example: tsubasa memories as-of 2026-03-05"""
    for text in (day, known_on):
        _check_day(text)
    with daemon_at(home_flag) as client:
        found = client.memories(as_of=day, known_on=known_on)
    if json:
        return as_json(found)
    _show_memories(found)
    known = f", as known at the end of {known_on}" if known_on else ""
    out.print(f"{_counted(found)} held on {escape(day)}{escape(known)}")


@cli.command("show")
def one(memory_id: MemoryId, json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """Show all that is known of one memory, for example: tsubasa memories show 42"""
    with daemon_at(home_flag) as client:
        found = client.why(memory_id)
    if json:
        return as_json(found)
    memory, recalled = found["memory"], found["memory"]["recalls"]
    out.print(f"[bold]{escape(memory['text'])}[/]")
    until = f" until {memory['valid_to']}" if memory["valid_to"] else ""
    state = {"holds": "holds", "undone": "was taken back"}.get(
        memory["state"], f"was replaced by {memory['superseded_by']}"
    )
    out.print(f"  memory {memory['id']}, which {state}")
    out.print(
        f"  true since {memory['valid_from']}{until}, told on {memory['told_on']}, by: {memory['trust']}"
    )
    last = f", last on {recalled['last_at'][:10]}" if recalled["n"] else ""
    out.print(f"  times recalled: {recalled['n']}{last}")
    others, messages = len(found["history"]) - 1, len(found["messages"])
    out.print(f"  others in its line: {others} (memories history {memory['id']})")
    out.print(f"  messages behind it: {messages} (why {memory['id']})")


@cli.command()
def history(memory_id: MemoryId, json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """Show every operation on a memory and on those it replaced, for example: tsubasa memories history 42"""
    with daemon_at(home_flag) as client:
        found = client.why(memory_id)
    if json:
        return as_json({"history": found["history"], "events": found["events"]})
    shown = table("no.", "at", "operation", "memory", "text")
    for event in found["events"]:
        by_hand = event["op"] != "UNDO" and not event["sources"]
        marks = (" (by hand)" if by_hand else "") + (" (undone)" if event["undone_by"] else "")
        marks += f" (see also {event['beside']})" if event["beside"] else ""
        style = "dim" if event["undone_by"] else None
        no, memory = str(event["id"]), str(event["memory_id"])
        shown.add_row(no, event["at"][:10], event["op"], memory, escape(event["text"] + marks), style=style)
    show(shown)
    now = [memory for memory in found["history"] if memory["state"] == "holds"]
    out.print(f"Memory {now[0]['id']} holds." if now else "Nothing of it holds.")


def why(memory_id: MemoryId, json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """Show what a memory was drawn from, for example: tsubasa why 42"""
    with daemon_at(home_flag) as client:
        found = client.why(memory_id)
    if json:
        return as_json(found)
    out.print(f"[bold]{escape(found['memory']['narrative'])}[/]")
    for event in found["events"]:
        out.print(f"  {event['at'][:10]}  {event['op']:<9}  {escape(event['text'])}")
    for message in found["messages"]:
        said = f"{message['said_at'][:10]}, message {message['id']}, {message['role']}"
        out.print(f"  {said}: {escape(message['text'])}")


def _check_day(text: str | None) -> None:
    if text is None:
        return
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise DayUnreadable(text) from error
    if day.isoformat() != text:  # another way of ISO 8601: the daemon takes 2026-W10-4 for no day
        raise DayUnreadable(text)


def _show_memories(found: Mapping[str, Any]) -> None:
    if not found["memories"]:
        return
    shown = table("id", "since", "memory")
    for memory in found["memories"]:
        told = memory["narrative"].removeprefix(f"{memory['valid_from']}: ")
        shown.add_row(str(memory["id"]), memory["valid_from"], escape(told))
    show(shown)


def _counted(found: Mapping[str, Any]) -> str:
    return counted(len(found["memories"]), "memory", "memories")


for change in (
    memory_changes.add,
    memory_changes.edit,
    memory_changes.undo,
    memory_changes.audit,
    tending.tend,
):
    cli.command()(change)
