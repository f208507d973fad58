"""
`tsubasa tray`: the icon in the tray, a process of its own.
"""

import subprocess
import sys
from typing import Annotated

import typer

from daemon.cli.output import HomeFlag, chosen


def tray(
    foreground: Annotated[
        bool,
        typer.Option("--foreground", help="Stay in this terminal, as programs that start others want it."),
    ] = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Show the icon in the tray: what goes on, and a menu with what one needs most.

    It comes back at the next login only if you have your desktop start this command. Without a tray (GNOME without
    the extension AppIndicator, say) it says so, once, and opens the page instead.

    For example: tsubasa tray
    """
    command = [sys.executable, "-m", "tray", "--home", str(chosen(home_flag).path)]
    if foreground:
        raise typer.Exit(subprocess.run(command).returncode)
    started = subprocess.Popen(
        [*command, "--detached"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
    )
    assert started.stdout is not None
    with started.stdout as output:
        if first := output.readline().decode():
            typer.echo(first.rstrip())
            return
    if code := started.wait():
        raise typer.Exit(code)
