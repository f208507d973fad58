"""
`tsubasa generations`: what the nights made, which one answers, and one taken out as a file.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from daemon.atomic_file import is_there, whole
from daemon.cli.output import HomeFlag, JsonFlag, as_json, daemon_at, is_alone, out, show, table, waiting
from daemon.client.schemas.nights import Comparison, Exam
from daemon.client.schemas.status import Model
from daemon.errors import DaemonError, file_taken
from daemon.text import counted, who_answers

if TYPE_CHECKING:
    from daemon.generations.export_gguf import Merged

cli = typer.Typer(
    help="What the nights made, and which one answers. For example: tsubasa generations show 3",
    no_args_is_help=False,
)
Number = Annotated[int, typer.Argument(metavar="N", min=0, help="Its number; 0 is the base model.")]
Second = Annotated[int, typer.Argument(metavar="M", min=0, help="The other one.")]
PARTS = {
    "facts": "knows without recall",
    "grounded": "uses memories recalled for a question",
    "stale": "doesn't tell what holds no more",
    "abstain": "says so when it doesn't know",
    "general": "talks like the base",
    "knowledge": "still knows the world",
    "instructions": "still does as it is told",
    "likeness": "finds likely what the base says",
    "canary": "speaks as it should",
}


@cli.callback(invoke_without_command=True)
def every(context: typer.Context, json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """What the nights made, and which one answers. Without a command: list."""
    if is_alone(context, json, home_flag):
        listed(json=json, home_flag=home_flag)


@cli.command("list")
def listed(json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """List all generations, for example: tsubasa generations list"""
    with daemon_at(home_flag) as client:
        found = client.generations()
    if json:
        return as_json(found)
    shown = table("", "no.", "made", "state", "lessons", "facts", "reason")
    shown.add_row(_mark(found["live"] == 0), "0", "", "base model", "", "", "")
    for one in found["generations"]:
        asked = one["exam"].get("parts", {}).get("facts", {})
        why = (
            f"can't answer: {one['why_not']}"
            if one["why_not"] and one["state"] in ("adopted", "tainted")
            else one["reason"]
        )
        shown.add_row(
            _mark(one["id"] == found["live"]),
            str(one["id"]),
            one["made_at"][:10],
            one["state"],
            str(one["lesson_count"]),
            _percent(asked.get("candidate")),
            escape(why),
            style=None if one["why_not"] is None else "dim",
        )
    show(shown)


@cli.command("show")
def one(number: Number, json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """Show a generation's exam, lessons and what it learned, for example: tsubasa generations show 3"""
    with daemon_at(home_flag) as client:
        found = client.generation(number)
    if json:
        return as_json(found)
    made = found["generation"]
    out.print(
        f"[bold]Generation {number}[/], {made['state']} on {made['made_at'][:10]}: {escape(made['reason'])}"
    )
    if made["why_not"]:
        out.print(f"[yellow]It can't answer: {escape(made['why_not'])}.[/]")
    _show_exam(made["exam"])
    kinds = ", ".join(f"{one['train']} + {one['exam']} {one['kind']}" for one in found["lessons"])
    out.print(f"\n[bold]Lessons[/] (to learn from + for the exam): {kinds or 'none are left'}")
    lineage = found["lineage"]
    gone = lineage["forgotten_lessons"]
    forgotten = f"; {gone} of its lessons {'was' if gone == 1 else 'were'} forgotten since" if gone else ""
    out.print(f"[bold]Learned from[/] {counted(lineage['memories'], 'memory', 'memories')}{forgotten}")
    for memory in found["learned"]:
        out.print(f"  [dim]{memory['id']:>4}[/]  {escape(memory['line'])}")
    for missed in found["missed"]:
        wanted = f", not {missed['wanted']!r}" if missed["wanted"] else ""
        out.print(
            f"  [yellow]missed[/] {escape(missed['question'])} [dim]{escape(repr(missed['said']) + wanted)}[/]"
        )
    if found["night"]:
        out.print(f"[dim]Made in night {found['night']}: tsubasa night report {found['night']}[/]")


