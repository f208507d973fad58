"""
`tsubasa mcp`: your memories as tools for other assistants, by the Model Context Protocol.
"""

import asyncio
import logging
import sys
from typing import Annotated

import typer

from daemon import home
from daemon.cli.output import HomeFlag, chosen
from daemon.client import client
from daemon.config.api_keys import ProgramKeys
from daemon.errors import DaemonError, NotRunning, PortInUse
from daemon.version import version

PORT = 4142  # next to the daemon's own


def mcp(
    http: Annotated[
        bool,
        typer.Option(
            "--http", help="By HTTP on this machine, with the key; else by standard input and output."
        ),
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="For --http; 0 picks a free one.", show_default=True)
    ] = PORT,
    may: Annotated[
        str, typer.Option(help="What the assistant may: read, write (add, and ask you to forget or edit).")
    ] = "read,write",
    home_flag: HomeFlag = None,
) -> None:
    """
    Serve your memories as tools to another assistant. One in a cloud takes there what it reads.

    The assistant starts it by itself. Into its settings goes:

    {"mcpServers": {"tsubasa": {"command": "tsubasa", "args": ["mcp"]}}}

    With --http you start it yourself, and it listens on a port. Each assistant may have a key of its own (`tsubasa
    keys make`) and may then what that key may.

    For example: tsubasa mcp --http
    """
    from daemon.mcp import server  # loads the SDK; no other command needs it

    place = chosen(home_flag)
    allowed = [one.strip() for one in may.split(",") if one.strip()]
    if not allowed or (unknown := [one for one in allowed if one not in server.MAY]):
        named = repr(unknown[0]) if allowed else "nothing"
        raise DaemonError(f"--may can't be {named}. Say what the assistant may: {', '.join(server.MAY)}.")
    logging.basicConfig(
        level="WARNING", stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    made = server.make_server(
        lambda shown: client.connect(place, shown=shown), version=version(), may=allowed
    )
    try:
        if not http:
            asyncio.run(server.serve_stdio(made))
            return
        key = home.read_api_key(place)
        if key is None:
            raise NotRunning(place.path, "its key was not made yet")
        programs = ProgramKeys(place)
        asyncio.run(server.serve_http(made, api_key=key, programs=programs, port=port, on_serving=_announce))
    except PortInUse as error:
        free = port + 1 if port < 65535 else PORT
        raise DaemonError(
            f"Port {port} is in use by another program. Serve the tools on another one: "
            f"tsubasa mcp --http --port {free} (0 picks a free one)."
        ) from error
    except KeyboardInterrupt:
        pass


def _announce(url: str) -> None:
    typer.echo(
        f"Serving {url}; clients show the key in the file api_key, or one of their own, as a Bearer token.",
        err=True,
    )
