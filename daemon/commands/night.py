"""
`tsubasa night`: train a new generation now, and watch it.
"""

import time
from typing import Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from daemon.client import Client
from daemon.commands.shared import HomeFlag, daemon_at, out

LOOK_EVERY_S = 0.5


def night(home_flag: HomeFlag = None) -> None:
    """Run a night now: lessons, training, exam, and a new generation if it passes."""
    with daemon_at(home_flag) as client:
        ordered = client.night()
        ended = watch(client, ordered["id"])
    if ended["job"]["state"] == "failed" or ended["last"] is None:
        out.print(f"[red]The night failed:[/] {escape(ended['job']['error'] or 'the daemon was restarted')}")
        raise typer.Exit(1)
    report = ended["last"]
    verdict = (
        f"Generation {report['generation']} is live." if report["adopted"] else "The live generation stays."
    )
    out.print(f"{verdict} {escape(report['reason'])}")
    swap = "" if report["swap_ms"] is None else f", swap {report['swap_ms']:.1f} ms"
    out.print(
        f"{report['lessons']} lessons, {report['train_s']:.0f} s of training, {report['total_s']:.0f} s{swap}"
    )


def watch(client: Client, job_id: int) -> dict[str, Any]:
    """Show a bar until the job is done, failed, or waits for its next attempt; what the daemon says then."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out) as bar:
        shown = bar.add_task("waiting for its turn", total=None)
        while True:
            found = client.nights()
            job, progress = found["job"], found["progress"]
            if progress:
                bar.update(
                    shown,
                    description=progress["note"] or progress["unit"],
                    total=progress["total"] or None,
                    completed=progress["done"],
                )
            if job["id"] != job_id or job["state"] in ("done", "failed") or job["error"]:
                return found
            time.sleep(LOOK_EVERY_S)
