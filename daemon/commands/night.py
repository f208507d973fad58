"""
`tsubasa night`: train a new generation now, and watch it.
"""

import time
from collections.abc import Mapping
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
    report = report_of(ended, ordered["id"])
    if report is None:
        out.print(f"[red]The night failed:[/] {escape(why_none(ended))}")
        raise typer.Exit(1)
    verdict = (
        f"Generation {report['generation']} is live." if report["adopted"] else "The live generation stays."
    )
    out.print(f"{verdict} {escape(report['reason'])}")
    swap = "" if report["swap_ms"] is None else f", swap {report['swap_ms']:.1f} ms"
    out.print(
        f"{report['lessons']} lessons, {report['train_s']:.0f} s of training, {report['total_s']:.0f} s{swap}"
    )


def report_of(ended: Mapping[str, Any], job_id: int) -> dict[str, Any] | None:
    """The report of the night that was ordered; None when that one did not come to its end."""
    job, report = ended["job"], ended["last"]
    is_done = job["id"] == job_id and job["state"] == "done"
    return report if is_done and report is not None and report["job"] == job_id else None


def why_none(ended: Mapping[str, Any]) -> str:
    """Why there is no report, for a person."""
    return str(ended["job"]["error"] or "the daemon was restarted, or another night was ordered since")


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
