"""
`tsubasa open`, the page in the browser, and `tsubasa tray`, the icon in the tray as a process of its own.
"""

import os
import subprocess
import sys
import webbrowser
from typing import Annotated

import typer

from daemon.cli.output import HomeFlag, chosen, daemon_at, out


def open_page(
    print_only: Annotated[
        bool, typer.Option("--print", help="Print the link instead of opening it.")
    ] = False,
    page: Annotated[
        str, typer.Option(help="Where to begin: /, /memories, /nights, /inbox, /privacy, /settings.")
    ] = "/",
    home_flag: HomeFlag = None,
) -> None:
    """
    Open the page in your browser; a link that works once signs it in.

    Example: tsubasa open --page /nights
    """
    with daemon_at(home_flag) as client:
        link = client.open_link(page)
    if print_only:
        typer.echo(link)
        return
    if not _opened(link):
        out.print("No browser could be started here. This link works once, for a minute:")
        typer.echo(link)


def _opened(link: str) -> bool:
    """Whether a browser with a window was started; one in the terminal would run no scripts."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    has_window = not isinstance(browser, webbrowser.GenericBrowser) or isinstance(
        browser, webbrowser.BackgroundBrowser
    )
    return has_window and (sys.platform != "linux" or _has_display()) and browser.open(link)


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


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
