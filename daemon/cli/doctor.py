"""
`tsubasa doctor`: look at everything that Tsubasa needs, and say what must be done.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from daemon.cli.output import HomeFlag, JsonFlag, as_json, chosen, daemon_at, out
from daemon.home import Home

if TYPE_CHECKING:
    from daemon.diagnostics.doctor import ClientProgram, Finding

MARKS = {"ok": "[green]ok   [/]", "note": "[yellow]note [/]", "wrong": "[bold red]WRONG[/]"}


def doctor(
    prove: Annotated[
        bool, typer.Option("--prove", help="Show that the running daemon keeps to this machine.")
    ] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="What keeps your data safe here, in ten lines.")
    ] = False,
    json_out: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Look at compiler, GPU, model, key, port, disk, clock and clients; exit code 1 when something must be done.

    For example: tsubasa doctor --prove
    """
    place = chosen(home_flag)
    if trust and prove:
        raise typer.BadParameter("Choose --trust or --prove.")
    look = _trusted if trust else _proved if prove else _examined
    found, clients = look(place)
    wrong = [one for one in found if one.state == "wrong"]
    if json_out:
        as_json(_as_data(found, clients, prove))
    else:
        _show(found, clients, prove, short=trust)
    if wrong:
        raise typer.Exit(1)


def _examined(place: Home) -> "tuple[list[Finding], list[ClientProgram]]":
    from daemon.diagnostics.doctor import examine

    return examine(place, os.environ)


def _trusted(place: Home) -> "tuple[list[Finding], list[ClientProgram]]":
    from daemon.diagnostics.doctor import read_settings
    from daemon.diagnostics.trust import state

    return state(place, read_settings(place, os.environ)[0]), []


def _proved(place: Home) -> "tuple[list[Finding], list[ClientProgram]]":
    from daemon.diagnostics.network_proof import prove

    with daemon_at(place.path) as client:
        return prove(client.proof(), client.url), []


def _as_data(found: "Sequence[Finding]", clients: "Sequence[ClientProgram]", prove: bool) -> dict[str, Any]:
    from daemon.diagnostics.network_proof import LIMITS

    well = all(one.state != "wrong" for one in found)
    data: dict[str, Any] = {"well": well, "findings": [asdict(one) for one in found]}
    return data | ({"limits": LIMITS} if prove else {"clients": [asdict(one) for one in clients]})


def _show(
    found: "Sequence[Finding]", clients: "Sequence[ClientProgram]", prove: bool, *, short: bool
) -> None:
    from daemon.diagnostics.network_proof import LIMITS

    for one in found:
        out.print(f"{MARKS[one.state]} {one.name:<9} {escape(one.said)}")
        if one.todo:
            out.print(f"                {escape('-> ' + one.todo)}")
    if short:
        return
    if prove:
        out.print(f"\nWhat this does not prove: {LIMITS}")
        return
    out.print("\n[bold]Programs here that can use Tsubasa[/], and the line that each needs:")
    for client in clients:
        out.print(f"  [bold]{client.name}[/] ({escape(client.where)})\n    {escape(client.line)}")
    if not clients:
        out.print("  none that we know; any OpenAI-compatible client will do")
    wrong = sum(one.state == "wrong" for one in found)
    out.print(f"\n{f'{wrong} must be done something about.' if wrong else 'Nothing must be done.'}")