@cli.command()
def compare(
    a: Number,
    b: Second,
    ask: Annotated[
        list[str] | None,
        typer.Option("--ask", metavar="QUESTION", help="Have both answer it; may be repeated."),
    ] = None,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """Compare two generations by their exams, for example: tsubasa generations compare 2 3 --ask "Where do I live?" """
    with daemon_at(home_flag) as client:
        found = client.compare(a, b)
        answers = [
            {"question": one, "a": client.ask(a, one)["answer"], "b": client.ask(b, one)["answer"]}
            for one in ask or []
        ]
    if json:
        return as_json({**found, "answers": answers})
    for name, why in found["why_not"].items():
        out.print(f"[yellow]Generation {name} can't answer here: {escape(why)}.[/]")
    _show_parts(found, a, b)
    for only, number in ((found["only_a"], a), (found["only_b"], b)):
        if only:
            out.print(f"\n[bold]Only {who_answers(number)} learned[/]")
        for memory in only:
            out.print(f"  [dim]{memory['id']:>4}[/]  {escape(memory['line'])}")
    for one in answers:
        out.print(f"\n[bold]{escape(one['question'])}[/]")
        out.print(f"  {who_answers(a):>14}  {escape(one['a'])}\n  {who_answers(b):>14}  {escape(one['b'])}")


@cli.command()
def use(generation: Number, json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """Let a generation answer from now on; 0 is the base model. For example: tsubasa generations use 3"""
    with daemon_at(home_flag) as client:
        found = client.use(generation)
    if json:
        return as_json(found)
    out.print(f"{who_answers(found['live']).capitalize()} answers.")


@cli.command()
def rollback(json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """
    Go back to the generation before the live one, and from the first to the base model.

    For example: tsubasa generations rollback
    """
    with daemon_at(home_flag) as client:
        found = client.rollback()
    if json:
        return as_json(found)
    out.print(
        f"{who_answers(found['live']).capitalize()} answers now, and stays until a night makes a better one; "
        f"generation {found['was_live']} is kept: tsubasa generations use {found['was_live']}"
    )


@cli.command()
def export(
    number: Annotated[int, typer.Argument(metavar="N", min=0, help="The generation's number.")],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE.gguf]", help="Where its adapter is written.", show_default=False),
    ] = None,
    merged: Annotated[
        Path | None,
        typer.Option(
            "--merged",
            metavar="OUT.gguf",
            help="Write base and adapter as one file for any llama.cpp program.",
        ),
    ] = None,
    exact_types: Annotated[
        bool,
        typer.Option(
            "--exact-types",
            help="With --merged: as small as the base, though that loses some of what was learned.",
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """Take a generation out, for example: tsubasa generations export 3 --merged mine.gguf"""
    adapter_file = file or (None if merged else Path(f"tsubasa-generation-{number}.gguf"))
    files = [one for one in (adapter_file, merged) if one]
    _check_free(files, force=force)
    with daemon_at(home_flag) as client:
        adapter = client.adapter(number)
        model = client.status()["model"]
    for one in files:
        if _is_same(one, Path(model["path"])):
            raise DaemonError(
                f"Did not write {str(one)!r}: it is the model that is served, and every adapter needs it. "
                "Choose another name."
            )
    found: dict[str, Any] = {"generation": number}
    if adapter_file:
        with whole(adapter_file, force=force) as written:
            written.write(adapter)
        found["adapter"] = {"file": str(adapter_file), "bytes": len(adapter)}
    if merged:
        done = _merge(model, adapter, merged, number, exact_types, quiet=json)
        found["merged"] = {
            "file": str(merged),
            "bytes": done.bytes,
            "changed": done.changed,
            "finer": done.finer,
        }
    if json:
        return as_json(found)
    _show_files(found)


def _check_free(files: list[Path], *, force: bool) -> None:
    if len(files) == 2 and _is_same(*files):
        raise DaemonError(
            f"Did not write {str(files[1])!r}: the adapter and the merged model can't be one file. "
            "Choose another name for one of them."
        )
    for one in files:
        if is_there(one) and not force:
            raise file_taken(one)


def _show_exam(exam: Exam) -> None:
    if not exam.get("parts"):
        return
    shown = table("exam", "asked", "it", "live then", "base", "")
    for part, one in exam["parts"].items():
        who = (_percent(share) for share in (one.get("candidate"), one.get("live"), one.get("base")))
        shown.add_row(part, str(one.get("asked", "")), *who, f"[dim]{PARTS.get(part, '')}[/]")
    out.print()
    show(shown)
    if (drift := exam.get("drift")) is not None:
        out.print(f"[dim]What the base says is to it {drift:+.2f} nats per token less likely.[/]")
    won = exam.get("compared", {}).get("facts")
    if won:
        out.print(
            f"[dim]Beside what was live then: {won['difference']:+.0%}, and with 95 % certainty at least "
            f"{won['low']:+.0%}.[/]"
        )


def _show_parts(found: Comparison, a: int, b: int) -> None:
    shown = table("exam", who_answers(a), who_answers(b), "the same questions", "")
    for part, one in found["parts"].items():
        same = (
            f"{one['both']}: {_percent(one['same_a'])}, {_percent(one['same_b'])}" if one["both"] else "none"
        )
        shown.add_row(
            part,
            f"{_percent(one['a'])} of {one['asked_a']}",
            f"{_percent(one['b'])} of {one['asked_b']}",
            same,
            f"[dim]{PARTS.get(part, '')}[/]",
        )
    if found["parts"]:
        show(shown)
    else:
        out.print("Neither has an exam with single marks, so there is nothing to compare.")
    for asked in found["differing"]:
        winner = who_answers(a if asked["a"] > asked["b"] else b)
        out.print(f"  only {winner}: {escape(asked['question'])}  [dim]{escape(asked['wanted'])}[/]")


def _mark(is_live: bool) -> str:
    return "[green]*[/]" if is_live else ""


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _is_same(file: Path, other: Path) -> bool:
    """Whether both names lead to one file, also by a link, and also where there is none yet."""
    if is_there(file) and is_there(other):
        return file.samefile(other)
    return os.path.realpath(file) == os.path.realpath(other)  # goes through links in a circle, too


def _merge(
    model: Model,
    adapter: bytes,
    merged: Path,
    number: int,
    exact_types: bool,
    *,
    quiet: bool,
) -> "Merged":
    from daemon.generations import export_gguf

    with waiting("merging", quiet=quiet) as bar:
        return export_gguf.merge(
            Path(model["path"]),
            adapter,
            merged,
            sha256=model["sha256"],
            says=export_gguf.of_generation(number),
            types="same" if exact_types else "finer",
            on_progress=lambda done, total: bar.update("merging", done=done, total=total),
        )


def _show_files(found: dict[str, Any]) -> None:
    if one := found.get("adapter"):
        out.print(
            f"{escape(one['file'])}: the adapter of generation {found['generation']}, {one['bytes']:,} bytes."
        )
    if one := found.get("merged"):
        finer = f", {one['finer']} of its {one['changed']} changed matrices in 6 bits" if one["finer"] else ""
        out.print(
            f"{escape(one['file'])}: base and generation {found['generation']} in one, {one['bytes']:,} bytes{finer}."
        )
    out.print(
        "[yellow]It holds what you told, unencrypted, and is readable by you alone: "
        "who has it can ask it about you.[/]"
    )
