"""
`tsubasa up`: start the daemon and serve until it is stopped.
"""

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from daemon import config, home
from daemon.commands.shared import HomeFlag, chosen, out
from daemon.quiet_log import leave_words_out
from daemon.version import version

if TYPE_CHECKING:
    from daemon.start import Serving

NANO = (
    "[bold yellow]No model is configured: the bundled nano answers.[/] It is a stand-in of a few million "
    "parameters that knows how to remember and nothing of the world. For a real assistant, set TSUBASA_MODEL "
    "to a Qwen3 GGUF file."
)


def up(
    home_flag: HomeFlag = None,
    port: Annotated[int | None, typer.Option(help="TCP port; 0 picks a free one.")] = None,
    model: Annotated[Path | None, typer.Option(help="The GGUF file that answers.")] = None,
    reindex: Annotated[
        bool,
        typer.Option(
            "--reindex", help="Make all vectors anew, for a new embedder; the old ones stay until it is done."
        ),
    ] = False,
) -> None:
    """Start the daemon and serve until Ctrl-C or SIGTERM, for example: tsubasa up --port 4242"""
    from daemon.start import serve  # no other command needs it

    place = chosen(home_flag)
    home.prepare(place)
    flags = {"port": port, "model": str(model) if model else None}
    settings = config.load(place.config, environment=os.environ, flags=flags)
    logging.basicConfig(
        level=settings.config.log_level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    if settings.config.log_level != "debug":
        leave_words_out()
    logging.getLogger("watchdog").setLevel(logging.WARNING)  # its debug lines name every file of the inbox
    out.print(f"Tsubasa {version()} starts on {escape(str(place.path))} …")
    try:
        asyncio.run(serve(settings, place, on_serving=_tell, reindex=reindex))
    except (asyncio.CancelledError, KeyboardInterrupt):
        pass  # stopped while it was starting: nothing was announced yet
    out.print("Stopped.")


def _tell(serving: "Serving") -> None:
    """What a person needs to use the daemon; the key itself stays in its file."""
    url = serving.running.url
    if serving.is_nano:
        out.print(NANO)
        logging.getLogger(__name__).warning("No model is configured: the bundled nano, a stand-in, answers.")
    answers = f"generation {serving.generation}" if serving.generation else "the base model (no night yet)"
    out.print(f"[bold]Endpoint[/]  {escape(url)}/v1   (OpenAI-compatible; model name: tsubasa)")
    out.print(f"[bold]Key[/]       in {escape(str(serving.home.api_key))}")
    out.print(f"[bold]Model[/]     {escape(serving.model)}: {escape(str(serving.model_path))}")
    out.print(f"[bold]Answers[/]   {answers}")
    out.print(f"[bold]Inbox[/]     drop chat exports into {escape(str(serving.home.inbox))}")
    out.print("Ready. Stop with Ctrl-C.")
