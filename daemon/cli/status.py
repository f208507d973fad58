"""
`tsubasa status`: what runs, what is kept, and where each setting came from; `pause` and `resume`: keep no chats.
"""

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from daemon.cli import memories
from daemon.cli.output import HomeFlag, JsonFlag, as_json, as_line, daemon_at, out
from daemon.client.schemas.chats import Logging
from daemon.client.schemas.nights import NightState
from daemon.client.schemas.status import Counts, RecallState, Reindex
from daemon.errors import Refused
from daemon.text import can_learn, counted, format_bytes, what_model

if TYPE_CHECKING:
    from daemon.client.client import Client


def status(
    seen: Annotated[
        bool, typer.Option("--seen", help="Tell no more what happened: you have seen it.")
    ] = False,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """Show what runs, what is kept, and every setting with its origin, for example: tsubasa status"""
    with daemon_at(home_flag) as client:
        if seen:
            client.notices_seen()
        found = client.status()
        people = _people(client)
        url = client.url
    if json:
        return as_json(found)
    out.print(f"Tsubasa {found['version']}, process {found['pid']}, {url}/v1, home {escape(found['home'])}")
    out.print(
        f"Model {escape(found['model']['name'])} ({found['model']['n_ctx']} tokens), live generation: "
        f"{found['generation'] or 'base'}"
    )
    model = found["model"]
    what = what_model(model["architecture"], model["quantization"], model["bytes"], model["made_for"])
    out.print(f"It {escape(can_learn(model['cannot_learn']))} ({escape(what)})")
    for one in found["further"]:
        if one["why"] is None:
            size, needed = format_bytes(one["bytes"]), format_bytes(one["needed"])
            out.print(f"Beside it: {escape(one['name'])} ({size}, {needed} while it answers): {one['state']}")
    out.print(_held(found["held"]))
    if line := recall(found["recall"], found["held"]["unindexed"]):
        out.print(line)
    if proposed := found["proposals"]:
        out.print(memories.format_proposed(proposed))
    for line in memories.format_unread(found["unread"]):
        out.print(line)
    if found["reindex"]:
        out.print(reindexing(found["reindex"]))
    if people:
        out.print(f"Profiles: {escape(', '.join(people))}")
    for child in found["children"]:
        failure = f", last failure: {escape(child['failure'])}" if child["failure"] else ""
        out.print(f"{child['name']}: {child['state']}, {counted(child['restarts'], 'restart')}{failure}")
    if line := night(found["work"]["night"]):
        out.print(escape(line))
    if later := found["work"]["later"]:
        waits = counted(later, "memory waits", "memories wait")
        out.print(f"The last night was too short for all: {waits} for a coming one.")
    if not found["logging"]["on"]:
        out.print(format_logging(found["logging"]))
    for trouble in found["attention"]:
        out.print(f"[red]{escape(trouble['what'])}[/] {escape(trouble['do'])}")
    table = Table("setting", "value", "from")
    for setting in found["settings"]:
        is_default = setting["key"] == "model" and not setting["value"]
        said = setting["value"]
        plain = ", ".join(said) if isinstance(said, list) else str(said)
        value = f"{found['model']['name']} (the default)" if is_default else plain
        table.add_row(setting["key"], escape(value), escape(setting["from"]))
    out.print(table)


def _people(client: "Client") -> list[str]:
    """The profiles, and whether each one's daemon runs; none where the list is broken, which the attention tells."""
    with suppress(Refused):
        return [
            f"{one['name']} ({'runs' if one['pid'] else 'rests'})" for one in client.profiles()["profiles"]
        ]
    return []


def _held(held: Counts) -> str:
    messages, lessons = counted(held["messages"], "message"), counted(held["lessons"], "lesson")
    return f"Held: {messages}, {counted(held['memories'], 'memory', 'memories')}, {lessons}"


def recall(state: RecallState, unindexed: int) -> str | None:
    """What keeps memories from being found by meaning; None when nothing does."""
    texts = counted(unindexed, "text waits for its vector", "texts wait for their vectors")
    if state["by"] == "meaning":
        return f"Recall: by meaning; {texts}" if unindexed else None
    if state["by"] == "nothing":
        return f"Recall: off, {state['why']}"
    waiting = f"; {texts}" if unindexed else ""
    return f"[yellow]Recall: by words only[/]{waiting}: {escape(state['why'] or '')}"


def night(state: NightState) -> str | None:
    """What the night does, or what it waits for; None when nights don't run by themselves."""
    if progress := state["progress"]:
        share = f", {progress['done']} of {progress['total']} {progress['unit']}" if progress["total"] else ""
        warning = f" ({state['warning']})" if state["warning"] else ""
        return f"Night: {progress['note']}{share}{warning}"
    return f"Night: waiting: {state['waiting']}" if state["waiting"] else None


def reindexing(under_way: Reindex) -> str:
    """How far a re-index is, and the way back."""
    return (
        f"[yellow]Re-index: {under_way['done']} of {counted(under_way['total'], 'vector')} made by "
        f"{escape(under_way['new'])}.[/] Until all are, the others are recalled by their words only; to go back, "
        f"configure {escape(under_way['old'])} again: its vectors are kept."
    )


def pause(
    minutes: Annotated[
        int | None,
        typer.Option(
            "--for",
            metavar="MINUTES",
            min=1,
            help="End the pause by itself after so many minutes.",
            show_default=False,
        ),
    ] = None,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Pause logging: until it is resumed, every chat is private.

    Nothing of it is kept, and no memories are recalled for it. A chat of which a part was not kept stays private
    afterwards too; a new one is kept again.

    For example: tsubasa pause --for 30
    """
    with daemon_at(home_flag) as client:
        found = client.logging(on=False, for_minutes=minutes)
    if json:
        return as_line(found)
    out.print(format_logging(found))


def resume(json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """
    Keep chats again, those begun from now on.

    For example: tsubasa resume
    """
    with daemon_at(home_flag) as client:
        found = client.logging(on=True)
    if json:
        return as_line(found)
    out.print("Logging: on. Chats that you begin now are kept again.")


def format_logging(logging: Logging) -> str:
    """Whether chats are kept, for a person."""
    if logging["on"]:
        return "Logging: on."
    end = datetime.fromisoformat(logging["until"]).astimezone() if logging["until"] else None
    until = f" until {end:%Y-%m-%d %H:%M}" if end else ""
    return f"Logging: [yellow]paused{until}[/]; no chat is kept. Keep chats again with: tsubasa resume"
