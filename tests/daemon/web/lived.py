"""
A daemon in a process of its own, with half a year of a person in its store, for a browser to look at.

    python -m tests.daemon.web.lived FOLDER [empty] [small] [downloads]  prints its address; serves until its input ends
    small: no file above 1 MiB is imported; downloads: the embedder may be fetched
    a line on its input: "night N": a night has come to step N of its training; "morning": it is over;
    "break": the store is closed
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daemon.engine.client import Completion
from daemon.memory.indexing import index_missing
from daemon.night.loss_curve import NightProgress
from daemon.night.night_job import Nights
from daemon.progress import Progress
from tests.daemon.api.world import serving
from tests.daemon.web.life import curve, live
from tests.fakes import FakeEngine
from tests.whole.house import ROOT

SAYS = "I do not know where you live."


class Telling(FakeEngine):
    """Answers a question at once, the same whoever is asked."""

    async def complete(self, *args: object, **named: object) -> Completion:
        return Completion(text=SAYS, finish="stop", prompt_tokens=9, completion_tokens=8)


async def serve(folder: Path, *, is_empty: bool, **config: Any) -> None:
    """Serve until the input is closed."""
    async with serving(folder, Telling(), **config) as world:
        if not is_empty:
            await world.store_thread.run(live)
            await index_missing(world.store_thread, world.services.embedder)
        sys.stdout.write(world.url + "\n")
        sys.stdout.flush()
        while order := (await asyncio.to_thread(sys.stdin.readline)).split():
            if order[0] == "break":
                await world.store_thread.close()
            else:
                _night(world.services.nights, int(order[1]) if order[0] == "night" else 0)


def _night(nights: Nights, step: int) -> None:
    nights.progress = NightProgress()
    for number, loss in curve(3)["train"][:step]:  # type: ignore[index]
        nights.progress.note(Progress(done=number, total=180, unit="steps", note="learning", loss=loss))


@contextmanager
def lived(folder: Path, *more: str) -> Iterator[tuple[str, Callable[[str], None]]]:
    """The address of such a daemon, and a way to give it orders."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.daemon.web.lived", str(folder), *more],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stdin
    orders = process.stdin

    def order(line: str) -> None:
        orders.write(line + "\n")
        orders.flush()

    try:
        yield process.stdout.readline().strip(), order
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(30)


if __name__ == "__main__":
    asyncio.run(
        serve(
            Path(sys.argv[1]),
            is_empty="empty" in sys.argv,
            max_import_mb=1 if "small" in sys.argv else 256,
            downloads="downloads" in sys.argv,
        )
    )
