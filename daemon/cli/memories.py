"""
`tsubasa memories` and `tsubasa why`: what is remembered, what it was drawn from, and what a user does to it by hand.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

import typer
from rich.markup import escape

from daemon.cli.output import (
    HomeFlag,
    JsonFlag,
    as_json,
    daemon_at,
    is_alone,
    out,
    show,
    table,
    wait_for_job,
    waiting,
)
from daemon.client.schemas.memories import Memories
from daemon.client.schemas.nights import MemoryWork, Unread
from daemon.errors import DaemonError
from daemon.text import counted, spell

MOST_UNUSED = 20  # memories never recalled that are shown
MEANS = {
    "standing": ": how you want things done; laid beside what is like it",
    "always": ": how you want every answer; laid beside every question",
}
OTHER_WORDS = "what matters you can tell in other words, or: tsubasa memories add TEXT"

cli = typer.Typer(
    help='What is remembered: look, correct, take back. For example: tsubasa memories search "my dog"',
    no_args_is_help=False,
)
KIND_HELP = '"fact"; or how you want things done: "standing" where it applies, "always" with every answer.'
Kind = Annotated[Literal["fact", "standing", "always"] | None, typer.Option("--kind", help=KIND_HELP)]
Day = Annotated[str, typer.Argument(metavar="DATE", help="For example 2026-03-05.")]

MemoryId = Annotated[
    int, typer.Argument(metavar="ID", min=1, help="Its number in: tsubasa memories", show_default=False)
]


@cli.callback(invoke_without_command=True)
def memories(context: typer.Context, json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """What is remembered: look, correct, take back. Without a command: list."""
    if is_alone(context, json, home_flag):
        listed(json=json, home_flag=home_flag)


@cli.command("list")
def listed(json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """List what is remembered, for example: tsubasa memories list --json"""
    with daemon_at(home_flag) as client:
        found = client.memories()
        unread = 0 if json else client.tended()["unread_chats"]
        proposed = 0 if json else len(client.proposals()["proposals"])
    if json:
        return as_json(found)
    _show_memories(found)
    ops = _format_ops(found["ops"])
    out.print(_counted(found) + (f"; all operations so far: {ops}" if ops else ""))
    if proposed:
        out.print(format_proposed(proposed))
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
    out.print(f"  kind: {memory['kind']}{MEANS.get(memory['kind'], '')}")
    last = f", last on {recalled['last_at'][:10]}" if recalled["last_at"] else ""
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


@cli.command()
def add(
    text: Annotated[str, typer.Argument(help='One sentence, worded like the others: "The user has a dog."')],
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="The first day on which it is true; else today.")
    ] = None,
    kind: Kind = None,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """Remember a statement of your own, for example: tsubasa memories add "The user has a dog." """
    with daemon_at(home_flag) as client:
        made = client.add(text, since=since, kind=kind or "fact")
    if json:
        return as_json(made)
    out.print(f"Memory {made['memory']['id']} holds: {escape(made['memory']['narrative'])}")


@cli.command()
def edit(
    memory_id: MemoryId,
    text: Annotated[str | None, typer.Argument(help="What it should say; left out: as it is.")] = None,
    kind: Kind = None,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Put a memory in other words, or (--kind) make it one of another kind; undo brings the old one back.

    For example: tsubasa memories edit 42 "The user's dog is called Rex."
    """
    if text is None and kind is None:
        raise typer.BadParameter("Say what it should say, or its --kind.")
    with daemon_at(home_flag) as client:
        made = client.edit(memory_id, text, kind=kind)
    if json:
        return as_json(made)
    new = made["memory"]
    out.print(f"Memory {new['id']} holds in the place of {memory_id}: {escape(new['narrative'])}")


