"""
What every command needs: the home it means, and a client for the daemon there.
"""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from daemon import client, home
from daemon.home import Home

HomeFlag = Annotated[
    Path | None,
    typer.Option("--home", help="The folder that holds everything; else TSUBASA_HOME, else ~/.tsubasa."),
]
out = Console(highlight=False, soft_wrap=True)


def chosen(flag: Path | None) -> Home:
    """The home that this command means."""
    return home.where(os.environ, flag)


def daemon_at(flag: Path | None) -> client.Client:
    """A client for the daemon of that home; raises `NotRunning`."""
    return client.connect(chosen(flag))
