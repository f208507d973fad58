"""
`tsubasa confirm`: decide what a program may forget or edit; nothing of it happens unless a person says so.
"""

from typing import Annotated

import typer
from rich.markup import escape

from daemon.cli.output import HomeFlag, JsonFlag, as_json, daemon_at, out
from daemon.client.client import Client
from daemon.client.schemas.memories import Confirmation
from daemon.errors import Refused
from daemon.text import counted


def confirm(
    which: Annotated[
        str | None, typer.Argument(metavar="ID", help="One of them; without it, each is asked.")
    ] = None,
    allow: Annotated[
        bool | None, typer.Option("--allow/--refuse", help="Decide that one without being asked.")
    ] = None,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """Decide what programs may forget or edit, for example: tsubasa confirm"""
    if which is None and allow is not None:
        raise typer.BadParameter("Name the one that you decide, or leave --allow and --refuse out.")
    with daemon_at(home_flag) as client:
        if allow is not None:
            decided = client.confirm(which or "", allow)
            return as_json(decided) if json else _show_decision(decided["confirmation"])
        found = client.confirmations()
        if which is not None:
            found = {"confirmations": [client.confirmation(which)["confirmation"]]}
        if json:
            return as_json(found)
        went_well = [_ask(client, one) for one in found["confirmations"]]
    if not found["confirmations"]:
        out.print("No program waits for your word.")
    if not all(went_well):
        raise typer.Exit(1)


def _ask(client: Client, one: Confirmation) -> bool:
    """Show what would be done, and decide as the user says, nothing said leaves it waiting; whether that went well."""
    _show_request(one)
    if one["state"] != "waiting":
        _show_decision(one)
        return True
    said = typer.prompt("Allow it? [y]es, [n]o, [l]ater", default="l", show_default=False).strip().lower()
    if said not in ("y", "yes", "n", "no"):
        out.print(f"It waits until {one['expires_at'][11:16]} UTC.")
        return True
    try:
        decided = client.confirm(one["id"], said.startswith("y"))["confirmation"]
    except Refused as error:  # decided elsewhere while it was read, say; the others are asked all the same
        out.print(escape(str(error)))
        return False
    _show_decision(decided)
    return True


def _show_request(one: Confirmation) -> None:
    out.print(f"[bold]{escape(one['id'])}[/]  {escape(one['says'])}")
    for memory in one["memories"]:
        out.print(f"  {memory['id']:>4}  {escape(memory['narrative'])}")
    if one["text"]:
        out.print(f"  new:  {escape(one['text'])}")
    if one["takes"]:
        lessons, others = one["takes"]["lessons"], set(one["takes"]["memories"]) - set(one["memory_ids"])
        also = f", and memory {', '.join(map(str, sorted(others)))}, which they replaced" if others else ""
        out.print(f"  takes {counted(lessons, 'lesson')}{also}")


def _show_decision(one: Confirmation) -> None:
    outcomes = {
        "done": "Allowed, and done.",
        "refused": "Refused; nothing was done.",
        "expired": "Nobody answered in time; nothing was done.",
        "void": "What it was about is no longer there; nothing was done.",
        "working": "Allowed; it is being done.",
    }
    out.print(outcomes.get(one["state"], f"Allowed, and not done: {escape(str(one['failure']))}"))
