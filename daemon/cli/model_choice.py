"""
What `tsubasa pull` and the first `tsubasa up` share: fetch a model before the user's eyes, check it, write it into
config.toml.
"""

import os
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape

from daemon import home
from daemon.cli.output import out
from daemon.config import edit_file
from daemon.home import Home
from daemon.text import format_bytes

if TYPE_CHECKING:
    from daemon.downloads.model_source import Source
    from daemon.downloads.resumable import Fetched, Progress

TENTHS = 10  # of a download, told one by one where no bar can be shown


def at_terminal() -> bool:
    """Whether a person sits there who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def have(place: Home, source: "Source", *, sha256: str | None = None, hosts: Collection[str] = ()) -> Path:
    """
    Fetch a model, or find it here; then see that it works. A download that is no use is removed.

    Raises:
        PullError: it could not be had.
        DaemonError: it can't be served.
    """
    from daemon.downloads.pull import pull

    try:
        with _bar() as tell:
            fetched = pull(source, place, environment=os.environ, tell=tell, sha256=sha256, hosts=hosts)
    except KeyboardInterrupt:
        out.print("Stopped. What came so far is kept: the same command goes on from there.")
        raise typer.Exit(130) from None
    _tell_fetched(fetched, is_ours=fetched.file.parent == place.models)
    _check(fetched, place)
    return fetched.file


def choose(place: Home, file: Path, *, yes: bool = False) -> None:
    """Let config.toml name `file`; ask first when it names another model."""
    before = edit_file.read_key(place.config, "model")
    if before and before != str(file) and not yes:
        out.print(f"{escape(str(place.config))} names another model: {escape(str(before))}")
        if not at_terminal():
            out.print("It was left as it is. To change it, give the same command with --yes.")
            return
        if not typer.confirm("Use the new one from the next start on?", default=True):
            out.print("It was left as it is.")
            return
    edit_file.set_key(place.config, "model", str(file))
    out.print(f"Chosen: {escape(str(file))}, in {escape(str(place.config))}")
    if os.environ.get("TSUBASA_MODEL"):
        out.print("[yellow]TSUBASA_MODEL is set in this environment and still counts more.[/]")
    if before != str(file):
        out.print("Generations belong to the model they were trained on; memories stay with you.")
    running = home.running(place) is not None
    out.print(
        "It answers once the daemon is started again: tsubasa up" if running else "Start with: tsubasa up"
    )


def _tell_fetched(fetched: "Fetched", *, is_ours: bool) -> None:
    where = escape(str(fetched.file))
    if fetched.was_here:
        out.print(f"{where} is here already." if is_ours else f"{where} stays where it is.")
    else:
        out.print(f"Fetched {where}, {format_bytes(fetched.file.stat().st_size)}")
    if fetched.proved_by:
        out.print(f"sha256 {fetched.sha256}, as {escape(fetched.proved_by)} says.")
    elif is_ours:
        out.print(
            f"[yellow]Nobody told a checksum, so that it could not be proved.[/] Compare it with its publisher's: "
            f"sha256 {fetched.sha256}"
        )


def _check(fetched: "Fetched", place: Home) -> None:
    import asyncio

    from daemon.engine.check_model import check
    from daemon.engine.errors import ArchitectureUnsupported, ModelNotGguf, ModelTruncated, TemplateMissing
    from daemon.errors import TalksNoise, TemplateDeaf, TokenizerUnfit

    useless = (
        ArchitectureUnsupported,
        ModelNotGguf,
        ModelTruncated,
        TemplateMissing,
        TalksNoise,
        TemplateDeaf,
        TokenizerUnfit,
    )
    out.print("Checking it: header, tokenizer, chat template, a first answer …")
    try:
        found = asyncio.run(check(fetched.file))
    except useless:
        if not fetched.was_here and fetched.file.parent == place.models:
            fetched.file.unlink(missing_ok=True)
            out.print(f"Removed {escape(str(fetched.file))}: it is of no use here.")
        raise
    out.print(
        f"It works: {escape(found.name)}, {found.architecture}, made for {found.n_ctx:,} tokens; asked for a name it "
        f"said {escape(repr(found.said[:80]))}, at {found.tokens_per_s:.0f} tokens/s."
    )


@contextmanager
def _bar() -> Iterator[Callable[[str, "Progress"], None]]:
    """Tells how far a download is: a bar on a terminal, else a line for each tenth."""
    if not out.is_terminal:
        yield _lines()
        return
    from rich import progress as rich

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.DownloadColumn(),
        rich.TransferSpeedColumn(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=out, transient=True) as bars:
        task = bars.add_task("Asking …", total=None, visible=False)

        def tell(name: str, step: "Progress") -> None:
            bars.update(task, description=escape(name), completed=step.done, total=step.total, visible=True)
            if step.note:
                bars.print(escape(step.note))

        yield tell


def _lines() -> Callable[[str, "Progress"], None]:
    last = -1

    def tell(name: str, step: "Progress") -> None:
        nonlocal last
        if step.note:
            out.print(escape(step.note))
        tenth = step.done * TENTHS // step.total if step.total else 0
        if tenth != last:
            last = tenth
            of = f" of {format_bytes(step.total)}" if step.total else ""
            out.print(f"{escape(name)}: {format_bytes(step.done)}{of}")

    return tell
