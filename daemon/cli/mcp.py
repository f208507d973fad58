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
    home_flag: HomeFlag = None,
) -> None:
    """
    Serve your memories as tools to another assistant. One in a cloud takes there what it reads.

    The assistant starts it by itself. Into its settings goes:

    {"mcpServers": {"tsubasa": {"command": "tsubasa", "args": ["mcp"]}}}

    With --http you start it yourself, and it listens on a port.

    For example: tsubasa mcp --http
    """
    from daemon.mcp import server  # loads the SDK; no other command needs it

    place = chosen(home_flag)
    logging.basicConfig(
        level="WARNING", stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    made = server.make_server(lambda: client.connect(place), version=version())
    try:
        if not http:
            asyncio.run(server.serve_stdio(made))
            return
        key = home.read_api_key(place)
        if key is None:
            raise NotRunning(place.path, "its key was not made yet")
        asyncio.run(server.serve_http(made, api_key=key, port=port, on_serving=_announce))
    except PortInUse as error:
        free = port + 1 if port < 65535 else PORT
        raise DaemonError(
            f"Port {port} is in use by another program. Serve the tools on another one: "
            f"tsubasa mcp --http --port {free} (0 picks a free one)."
        ) from error
    except KeyboardInterrupt:
        pass


def _announce(url: str) -> None:
    typer.echo(f"Serving {url}; clients show the key in the file api_key as a Bearer token.", err=True)