@cli.command()
def undo(
    memory_id: Annotated[
        int | None, typer.Argument(help="The memory whose latest operation to undo.")
    ] = None,
    event: Annotated[
        int | None, typer.Option("--event", help="Or the number of an operation, from: memories history")
    ] = None,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """Take back the latest operation on a memory, for example: tsubasa memories undo 42"""
    if (memory_id is None) == (event is None):
        raise typer.BadParameter("Name a memory, or an operation with --event.")
    with daemon_at(home_flag) as client:
        done = client.undo(memory_id, event=event)
    if json:
        return as_json(done)
    taken, closed, restored = done["event"], done["closed"], done["restored"]
    out.print(f"Undone: operation {taken['id']}, {taken['op']}: {escape(taken['text'])}")
    if closed is None:
        if taken["memory_id"] is None:
            out.print("What is held is as before; to hold it after all: tsubasa memories add TEXT")
        else:
            out.print(f"Memory {taken['memory_id']} is as before; this no longer counts as said again.")
        return
    out.print(f"  no longer held: {closed['id']}  {escape(closed['text'])}")
    if restored is not None:
        out.print(f"  held again:     {restored['id']}  {escape(restored['text'])}")
    elif taken["op"] != "ADD":
        out.print("  what it had replaced was forgotten: nothing holds in its place")
    out.print("A generation that learnt it may still answer by it until the next night.")


@cli.command()
def audit(
    unused_days: Annotated[
        int, typer.Option(help="Name those never recalled only when they are this old, in days.")
    ] = 30,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Report memories that look like junk: duplicates, restated prompts, loops, never recalled.

    For example: tsubasa memories audit --unused-days 90
    """
    with daemon_at(home_flag) as client:
        found = client.audit(unused_days=unused_days)
    if json:
        return as_json(found)
    if found["suspects"]:
        shown = table("id", "suspected", "memory, and why")
        unused = [one for one in found["suspects"] if one["kind"] == "never recalled"]
        hidden = unused[MOST_UNUSED:]
        for one in found["suspects"][: len(found["suspects"]) - len(hidden)]:
            why = f"{escape(one['text'])}\n[dim]{escape(one['why'])}[/]"
            shown.add_row(str(one["memory_id"]), one["kind"], why)
        show(shown)
        if hidden:
            out.print(f"… and {len(hidden)} more that were never recalled; --json shows all.")
    if found["feedback"]:
        shown = table("thumb", "answer, and how it should have been")
        for said in found["feedback"]:
            better = f"\n[dim]better: {escape(said['correction'])}[/]" if said["correction"] else ""
            shown.add_row({1: "up", -1: "down"}.get(said["thumb"], ""), escape(said["answer"]) + better)
        show(shown)
        out.print("What you said of answers: never recalled nor taught.")
    share = f", {found['junk'] / found['held']:.0%}" if found["held"] else ""
    held = counted(found["held"], "memory", "memories")
    out.print(f"{found['junk']} of {held} {'looks' if found['junk'] == 1 else 'look'} like junk{share}.")
    if found["suspects"]:
        out.print(
            "Nothing was changed. Take one back with `tsubasa memories undo ID`, or `tsubasa forget ID`."
        )


@cli.command()
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
        with waiting("reading quiet chats", quiet=json):
            found = wait_for_job(client.tended, ordered["id"])
    if json:
        as_json(found)
    else:
        _show_round(found)
    job = found["job"]
    if job and job["id"] == ordered["id"] and job["state"] != "done":
        raise typer.Exit(1)


def why(memory_id: MemoryId, json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """Show what a memory was drawn from, for example: tsubasa why 42"""
    with daemon_at(home_flag) as client:
        found = client.why(memory_id)
    if json:
        return as_json(found)
    out.print(f"[bold]{escape(found['memory']['narrative'])}[/]")
    if found["memory"]["secret"]:
        out.print("  [yellow]secret:[/] it is recalled, never taught")
    if found["memory"]["certainty"] != "said":
        out.print(f"  {found['memory']['certainty']}, not said for certain: never taught")
    if means := MEANS.get(found["memory"]["kind"]):
        out.print(f"  {found['memory']['kind']}{means}")
    for event in found["events"]:
        out.print(f"  {event['at'][:10]}  {event['op']:<9}  {escape(event['text'])}")
    for message in found["messages"]:
        said = f"{message['said_at'][:10]}, message {message['id']}, {message['role']}"
        out.print(f"  {said}: {escape(message['text'])}")


def format_proposed(number: int) -> str:
    """How many sentences wait for the user's word."""
    wait = counted(number, "sentence waits", "sentences wait")
    return f"{wait} for your word before it is kept: tsubasa memories waiting"


def format_unread(unread: Unread) -> list[str]:
    """What of the chats could not be read, and what to do about it; nothing when all was."""
    parts, in_vain, doubted = unread["parts"], unread["in_vain"], unread["doubted"]
    lines = []
    if waiting := unread["waiting"]:
        left = f", about {spell(unread['left_s'])} left" if unread["left_s"] is not None else ""
        lines.append(
            f"Reading chats: {unread['done']:,} of {_parts(unread['done'] + waiting)}{left}; newest last"
        )
    if parts:
        vainly = "" if not in_vain else f" ({in_vain} also when tried again)"
        way = "try again: tsubasa memories tend" if in_vain < parts else OTHER_WORDS
        lines.append(f"[yellow]Unread:[/] {_parts(parts)} could not be read, or not all of it{vainly}; {way}")
    if doubted:
        lines.append(
            f"In {_parts(doubted)} the model was not sure of something and left it out; {OTHER_WORDS}"
        )
    return lines


def _check_day(text: str | None) -> None:
    if text is None:
        return
    try:
        is_day = date.fromisoformat(text).isoformat() == text  # not another way of ISO 8601, as 2026-W10-4
    except ValueError:
        is_day = False
    if not is_day:
        raise DaemonError(f"{text!r} is no day. Write it as YYYY-MM-DD, for example 2026-03-05.")


def _show_memories(found: Memories) -> None:
    if not found["memories"]:
        return
    shown = table("id", "since", "memory")
    for memory in found["memories"]:
        text = memory["narrative"].removeprefix(f"{memory['valid_from']}: ")
        mark = "" if memory["kind"] == "fact" else f"[bold]{memory['kind']}[/] "
        shown.add_row(str(memory["id"]), memory["valid_from"], mark + escape(text))
    show(shown)


def _format_ops(ops: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {op}" for op, count in sorted(ops.items()) if count)


def _counted(found: Memories) -> str:
    return counted(len(found["memories"]), "memory", "memories")


def _parts(number: int) -> str:
    return counted(number, "part of a chat", "parts of chats")


def _show_round(found: MemoryWork) -> None:
    last, job = found["last"], found["job"]
    if job and job["error"]:
        out.print(f"[red]It failed:[/] {escape(job['error'])}")
        out.print("It is tried again by itself; what keeps it from working: tsubasa status")
        return
    if last is None:  # the daemon was restarted meanwhile
        out.print("Done; what it did is in: tsubasa memories")
        return
    ops = _format_ops(last["ops"])
    read, observed = counted(last["chats"], "chat"), counted(last["observations"], "thing")
    out.print(f"{read} read, {observed} observed" + (f": {ops}" if ops else ""))
    out.print(f"{counted(last['lessons'], 'lesson')} made for the next night")
    if last["again"]:
        out.print(f"{_parts(last['again'])} tried again")
    if last["unsure"]:
        unsure = counted(last["unsure"], "sentence")
        out.print(f"[dim]{unsure} left out, of which the model was not sure[/]")
    for failure in last["failures"]:
        out.print(f"[yellow]given up:[/] {escape(failure)}")
    for line in format_unread(found["unread"]):
        out.print(line)


@cli.command()
def programs(json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """List the programs that have added memories, for example: tsubasa memories programs"""
    with daemon_at(home_flag) as client:
        found = client.programs()
    if json:
        return as_json(found)
    shown = table("held", "last added", "program")
    for one in found["programs"]:
        shown.add_row(str(one["memories"]), str(one["last_at"])[:16].replace("T", " "), escape(one["name"]))
    show(shown)


@cli.command("take-back")
def take_back(
    program: Annotated[str, typer.Argument(help="Its name, from: tsubasa memories programs")],
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """Undo all that one program has added, for example: tsubasa memories take-back "Some assistant (by MCP)" """
    with daemon_at(home_flag) as client:
        done = client.take_back(program)
    if json:
        return as_json(done)
    out.print(f"Taken back: {counted(done['undone'], 'memory', 'memories')} of {escape(program)}.")
    if done["replaced"]:
        others = counted(done["replaced"], "other was", "others were")
        out.print(f"{others} replaced since; what holds in their place stays.")
