"""
What a person sees while something takes more than a second: a bar where the end is known, else a clock.

Promises: only on a terminal, and on stderr, so that scripts and pipes get the result alone; gone when it is done.
Knows nothing of what is waited for.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from daemon.cli.terminal import Terminal

err = Terminal(stderr=True, highlight=False)


class Bar:
    """One thing that is waited for."""

    def __init__(self, shown: Progress, what: str) -> None:
        self._shown = shown
        self._task = shown.add_task(what, total=None)

    def tell(self, what: str, *, done: float | None = None, total: float | None = None) -> None:
        """Say how far it is; without a total the bar only moves."""
        self._shown.update(self._task, description=what, completed=done, total=total)


@contextmanager
def waiting(what: str, *, quiet: bool = False) -> Iterator[Bar]:
    """A bar while the block runs; `quiet`: none."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    off = quiet or not err.is_terminal
    with Progress(*columns, console=err, transient=True, disable=off) as shown:
        yield Bar(shown, what)
