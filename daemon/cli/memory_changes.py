"""
`tsubasa memories add | edit | undo | audit`: what a user does to the memories by hand.
"""

from typing import Annotated

import typer
from rich.markup import escape

from daemon.cli.output import HomeFlag, JsonFlag, as_json, daemon_at, out, show, table

MOST_UNUSED = 20  # memories never recalled that are shown
LEARNT = "A generation that learnt it may still answer by it until the next night."


def add(
    text: Annotated[str, typer.Argument(help='One sentence, worded like the others: "The user has a dog."')],
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="The first day on which it is true; else today.")
    ] = None,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """Remember a statement of your own, for example: tsubasa memories add "The user has a dog." """
    with daemon_at(home_flag) as client:
        made = client.add(text, since=since)
    if json:
        return as_json(made)
    out.print(f"Memory {made['memory']['id']} holds: {escape(made['memory']['narrative'])}")


def edit(
    memory_id: Annotated[
        int, typer.Argument(metavar="ID", min=1, help="Its number in: tsubasa memories", show_default=False)
    ],
    text: Annotated[str, typer.Argument(help="What it should say.")],
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Put a memory in other words; the old ones stay in its history, and undo brings them back.

    For example: tsubasa memories edit 42 "The user's dog is called Rex."
    """
    with daemon_at(home_flag) as client:
        made = client.edit(memory_id, text)
    if json:
        return as_json(made)
    new = made["memory"]
    out.print(f"Memory {new['id']} holds in the place of {memory_id}: {escape(new['narrative'])}")


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
    out.print(LEARNT)


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
    share = f", {found['junk'] / found['held']:.0%}" if found["held"] else ""
    out.print(f"{found['junk']} of {found['held']} memories look like junk{share}.")
    if found["suspects"]:
        out.print(
            "Nothing was changed. Take one back with `tsubasa memories undo ID`, or `tsubasa forget ID`."
        )
