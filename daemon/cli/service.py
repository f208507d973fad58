"""
`tsubasa service install | uninstall | status | logs`: the daemon starts with your session, if you want it to.
"""

import os
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from daemon import home
from daemon.autostart import install as installed
from daemon.autostart.manager import Manager, Start, manager_missing, start_of
from daemon.cli.output import HomeFlag, JsonFlag, as_json, chosen, out
from daemon.config import settings
from daemon.errors import HomeInUse
from daemon.home import Home, HomeLock

cli = typer.Typer(
    help="Start with your session; off unless you install it, for example: tsubasa service install",
    no_args_is_help=True,
)


@cli.command()
def install(
    start: Annotated[bool, typer.Option("--start/--no-start", help="Start it now, too.")] = True,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write it again, over an older or changed one.")
    ] = False,
    home_flag: HomeFlag = None,
) -> None:
    """Have the daemon started at each login, for example: tsubasa service install"""
    place = chosen(home_flag)
    home.prepare(place)
    settings.load(place.config, environment={}, flags={})  # said here, not in a log at the next login
    by, wanted = _ours(place)
    busy = _held_by_another(place, by, wanted)
    written = installed.install(by, wanted, run=start and busy is None, replace=replace)
    out.print(f"{'Installed' if written else 'Installed already'}: {escape(str(by.file))}")
    _warn_of_lost_settings()
    if busy is not None:
        out.print(f"[yellow]Not started:[/] {escape(busy)}")
        out.print("From your next login on, the service is the one that runs.")
    elif start:
        out.print("It starts now and at each login. See how it goes: tsubasa service status")
    else:
        out.print("It starts at your next login.")


@cli.command()
def uninstall(home_flag: HomeFlag = None) -> None:
    """Start it at login no more, and stop it, for example: tsubasa service uninstall"""
    by, _ = _ours(chosen(home_flag))
    installed.uninstall(by)
    out.print(
        f"Gone: {escape(str(by.file))}. Everything that is kept is still there; to start it: tsubasa up"
    )


@cli.command()
def status(json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """Tell whether it is installed and runs, for example: tsubasa service status"""
    place = chosen(home_flag)
    by, wanted = _ours(place)
    found = installed.status(by, wanted)
    running = home.running(place)
    if json:
        known = {**asdict(found), "file": str(found.file), "by": by.name}
        return as_json({**known, "daemon": asdict(running) if running else None})
    if found.manager is None:
        out.print("Not installed: nothing starts at login. To have it: tsubasa service install")
    else:
        at_login = "starts at login" if found.manager.enabled else "does not start at login"
        out.print(f"Installed ({by.name}): {escape(str(found.file))}, {at_login}")
        out.print(f"State: {escape(found.manager.says)}")
        if not found.manager.running:
            out.print("What it said last: tsubasa service logs")
    if found.written == "otherwise":
        out.print(
            "[yellow]The file is not what this version would write for this home; it is left as it is.[/] "
            "To write it again: tsubasa service install --replace"
        )
    out.print(
        f"Announced at {escape(running.url)}, process {running.pid}" if running else "No daemon serves."
    )


@cli.command()
def logs(
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=1, max=100_000, help="So many, the last ones.")
    ] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    home_flag: HomeFlag = None,
) -> None:
    """Show what it said; nothing of your chats is in it, for example: tsubasa service logs -f"""
    by, wanted = _ours(chosen(home_flag))
    command = installed.log_command(by, wanted, lines=lines, follow=follow)
    try:
        done = subprocess.run(command, check=False)
    except OSError as error:
        raise manager_missing(command[0], error.strerror or str(error)) from error
    except KeyboardInterrupt:
        return
    raise typer.Exit(done.returncode)


def _ours(place: Home) -> tuple[Manager, Start]:
    return installed.manager(os.environ, Path.home()), start_of(place.path)


def _held_by_another(place: Home, by: Manager, wanted: Start) -> str | None:
    """Why the service could not start now: a daemon that it did not start has the home. None: it can."""
    lock = HomeLock(place)
    try:
        lock.take()
    except HomeInUse as error:
        found = installed.status(by, wanted)
        return None if found.manager is not None and found.manager.running else str(error)
    lock.release()
    return None


def _warn_of_lost_settings() -> None:
    """A shell's variables don't reach the service."""
    lost = sorted(name for name in os.environ if name.startswith("TSUBASA_") and name != "TSUBASA_HOME")
    if lost:
        out.print(
            f"[yellow]{', '.join(lost)}: set in this shell only.[/] The service reads config.toml in the home; "
            "write there what it should know."
        )
