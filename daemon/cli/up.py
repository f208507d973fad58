"""
`tsubasa up`: start the daemon and serve until it is stopped.

The first one of a home, on a terminal, says in seven lines what will happen, and asks: a real model, `little` to try it
now, a file of the user's, or nano; and an embedder of many languages, where the system's language is not English.
The log keeps a user's words out: of an exception that nobody expected only its kind and place are written, for its
message may quote what was said. Messages that are logged on purpose are not touched.
"""

import asyncio
import logging
import os
import re
import shutil
import sys
import traceback
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer
from rich.markup import escape
from rich.text import Text

from daemon import home
from daemon.cli.output import HomeFlag, chosen, out
from daemon.cli.pull import at_terminal, choose, have
from daemon.cli.uninstall import remove_all
from daemon.config import edit_file
from daemon.config import settings as config
from daemon.config.default_model import LITTLE, MAKES_LITTLE, little, shipped_skills
from daemon.config.settings import Config, Settings
from daemon.downloads.model_source import Known, known_models, read_source
from daemon.embedding.choices import BUNDLED, MULTILINGUAL, NANO_E5, choice
from daemon.engine.errors import EngineError
from daemon.engine.gguf_file import SMALL_MODEL, checked_header, size_of
from daemon.engine.model_facts import context_of, needed_bytes
from daemon.errors import DaemonError
from daemon.hardware.offload_plan import FITS, Hardware, look, plan
from daemon.hardware.sensors import free_mb
from daemon.home import Home
from daemon.processes.errors import ChildError
from daemon.sandbox import outbound_guard
from daemon.text import counted, format_bytes, who_answers
from daemon.version import version

if TYPE_CHECKING:
    from daemon.serve import Serving

GIB = 2**30
NANO = (
    "[bold yellow]No model is configured: the bundled nano answers.[/] It is a stand-in of a few million "
    "parameters that knows how to remember and nothing of the world. For a real assistant: [bold]tsubasa pull[/]"
)
OR_LITTLE = f"; for a small one that talks: [bold]tsubasa pull {LITTLE}[/]"
ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
BECAUSE = "\n  … because of:\n"


def up(
    home_flag: HomeFlag = None,
    port: Annotated[int | None, typer.Option(help="TCP port; 0 picks a free one.")] = None,
    model: Annotated[Path | None, typer.Option(help="The GGUF file that answers.")] = None,
    reindex: Annotated[
        bool,
        typer.Option(
            "--reindex",
            help="Make all vectors again, for a new embedder; the old ones stay until it is done.",
        ),
    ] = False,
    below: Annotated[
        bool, typer.Option("--below", hidden=True, help="Serve a profile for the daemon that started this.")
    ] = False,
) -> None:
    """
    Start the daemon and serve until Ctrl-C or SIGTERM.

    The first time, on a terminal, it explains itself and offers to download a model; and, where the system's language
    is not English, an embedder of other languages.

    For example: tsubasa up --port 4242
    """
    place = chosen(home_flag)
    home.prepare(place)
    flags = {"port": port, "model": str(model) if model else None}
    settings = config.load(place.config, environment=os.environ, flags=flags)
    if is_first(settings):
        welcome(settings, place)
        settings = config.load(place.config, environment=os.environ, flags=flags)
    if offers_languages(settings, place, os.environ):
        offer_languages(place)
        settings = config.load(place.config, environment=os.environ, flags=flags)
    if MAKES_LITTLE and settings.origin["model"] == "default" and not little(place).exists() and has_little():
        _or_nano(place, LITTLE, is_chosen=False)
    log_to_stderr(settings.config.log_level)
    from daemon.serve import find_model, serve  # no other command needs them

    model_path = find_model(settings.config, settings.origin["model"], place)
    settings, layout = laid_out(settings, model_path)
    if warning := too_large(settings.config, model_path, look(), free_mb() * 2**20):
        out.print(f"[yellow]{escape(warning)}[/]")
    outbound_guard.install()  # all that this process will do from now on stays on this machine
    out.print(f"Tsubasa {version()} starts on {escape(str(place.path))} …")
    after = ""
    try:
        serving = serve(
            settings, place, on_serving=partial(_announce, layout), reindex=reindex, is_below=below
        )
        after = asyncio.run(serving)
    except (asyncio.CancelledError, KeyboardInterrupt):
        pass  # stopped while it was starting: nothing was announced yet
    if after == "restart":
        restart(reindex=reindex)
    if after == "delete":
        remove_all(place)
    out.print("Deleted." if after == "delete" else "Stopped.")


def restart(*, reindex: bool) -> None:
    """Be the same command anew, in the same process; vectors are made again only once."""
    out.print("Starting again …")
    sys.stdout.flush()
    typed = sys.orig_argv[1:]
    os.execv(
        sys.executable, [sys.executable, *(one for one in typed if not (reindex and one == "--reindex"))]
    )


