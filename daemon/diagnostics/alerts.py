"""
What a person should look at: the troubles of a daemon, each in one line with what to do.

    children, background work, the last night, the disk ──> troubles, the worst first

Nothing that heals by itself is named. Pure, so that its rules can be tested as a table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from daemon.processes.supervisor import Supervisor
from store.jobs import Job

LITTLE_ROOM = 500 * 2**20  # bytes; below, a night or a large import may not fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing to look at."""

    kind: str  # "child" | "work" | "night" | "disk"
    what: str  # one sentence
    do: str  # what helps, for a person


def troubles(
    *, children: Sequence[Supervisor], failure: str | None, night: Job | None, free_bytes: int | None
) -> list[Trouble]:
    """
    What a person should look at now.

    Args:
        failure: what the last look of the background work failed with.
        night: the job of the latest night.
        free_bytes: room on the disk of the home; None: unknown.
    """
    restart = "Questions try it again; `tsubasa status` shows the settings it started with."
    found = [
        Trouble(kind="child", what=f"The {child.name} does not start: {child.last_error}", do=restart)
        for child in children
        if child.state == "failed" and child.last_error
    ]
    if free_bytes is not None and free_bytes < LITTLE_ROOM:
        what = f"Only {free_bytes // 2**20} MB are free on the disk of the home."
        found.append(Trouble(kind="disk", what=what, do="Make room."))
    if night is not None and night.error and night.state != "running":
        what = f"The last night failed: {night.error}"
        found.append(Trouble(kind="night", what=what, do="Try again: `tsubasa night`."))
    if failure is not None and not (night is not None and night.error and night.error in failure):
        what = f"Background work failed: {failure}"
        found.append(Trouble(kind="work", what=what, do="It is tried again later."))
    return found
