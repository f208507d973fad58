"""
What every command needs: the options --home and --json, a client for the daemon, and the terminal to print to.

Texts of chats, memories and file names are shown with a sign in the place of each control character, so that none
can recolour, overwrite, turn or copy things. Bars appear on a terminal only, on stderr, and are gone afterwards.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.segment import Segment
from rich.table import Table

from daemon import home
from daemon.client.schemas.memories import ForgetPreview, ForgetReport, ImportDetail, ImportUndoReport
from daemon.client.schemas.nights import CurrentNight, MemoryWork
from daemon.home import Home
from daemon.profiles import registry
from daemon.text import TURNING, counted, generations, who_answers

Found = TypeVar("Found", MemoryWork, CurrentNight)

if TYPE_CHECKING:
    from rich.console import ConsoleOptions
    from rich.progress import Progress

    from daemon.client.client import Client

HomeFlag = Annotated[
    Path | None,
    typer.Option("--home", help="The folder that holds everything; else TSUBASA_HOME, else ~/.tsubasa."),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
PROFILE = "TSUBASA_PROFILE"  # what `tsubasa --profile` sets
LOOK_EVERY_S = 0.3
VISIBLE = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"} | {
    **TURNING,
    ord("\r"): None,  # ends lines of texts that come from Windows
    0x7F: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),  # of file names that are no UTF-8
}


ESCAPED = {
    code: f"\\u{code:04x}" for code in VISIBLE if code >= 0x7F
}  # in JSON, which escapes those below itself


class Terminal(Console):
    """A console whose own codes are the only ones."""

    def render(self, renderable: Any, options: "ConsoleOptions | None" = None) -> Iterable[Segment]:
        """The pieces of what is printed, without codes in their words."""
        for piece in super().render(renderable, options):
            yield piece if piece.control else Segment(harmless(piece.text), piece.style)


def harmless(text: str) -> str:
    """`text` with a sign in the place of each control character."""
    return text.translate(VISIBLE)


out = Terminal(highlight=False, soft_wrap=True)
err = Terminal(highlight=False, soft_wrap=True, stderr=True)


def chosen(flag: Path | None) -> Home:
    """The home that this command means: that of a profile, where one is named. Raises `DaemonError`."""
    main = home.where(os.environ, flag)
    name = os.environ.get(PROFILE)
    return main.profile(registry.find(main, name).name) if name else main


def daemon_at(flag: Path | None) -> "Client":
    """A client for the daemon of that home; that of a profile is started first. Raises `NotRunning`."""
    from daemon.client import client  # loads httpx, which no help text needs

    place = chosen(flag)
    if name := os.environ.get(PROFILE):
        with client.connect(home.where(os.environ, flag)) as main:
            main.start_profile(name)
    return client.connect(place)


def is_alone(context: typer.Context, json: bool, flag: Path | None) -> bool:
    """Whether a group was typed without a command below it, so that the group's own options are meant."""
    if context.invoked_subcommand is None:
        return True
    if json or flag is not None:
        option = "--json" if json else "--home"
        raise typer.BadParameter(f"Put {option} behind {context.invoked_subcommand!r}.")
    return False


def table(*columns: str) -> Table:
    """An empty table without lines around it; the last column takes the room that is left."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in columns[:-1]:
        made.add_column(name, no_wrap=True)
    made.add_column(columns[-1], ratio=1, overflow="fold")
    return made


def show(made: Table) -> None:
    """Print a table, wrapped to the window."""
    out.print(made, soft_wrap=False)


def as_json(found: Any, *, indent: int | None = 2) -> None:
    """Print what the daemon answered, for scripts; `indent` None: on one line. What terminals obey is escaped."""
    text = json.dumps(found, indent=indent, ensure_ascii=False)
    typer.echo(text.translate(ESCAPED))


def as_line(found: Any) -> None:
    """Print what the daemon answered as one line of JSON, for scripts and logs."""
    as_json(found, indent=None)


class Bar:
    """One thing that is waited for."""

    def __init__(self, progress: "Progress", what: str) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=None)

    def update(self, what: str, *, done: float | None = None, total: float | None = None) -> None:
        """Say how far it is; without a total the bar only moves."""
        self._progress.update(self._task, description=what, completed=done, total=total)


@contextmanager
def waiting(what: str, *, quiet: bool = False) -> Iterator[Bar]:
    """A bar while the block runs, or a clock where the end is not known; `quiet`: none."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    off = quiet or not err.is_terminal
    with Progress(*columns, console=err, transient=True, disable=off) as progress:
        yield Bar(progress, what)


def wait_for_job(
    look: Callable[[], Found], job_id: int, on_look: Callable[[Found], None] | None = None
) -> Found:
    """What `look` finds once the job is done, failed, waits for its next attempt, or gave way to another one."""
    while True:
        found = look()
        if on_look is not None:
            on_look(found)
        job = found["job"]
        if job is None or job["id"] != job_id or job["state"] in ("done", "failed") or job["error"]:
            return found
        time.sleep(LOOK_EVERY_S)


def format_counts(counts: Mapping[str, int]) -> str:
    """ "1 memory, 2 messages" of the counts of a report by their names in the plural."""
    ones = {"memories": "memory"}
    return ", ".join(counted(n, ones.get(many, many.removesuffix("s")), many) for many, n in counts.items())


def counts_of(report: ForgetReport | ImportUndoReport) -> dict[str, int]:
    """How much a report says was taken away."""
    return {
        "memories": report["memories"],
        "messages": report["messages"],
        "vectors": report["vectors"],
        "events": report["events"],
        "lessons": report["lessons"],
    }


def format_preview(found: ForgetPreview | ImportDetail) -> str:
    """What a preview says would go for good, in one or two sentences."""
    counts = {
        "memories": len(found["memories"]),
        "messages": found["messages"],
        "lessons": found["lessons"],
        "generations": len(found["generations"]),
    }
    text = f"This takes {format_counts(counts)}."
    if found["generations"]:
        have = "have" if len(found["generations"]) > 1 else "has"
        text += f" {generations(found['generations'])} {have} learned it and will answer no more."
    return text


def format_tainted(numbers: Sequence[int], now_live: int) -> str:
    """Which generations had learned what is gone now, and what answers in their place."""
    are, answer = ("are", "answer") if len(numbers) > 1 else ("is", "answers")
    return (
        f"{generations(numbers)} had learned it, {are} tainted and {answer} no more; "
        f"{who_answers(now_live)} answers until the next night."
    )