def laid_out(settings: Settings, model: Path) -> tuple[Settings, str]:
    """The settings with the layers that fit on this machine's card, where the user named none; and that in words."""
    asked, origin = settings.config, settings.origin
    if origin["gpu_layers"] != "default" or origin["threads"] != "default":
        threads = f"{asked.threads} threads" if asked.threads else "threads that fit"
        layers = "all layers" if asked.gpu_layers == -1 else f"{asked.gpu_layers} layers"
        return settings, f"as you set: {threads}, {layers} on a card, if there is one"
    try:
        header = partial(checked_header, model, asked.chat_template)
        found = plan(look(), header, size_of(model), asked.n_ctx, asked.kv_cache)
    except (EngineError, OSError):  # the engine says it better, when it starts
        return settings, "not known"
    if found.gpu_layers == asked.gpu_layers:
        return settings, found.said
    fitted = replace(asked, gpu_layers=found.gpu_layers)
    return Settings(config=fitted, origin={**origin, "gpu_layers": FITS}), found.said


def too_large(config: Config, model: Path, hardware: Hardware, free: float) -> str | None:
    """What to know of a model that takes more memory than the `free` bytes; None where it fits, or a card takes it."""
    if (hardware.cards and hardware.offload) or size_of(model) < SMALL_MODEL:
        return None
    try:
        header = checked_header(model, config.chat_template)
    except EngineError:  # the engine says it better, when it starts
        return None
    needed = needed_bytes(header, size_of(model), config.n_ctx, config.kv_cache)
    if needed <= free:
        return None
    context = counted(context_of(header, config.n_ctx), "token")
    return (
        f"The model needs about {format_bytes(needed)} with a context of {context}, and {format_bytes(int(free))} of "
        f"memory are free: it will be slow, or fail. Set a smaller n_ctx, or take a smaller model: tsubasa pull --list"
    )


def is_first(settings: Settings) -> bool:
    """Whether nobody has said yet which model answers, and somebody sits there who can."""
    return settings.origin["model"] == "default" and at_terminal()


def welcome(settings: Settings, place: Home) -> None:
    """Explain, ask, and do what is chosen; config.toml remembers it. A download that fails leaves nano for now."""
    hardware = look()
    model = suggested(known_models(), hardware.memory)
    for line in lines(settings, place, model, hardware, shutil.disk_usage(place.path).free):
        out.print(line)
    ways = {
        "y": f"download {model.title}",
        "l": LITTLE,
        "f": "a file of yours",
        "n": "nano for now",
        "q": "quit",
    }
    if not has_little():
        del ways["l"]
    asked = f"Which one? [{', '.join(f'{letter} = {way}' for letter, way in ways.items())}]"
    answer = ""
    while answer not in ways:
        answer = typer.prompt(asked).strip().lower()[:1]
    if answer == "q":
        raise typer.Exit(0)
    if answer == "n":
        edit_file.set_key(place.config, "model", "")
        out.print("nano, then. A real model at any time: [bold]tsubasa pull[/]")
        return
    named = {"y": model.name, "l": LITTLE}.get(answer)
    _or_nano(place, named or typer.prompt("The path of the GGUF file").strip())


def _or_nano(place: Home, name: str, *, is_chosen: bool = True) -> None:
    """Have a model, and let config.toml name it where the user chose it; what can't be had is told: nano answers."""
    try:
        file = have(place, read_source(name))
        if is_chosen:
            choose(place, file, yes=True)
    except DaemonError as error:
        out.print(f"[red]{escape(str(error))}[/]")
        out.print("nano answers for now. Try again at any time: [bold]tsubasa pull[/]")


def has_little() -> bool:
    """Whether `little` can be made here without a download."""
    known = next(one for one in known_models() if one.skills)
    return shipped_skills().is_file() and find_spec(known.package.replace("-", "_")) is not None


def offers_languages(settings: Settings, place: Home, environment: Mapping[str, str]) -> bool:
    """Whether an embedder of many languages is worth a question: nothing is embedded yet, and somebody sits there."""
    is_new = settings.origin["embedder"] == "default" and not place.store.exists()
    return is_new and not speaks_english(environment) and at_terminal()


def speaks_english(environment: Mapping[str, str]) -> bool:
    """Whether the system's language is English, or unknown."""
    said = next(
        (environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), ""
    )
    return re.split(r"[_.@-]", said)[0].lower() in ("", "c", "posix", "en", "english")


def offer_languages(place: Home) -> None:
    """Ask once, fetch at once what is missing, and remember the answer; what can't be fetched is asked again."""
    wanted = NANO_E5 if find_spec(NANO_E5) else MULTILINGUAL
    known = choice(wanted)
    cost = f"{known.download} to download from huggingface.co" if known.download else "nothing to download"
    out.print(
        f"Your system's language is not English. Memories are found by meaning with {BUNDLED}, which knows"
    )
    out.print(f"English only; {wanted} knows a hundred languages ({cost}).")
    if not typer.confirm(f"Use {wanted}?", default=True):
        edit_file.set_key(place.config, "embedder", BUNDLED)
        return
    try:
        if known.download:
            asyncio.run(_fetch(wanted))
    except ChildError as error:
        out.print(f"[red]{escape(str(error))}[/]")
        out.print(f"{BUNDLED} for now; the next start asks again, while nothing is remembered yet.")
        return
    edit_file.set_key(place.config, "embedder", "multilingual" if wanted == MULTILINGUAL else wanted)


