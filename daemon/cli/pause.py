"""
`tsubasa pause` and `tsubasa resume`: keep no chats for a while.
"""

from datetime import datetime
from typing import Annotated

import typer

from daemon.cli.output import HomeFlag, JsonFlag, as_line, daemon_at, out
from daemon.client.schemas.chats import Logging


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
