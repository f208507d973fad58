"""
`tsubasa night`: train a new generation now, and watch it; and the reports of past nights.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from daemon.cli import night_report
from daemon.cli.output import (
    HomeFlag,
    JsonFlag,
    as_line,
    daemon_at,
    is_alone,
    out,
    show,
    table,
    wait_for_job,
    waiting,
)
from daemon.client.report_text import foretold
from daemon.client.schemas.nights import CurrentNight, LastNight, NightReport
from daemon.text import counted, gave_way

if TYPE_CHECKING:
    from daemon.client.client import Client

cli = typer.Typer(
    help="Run a night now; or read what past ones did, for example: tsubasa night report",
    no_args_is_help=False,
)


@cli.callback(invoke_without_command=True)
def night(
    context: typer.Context,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Only say what a night would cost; measures this machine once.")
    ] = False,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """Run a night now: lessons, training, exam, and a new generation if it passes. Or read a report."""
    if not is_alone(context, json, home_flag):
        return
    if estimate:
        return _estimate(json, home_flag)
    with daemon_at(home_flag) as client:
        ordered = client.night()
        ended = watch(client, ordered["id"], quiet=json)
    report = report_of(ended, ordered["id"])
    if json:
        as_line(ended)
        raise typer.Exit(0 if report else 1)
    if report is None:
        out.print(f"[red]The night failed:[/] {escape(why_none(ended))}")
        raise typer.Exit(1)
    verdict = (
        f"Generation {report['generation']} is live." if report["adopted"] else "The live generation stays."
    )
    out.print(f"{verdict} {escape(report['reason'])}")
    if not report["lessons"]:
        return
    swap = "" if report["swap_ms"] is None else f", swap {report['swap_ms']:.1f} ms"
    lessons = counted(report["lessons"], "lesson")
    out.print(f"{lessons}, {report['train_s']:.0f} s of training, {report['total_s']:.0f} s{swap}")
    if report["generation"] is not None:
        out.print("[dim]What it learned, corrected and missed: tsubasa night report[/]")


def _estimate(json: bool, home_flag: Path | None) -> None:
    with daemon_at(home_flag) as client, waiting("measuring this machine", quiet=json):
        found = client.night_estimate(measure=True)
    if json:
        return as_line(found)
    out.print(escape(foretold(found)))


@cli.command("report")
def reported(
    number: Annotated[
        int | None,
        typer.Argument(
            metavar="[N]", min=1, help="The night's number; the latest without one.", show_default=False
        ),
    ] = None,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """Read the morning report of a night, for example: tsubasa night report 3"""
    with daemon_at(home_flag) as client:
        found = client.report(number)
    if json:
        return as_line(found)
    night_report.show(out, found)


@cli.command("list")
def listed(json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """List the last nights and what became of each, for example: tsubasa night list"""
    with daemon_at(home_flag) as client:
        found = client.past_nights()
    if json:
        return as_line(found)
    if not found["nights"]:
        out.print("There was no night yet. Run one with: tsubasa night")
        return
    shown = table("no.", "began", "outcome", "made", "learned", "time", "why")
    for one in found["nights"]:
        colour = night_report.COLOURS[one["outcome"]]
        total = one["cost"].get("total_s")
        shown.add_row(
            str(one["night"]),
            night_report.moment(one["began_at"]),
            f"[{colour}]{one['outcome']}[/]",
            str(one["generation"] or ""),
            str(len(one["learned"]) + len(one["corrected"])),
            night_report.duration(total) if total is not None else "",
            escape(_why(one)),
        )
    show(shown)


def _why(one: NightReport) -> str:
    """What the night's exam said, or why there was none; and whether what it made answers no more."""
    return ". ".join(
        filter(None, [one["reason"], gave_way(one["gave_way_to"] or 0) if night_report.is_gone(one) else ""])
    )


def report_of(ended: CurrentNight, job_id: int) -> LastNight | None:
    """The report of the night that was ordered; None when that one did not come to its end."""
    job, report = ended["job"], ended["last"]
    is_done = job is not None and job["id"] == job_id and job["state"] == "done"
    return report if is_done and report is not None and report["job"] == job_id else None


def why_none(ended: CurrentNight) -> str:
    """Why there is no report, for a person."""
    job = ended["job"]
    return str((job and job["error"]) or "the daemon was restarted, or another night was ordered since")


def watch(client: "Client", job_id: int, *, quiet: bool = False) -> CurrentNight:
    """Show a bar until the job is done, failed, or waits for its next attempt; what the daemon says then."""
    with waiting("waiting for its turn", quiet=quiet) as bar:

        def show_progress(found: CurrentNight) -> None:
            if progress := found["progress"]:
                note = progress["note"] or progress["unit"]
                bar.update(note, done=progress["done"], total=progress["total"] or None)

        return wait_for_job(client.nights, job_id, show_progress)
