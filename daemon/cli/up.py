"""
`tsubasa up`: start the daemon and serve until it is stopped.
"""

import asyncio
import logging
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.text import Text

from daemon import home
from daemon.cli import first_run
from daemon.cli.output import HomeFlag, chosen, out
from daemon.config import settings as config
from daemon.config.settings import Settings
from daemon.engine.errors import EngineError
from daemon.engine.model_file import checked_header
from daemon.hardware.offload_plan import look, plan
from daemon.lifecycle.log_redaction import leave_words_out
from daemon.sandbox import outbound_guard
from daemon.text import who_answers
from daemon.version import version

if TYPE_CHECKING:
    from daemon.serve import Serving

NANO = (
    "[bold yellow]No model is configured: the bundled nano answers.[/] It is a stand-in of a few million "
    "parameters that knows how to remember and nothing of the world. For a real assistant: [bold]tsubasa pull[/]"
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
    """
    Start the daemon and serve until Ctrl-C or SIGTERM.

    The first time, on a terminal, it explains itself and offers to download a model.

    For example: tsubasa up --port 4242
    """
    place = chosen(home_flag)
    home.prepare(place)
    flags = {"port": port, "model": str(model) if model else None}
    settings = config.load(place.config, environment=os.environ, flags=flags)
    if first_run.is_first(settings):
        first_run.welcome(settings, place)
        settings = config.load(place.config, environment=os.environ, flags=flags)
    logging.basicConfig(
        level=settings.config.log_level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    if settings.config.log_level != "debug":
        leave_words_out()
    logging.getLogger("watchdog").setLevel(logging.WARNING)  # its debug lines name every file of the inbox
    from daemon.serve import find_model, serve  # no other command needs them

    settings, layout = laid_out(settings, find_model(settings.config, settings.origin["model"]))
    outbound_guard.install()  # all that this process will do from now on stays on this machine
    out.print(f"Tsubasa {version()} starts on {escape(str(place.path))} …")
    try:
        asyncio.run(serve(settings, place, on_serving=partial(_announce, layout), reindex=reindex))
    except (asyncio.CancelledError, KeyboardInterrupt):
        pass  # stopped while it was starting: nothing was announced yet
    out.print("Stopped.")


def laid_out(settings: Settings, model: Path) -> tuple[Settings, str]:
    """The settings with the layers that fit on this machine's card, where the user named none; and that in words."""
    asked, origin = settings.config, settings.origin
    if origin["gpu_layers"] != "default" or origin["threads"] != "default":
        threads = f"{asked.threads} threads" if asked.threads else "threads that fit"
        layers = "all layers" if asked.gpu_layers == -1 else f"{asked.gpu_layers} layers"
        return settings, f"as you set: {threads}, {layers} on a card, if there is one"
    try:
        found = plan(look(), lambda: checked_header(model), model.stat().st_size, asked.n_ctx)
    except EngineError:  # the engine says it better, when it starts
        return settings, "not known"
    if found.gpu_layers == asked.gpu_layers:
        return settings, found.said
    fitted = replace(asked, gpu_layers=found.gpu_layers)
    return Settings(config=fitted, origin={**origin, "gpu_layers": "what fits this machine"}), found.said


def _announce(layout: str, serving: "Serving") -> None:
    """What a person needs to use the daemon; the key itself stays in its file."""
    url = serving.running.url
    if serving.is_nano:
        if out.is_terminal:
            out.print(NANO)
        else:  # nobody reads along: it must be in the log
            logging.getLogger(__name__).warning(Text.from_markup(NANO).plain)
    out.print(f"[bold]Endpoint[/]  {escape(url)}/v1   (OpenAI-compatible; model name: tsubasa)")
    out.print(f"[bold]Key[/]       in {escape(str(serving.home.api_key))}")
    out.print(f"[bold]Model[/]     {escape(serving.model)}: {escape(str(serving.model_path))}")
    out.print(f"[bold]Answers[/]   {who_answers(serving.generation)}")
    out.print(f"[bold]Computes[/]  {escape(layout)}")
    out.print("[bold]Page[/]      tsubasa open")
    out.print(f"[bold]Inbox[/]     drop chat exports into {escape(str(serving.home.inbox))}")
    out.print("Ready. Stop with Ctrl-C.")
