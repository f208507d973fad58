"""
`tsubasa memories waiting`, `accept` and `refuse`: what becomes a memory once you say so.
"""

from typing import Annotated

import typer
from rich.markup import escape

from daemon.cli.memories import cli
from daemon.cli.output import HomeFlag, JsonFlag, as_json, daemon_at, out, show, table
from daemon.client.schemas.memories import AcceptedProposal
from daemon.text import counted

AT_ONCE = 100  # that one request decides
Numbers = Annotated[list[int] | None, typer.Argument(metavar="ID...", help="From: tsubasa memories waiting")]
Every = Annotated[bool, typer.Option("--all", help="All that wait.")]


@cli.command("waiting")
def waiting(json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """List what waits for your word before it is a memory, for example: tsubasa memories waiting"""
    with daemon_at(home_flag) as client:
        found = client.proposals()["proposals"]
    if json:
        return as_json({"proposals": found})
    if not found:
        out.print("Nothing waits for your word.")
        return
    shown = table("id", "told on", "from", "memory")
    for one in found:
        shown.add_row(str(one["id"]), one["told_on"], escape(one["origin"] or "a chat"), escape(one["text"]))
    show(shown)
    out.print("Keep some: tsubasa memories accept ID... (or --all); else: tsubasa memories refuse ID...")


@cli.command("accept")
def accept(
    ids: Numbers = None, every: Every = False, json: JsonFlag = False, home_flag: HomeFlag = None
) -> None:
    """Make memories of what waits, for example: tsubasa memories accept 3 4"""
    _decide(ids, every, keep=True, json=json, home_flag=home_flag)


@cli.command("refuse")
def refuse(
    ids: Numbers = None, every: Every = False, json: JsonFlag = False, home_flag: HomeFlag = None
) -> None:
    """Make no memory of what waits, and be not asked again, for example: tsubasa memories refuse 5"""
    _decide(ids, every, keep=False, json=json, home_flag=home_flag)


def _decide(ids: list[int] | None, every: bool, *, keep: bool, json: bool, home_flag: HomeFlag) -> None:
    if bool(ids) == every:
        raise typer.BadParameter(
            "Name the numbers, from: tsubasa memories waiting. Or all of them with --all."
        )
    kept, refused, missing = list[AcceptedProposal](), list[int](), list[int]()
    with daemon_at(home_flag) as client:
        wanted = [one["id"] for one in client.proposals()["proposals"]] if every else list(ids or ())
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            done = client.decide_proposals(accept=some if keep else [], refuse=[] if keep else some)
            kept, refused = kept + done["accepted"], refused + done["refused"]
            missing += done["missing"]
    if json:
        return as_json({"accepted": kept, "refused": refused, "missing": missing})
    for one in kept:
        if one["memory"] is None or one["by"] == "forgotten":
            said = (
                "no memory: it tells what you had forgotten. To keep it after all: tsubasa memories add TEXT"
            )
        else:
            said = f"memory {one['memory']} ({one['op']})"
        out.print(f"{one['proposal']}: {said}")
    if refused:
        out.print(f"Refused: {counted(len(refused), 'sentence')}; the chats stay as they are.")
    for number in missing:
        out.print(f"{number}: nothing of this number waits. tsubasa memories waiting lists what does.")
    if missing and not kept and not refused:
        raise typer.Exit(1)