async def _fetch(name: str) -> None:
    """Have an embedder's files on this machine; only its process uses the network, and ends."""
    from daemon.embedding.client import Embedder  # loads NumPy, which no other command needs at once

    embedder = Embedder.for_model(name, allow_download=True)
    try:
        await embedder.info()
    finally:
        await embedder.stop()


def suggested(known: list[Known], memory: int) -> Known:
    """The first model, or the largest that leaves a third of the memory to everything else."""
    known = [one for one in known if not one.package]  # which would have to be installed first
    fitting = [one for one in known if one.memory_gb * GIB <= memory * 2 / 3]
    if known[0] in fitting or not memory:
        return known[0]
    return max(fitting, key=lambda one: one.memory_gb, default=min(known, key=lambda one: one.memory_gb))


def lines(settings: Settings, place: Home, model: Known, hardware: Hardware, free: int) -> list[str]:
    """The seven lines, each one thing to know."""
    at = f"http://127.0.0.1:{settings.config.port}/v1" if settings.config.port else "a free port"
    size = f"{format_bytes(model.bytes)} to download" if model.bytes else "a download"
    cores = counted(hardware.cores, "core")
    cards = ", ".join(f"{one.name} with {format_bytes(one.total)}" for one in hardware.cards)
    used = f" (llama.cpp uses it through {hardware.offload})" if hardware.cards and hardware.offload else ""
    return [
        f"[bold]Welcome to Tsubasa[/]. It answers at {at}; nothing that you tell it leaves this machine.",
        f"What you tell it is kept encrypted in {escape(str(place.path))}, with the memories it draws from it.",
        "At night it learns those memories. A night that makes it worse is refused; one command goes back.",
        f"It needs a model: {model.title} for real use, {size}, {model.memory_gb:g} GB of memory while it answers;",
        f"{_little_in_words()}or a GGUF file of yours.",
        "Or, for now, the bundled nano: it shows how everything works, and knows nothing of the world.",
        f"Here: {cores}, {format_bytes(hardware.memory)} of memory, {escape(cards or 'no graphics card')}{used}, "
        f"{format_bytes(free)} of disk free.",
    ]


def _little_in_words() -> str:
    """As one of the models to choose from; "" in a version that can't make it."""
    if not shipped_skills().is_file():
        return ""
    known = next(one for one in known_models() if one.skills)
    first = "" if has_little() else f", after pip install 'tsubasa[{LITTLE}]'"
    return f"{LITTLE}, {format_bytes(known.bytes or 0)}, to try it now{first} (it is small, and talks); "


def _announce(layout: str, serving: "Serving") -> None:
    """What a person needs to use the daemon; the key itself stays in its file."""
    url = serving.running.url
    if serving.is_nano:
        said = NANO + (OR_LITTLE if has_little() else "")
        if out.is_terminal:
            out.print(said)
        else:  # nobody reads along: it must be in the log
            logging.getLogger(__name__).warning(Text.from_markup(said).plain)
    out.print(f"[bold]Endpoint[/]  {escape(url)}/v1   (OpenAI-compatible; model name: tsubasa)")
    out.print(f"[bold]Key[/]       in {escape(str(serving.home.api_key))}")
    out.print(f"[bold]Model[/]     {escape(serving.model)}: {escape(str(serving.model_path))}")
    out.print(f"[bold]Answers[/]   {who_answers(serving.generation)}")
    if serving.further:
        out.print(f"[bold]Beside it[/] {escape(', '.join(serving.further))}: loaded when asked for by name")
    for why in serving.unusable:
        out.print(f"[yellow]{escape(why)}[/]")
    out.print(f"[bold]Computes[/]  {escape(layout)}")
    out.print("[bold]Page[/]      tsubasa open")
    out.print(f"[bold]Inbox[/]     drop chat exports into {escape(str(serving.home.inbox))}")
    out.print("Ready. Stop with Ctrl-C.")


class QuietFormatter(logging.Formatter):
    """Writes where an exception happened, and not what it said."""

    def formatException(self, ei: ExcInfo) -> str:
        """The frames and kinds of an exception and its causes, the last one first."""
        parts: list[str] = []
        error = ei[1]
        while error is not None and len(parts) < 10:
            where = "".join(traceback.format_tb(error.__traceback__))
            parts.append(f'{where}{type(error).__qualname__} (log_level = "debug" writes what it said, too)')
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return BECAUSE.join(parts)


def log_to_stderr(level: str) -> None:
    """Log from `level` on; what was said only at the level "debug"."""
    logging.basicConfig(
        level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    if level != "debug":
        leave_words_out()
    logging.getLogger("watchdog").setLevel(logging.WARNING)  # its debug lines name every file of the inbox


def leave_words_out(root: logging.Logger | None = None) -> None:
    """Have every handler of the root logger write exceptions so, in the format that it has."""
    for handler in (root or logging.getLogger()).handlers:
        form = handler.formatter._fmt if handler.formatter else None
        handler.setFormatter(QuietFormatter(form))
