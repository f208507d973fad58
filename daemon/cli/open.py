"""
`tsubasa open`: the page, in the browser.
"""

import os
import sys
import webbrowser
from typing import Annotated

import typer

from daemon.cli.output import HomeFlag, daemon_at, out


def open_page(
    print_only: Annotated[
        bool, typer.Option("--print", help="Print the link instead of opening it.")
    ] = False,
    page: Annotated[str, typer.Option(help="Where to begin: /, /memories, /nights, /inbox, /privacy.")] = "/",
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
