"""
The first `tsubasa up` of a home: six lines on what will happen, and one question: a real model, or nano for now.
"""

import shutil

import typer
from rich.markup import escape

from daemon.cli.output import out
from daemon.cli.pull import at_terminal, choose, have
from daemon.config import edit_file
from daemon.config.settings import Settings
from daemon.downloads.model_source import Known, known_models, read_source
from daemon.errors import DaemonError
from daemon.hardware.offload_plan import Hardware, look
from daemon.home import Home
from daemon.text import counted, format_bytes

GIB = 2**30


def is_first(settings: Settings) -> bool:
    """Whether nobody has said yet which model answers, and somebody sits there who can."""
    return settings.origin["model"] == "default" and at_terminal()


def welcome(settings: Settings, place: Home) -> None:
    """Explain, ask, and do what is chosen; config.toml remembers it. A download that fails leaves nano for now."""
    hardware = look()
    model = suggested(known_models(), hardware.memory)
    for line in lines(settings, place, model, hardware, shutil.disk_usage(place.path).free):
        out.print(line)
    answer = ""
    while answer not in ("y", "n", "q"):
        asked = f"Download {model.title} now? [y = yes, n = nano for now, q = quit]"
        answer = typer.prompt(asked).strip().lower()[:1]
    if answer == "q":
        raise typer.Exit(0)
    if answer == "n":
        edit_file.set_key(place.config, "model", "")
        out.print("nano, then. A real model at any time: [bold]tsubasa pull[/]")
        return
    try:
        choose(place, have(place, read_source(model.name)), yes=True)
    except DaemonError as error:
        out.print(f"[red]{escape(str(error))}[/]")
        out.print("nano answers for now. Try again at any time: [bold]tsubasa pull[/]")


def suggested(known: list[Known], memory: int) -> Known:
    """The first model, or the largest that leaves a third of the memory to everything else."""
    fitting = [one for one in known if one.memory_gb * GIB <= memory * 2 / 3]
    if known[0] in fitting or not memory:
        return known[0]
    return max(fitting, key=lambda one: one.memory_gb, default=min(known, key=lambda one: one.memory_gb))


def lines(settings: Settings, place: Home, model: Known, hardware: Hardware, free: int) -> list[str]:
    """The six lines, each one thing to know."""
    at = f"http://127.0.0.1:{settings.config.port}/v1" if settings.config.port else "a free port"
    size = f"{format_bytes(model.bytes)} to download" if model.bytes else "a download"
    cores = counted(hardware.cores, "core")
    cards = ", ".join(f"{one.name} with {format_bytes(one.total)}" for one in hardware.cards)
    used = f" (llama.cpp uses it through {hardware.offload})" if hardware.cards and hardware.offload else ""
    return [
        f"[bold]Welcome to Tsubasa[/]. It answers at {at}; nothing that you tell it leaves this machine.",
        f"What you tell it is kept encrypted in {escape(str(place.path))}, with the memories it draws from it.",
        "At night it learns those memories. A night that makes it worse is refused; one command goes back.",
        f"It needs a model: {model.title}, {size}, {model.memory_gb:g} GB of memory while it answers.",
        "Or, for now, the bundled nano: it shows how everything works, and knows nothing of the world.",
        f"Here: {cores}, {format_bytes(hardware.memory)} of memory, {escape(cards or 'no graphics card')}{used}, "
        f"{format_bytes(free)} of disk free.",
    ]
