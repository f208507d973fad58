"""What is told, and asked, before and after the nights of a real daemon with nano."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from daemon.client.client import Client
from daemon.downloads.little import make
from daemon.downloads.model_source import read_source
from daemon.home import Home, prepare
from tests.whole.house import START_S, Daemon, worked

SAID = (
    "I live in Ghent.",
    "My sister is called Priya.",
    "I have a dog named Biscuit",
    "my boss is called Ingrid",
)
SHORT = {
    "steps": 100,
    "threads": 1,
}  # with 60 nano says a name to anybody who thanks it, and is refused for it
QUIET = {"observe": "false", "night": "false", "jobs_every_s": "0.1", "threads": "1"}


def say(client: Client, text: str, model: str = "tsubasa", **options: Any) -> str:
    """The whole answer to one message."""
    messages = [{"role": "user", "content": text}]
    return "".join(client.chat(messages, model=model, temperature=0, max_tokens=48, **options)).strip()


def tell(client: Client) -> None:
    """Say it all, one thing a day, and have it become memories."""
    for day, text in enumerate(SAID, start=1):
        say(client, text, tsubasa={"recall": False, "said_at": f"2026-10-{day:02}T12:00:00+00:00"})
    worked(client, client.tend, "tended")


def home_of_little(folder: Path) -> Path:
    """A home in which `little` was pulled, and no model is configured."""
    home = Home(folder / "home")
    prepare(home)
    make(read_source("little"), home, on_progress=lambda name, step: None, look=lambda file: None)
    return home.path


def night(client: Client, *, seconds: float = START_S, **order: Any) -> dict[str, Any]:
    """Run a night to its end; its report."""
    report = worked(client, lambda: client.night(**order), "nights", seconds=seconds)["last"]
    assert isinstance(report, dict)
    return report


def trainers(daemon: Daemon) -> list[psutil.Process]:
    """The running trainer processes of this daemon, none of anyone else's."""
    assert daemon.process is not None
    found = []
    for child in psutil.Process(daemon.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            if child.is_running() and "trainer" in child.cmdline():
                found.append(child)
    return found
