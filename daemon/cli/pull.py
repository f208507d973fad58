"""
`tsubasa pull`: have a model on this machine, see that it works, and choose it for the next start.

With --json it says the same in one line of JSON a step, for the page and for scripts.
"""

import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from daemon import home
from daemon.cli.output import HomeFlag, JsonFlag, as_json, as_line, chosen, out, show, table
from daemon.config import edit_file, settings
from daemon.engine.measured import Measured, note
from daemon.home import Home
from daemon.text import can_learn, format_bytes, what_model

if TYPE_CHECKING:
    from daemon.downloads.model_source import Skilled, Source
    from daemon.downloads.pull import Downloaded
    from daemon.engine.check_model import Checked
    from daemon.progress import Progress

FIRST = "qwen3-4b"  # of the table
WITHOUT_NIGHTS = " Memories are drawn from chats and recalled all the same; nights wait for a model that can."
TOLD_EVERY_S = 0.3  # in lines of JSON
TENTHS = 10  # of a download, one line each where no bar can be shown


def pull(
    model: Annotated[
        str,
        typer.Argument(
            help="A known name, OWNER/REPOSITORY[/FILE.gguf] of the hub, https://…, or a file here."
        ),
    ] = FIRST,
    list_known: Annotated[bool, typer.Option("--list", help="List the models known by name.")] = False,
    sha256: Annotated[
        list[str] | None,
        typer.Option(
            help="What the file must be; it is refused otherwise. One for each part of a split model."
        ),
    ] = None,
    host: Annotated[
        list[str] | None, typer.Option(help="A host to which the download may be sent on; may be repeated.")
    ] = None,
    skills: Annotated[
        Path | None,
        typer.Option(help="Skills of this model, as models/skills makes them: they are merged into it."),
    ] = None,
    use: Annotated[
        bool, typer.Option("--use/--no-use", help="Choose the model for the next `tsubasa up`.")
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before another model is replaced.")] = False,
    json_out: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Fetch a chat model (GGUF), check that it works here, and choose it for `tsubasa up`.

    Interrupted? The same command goes on where it ended.

    For example: tsubasa pull qwen3-4b
    """
    from daemon.downloads.model_source import Skilled, read_sha256, read_source

    if list_known:
        _list(json_out)
        return
    out.quiet = json_out
    if skills and not skills.is_file():
        raise typer.BadParameter(f"There is no file {str(skills)!r}.")
    source, wanted = read_source(model), [read_sha256(one) for one in sha256 or ()]
    place = chosen(home_flag)
    home.prepare(place)
    if use:
        edit_file.read_key(
            place.config, "model"
        )  # a broken config.toml is reported before gigabytes are fetched
    file = have(place, source, sha256=wanted, hosts=host or [], json=json_out)
    if skills:
        made_of = Skilled(name=f"{file.stem}-skills", base=file, skills=skills.absolute(), types="finer")
        file = have(place, made_of, json=json_out)
    _end(place, file, use=use, yes=yes, json=json_out)


def _end(place: Home, file: Path, *, use: bool, yes: bool, json: bool) -> None:
    """Choose the model where that is wanted, and say how it ended."""
    if use:
        choose(place, file, yes=yes)
    if json:
        is_chosen = edit_file.read_key(place.config, "model") == str(file)
        as_line({"step": "done", "file": str(file), "chosen": is_chosen})
    elif not use:
        out.print(f"Not chosen. To use it once: tsubasa up --model {escape(str(file))}")


def at_terminal() -> bool:
    """Whether a person sits there who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def have(
    place: Home,
    source: "Source | Skilled",
    *,
    sha256: Sequence[str] = (),
    hosts: Collection[str] = (),
    json: bool = False,
) -> Path:
    """
    Fetch or make a model, or find it here; then see that it works. A download that is no use is removed.

    Args:
        json: say how far it is in lines of JSON.

    Raises:
        PullError: it could not be had.
        DaemonError: it can't be served.
    """
    from daemon.downloads.model_source import Skilled
    from daemon.downloads.pull import pull

    if isinstance(source, Skilled):
        return _made(place, source, sha256, json=json)
    try:
        with _bar(json=json) as update:
            parts = pull(
                source, place, environment=os.environ, on_progress=update, sha256=sha256, hosts=hosts
            )
    except KeyboardInterrupt:
        out.print("Stopped. What came so far is kept: the same command goes on from there.")
        raise typer.Exit(130) from None
    for part in parts:
        _show_fetched(part, is_ours=part.file.parent == place.models)
    _check(parts, place, json=json)
    return parts[0].file


def _made(place: Home, source: "Skilled", sha256: Sequence[str], *, json: bool) -> Path:
    """Make a model of its parts, or find it here as it was made."""
    from daemon.downloads.little import make

    if sha256:
        raise typer.BadParameter(
            f"--sha256 is for files; {source.name} is made here, of parts that are proved."
        )
    replaces = (place.models / f"{source.name}.gguf").exists()
    found: list[Checked] = []

    def look(file: Path) -> None:
        found.append(_look(file, place=place, json=json))

    try:
        with _bar(json=json) as update:
            made = make(source, place, on_progress=update, look=look)
    except KeyboardInterrupt:
        out.print("Stopped; nothing was changed.")
        raise typer.Exit(130) from None
    _show_fetched(made, is_ours=True)
    for one in found:
        _note(place, made.file, one)
    if made.made and replaces:
        out.print("It takes the place of the one before; the next night learns the memories anew.")
    return made.file


def choose(place: Home, file: Path, *, yes: bool = False) -> None:
    """Let config.toml name `file`; ask first when it names another model."""
    before = edit_file.read_key(place.config, "model")
    if before and before != str(file) and not yes:
        out.print(f"{escape(str(place.config))} names another model: {escape(str(before))}")
        if out.quiet or not at_terminal():
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


def _list(json_out: bool) -> None:
    from dataclasses import asdict

    from daemon.downloads.model_source import known_models

    known = known_models()
    if json_out:
        as_json({"models": [asdict(one) for one in known]})
        return
    made = table("Name", "Download", "Memory", "sha256", "Model")
    for one in known:
        size = format_bytes(one.bytes) if one.bytes else "asks the hub"
        size = f"pip: {one.package}" if one.package else size
        proof = one.sha256[:12] if one.sha256 else "asks the hub"
        made.add_row(one.name, size, f"{one.memory_gb:g} GB", proof, one.title)
    show(made)
    out.print("Any other chat model in GGUF format: tsubasa pull OWNER/REPOSITORY, an address, or a file.")


def _show_fetched(fetched: "Downloaded", *, is_ours: bool) -> None:
    where = escape(str(fetched.file))
    if fetched.was_here:
        out.print(f"{where} is here already." if is_ours else f"{where} stays where it is.")
    else:
        verb = "Made" if fetched.made else "Fetched"
        out.print(f"{verb} {where}, {format_bytes(fetched.file.stat().st_size)}")
    if fetched.made:
        out.print(f"sha256 {fetched.sha256}; its parts were proved.")
    elif fetched.proved_by:
        out.print(f"sha256 {fetched.sha256}, as {escape(fetched.proved_by)} says.")
    elif is_ours:
        out.print(
            f"[yellow]No checksum was given, so it could not be proved.[/] Compare it with its publisher's: "
            f"sha256 {fetched.sha256}"
        )


def _check(parts: "Sequence[Downloaded]", place: Home, *, json: bool) -> None:
    from daemon.engine.errors import ModelUnfit

    try:
        _note(place, parts[0].file, _look(parts[0].file, place=place, json=json))
    except ModelUnfit:
        for part in parts:
            if not part.was_here and part.file.parent == place.models:
                part.file.unlink(missing_ok=True)
                out.print(f"Removed {escape(str(part.file))}: it is of no use here.")
        raise


def _look(file: Path, *, place: Home, json: bool) -> "Checked":
    """See whether a model can be used, and say what it is. Raises what `check` raises."""
    import asyncio

    from daemon.engine.check_model import check

    out.print("Checking it: header, tokenizer, chat template, a first answer …")
    if json:
        as_line({"step": "checking", "file": file.name})
    wanted = settings.load(place.config, environment=os.environ).config.chat_template
    found = asyncio.run(check(file, chat_template=wanted))
    facts = found.facts
    what = what_model(facts.architecture, facts.quantization, facts.bytes, facts.n_ctx)
    out.print(
        f"It works: {escape(facts.name)}, {escape(what)}; asked for a name it said {escape(repr(found.said[:80]))}, at "
        f"{found.tokens_per_s:.0f} tokens/s."
    )
    out.print(f"It {escape(can_learn(facts.cannot_learn))}.{WITHOUT_NIGHTS if facts.cannot_learn else ''}")
    return found


def _note(place: Home, file: Path, found: "Checked") -> None:
    """Remember how quick it was, for the page; without it all goes on."""
    with suppress(OSError):
        note(place.measured, file, Measured(facts=found.facts, tokens_per_s=found.tokens_per_s))


@contextmanager
def _bar(*, json: bool) -> Iterator[Callable[[str, "Progress"], None]]:
    """Shows how far a download is: a bar on a terminal, else a line for each tenth, or JSON."""
    if json:
        yield _json_lines()
        return
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

        def update(name: str, step: "Progress") -> None:
            bars.update(
                task, description=escape(name), completed=step.done, total=step.total or None, visible=True
            )
            if step.note:
                bars.print(escape(step.note))

        yield update


def _json_lines() -> Callable[[str, "Progress"], None]:
    last, told = 0.0, -1

    def update(name: str, step: "Progress") -> None:
        nonlocal last, told
        now, percent = time.monotonic(), 100 * step.done // step.total if step.total else 0
        if step.note or now - last >= TOLD_EVERY_S or percent != told:
            last, told = now, percent
            as_line(
                {"step": "fetching", "file": name, "done": step.done, "total": step.total, "note": step.note}
            )
            sys.stdout.flush()

    return update


def _lines() -> Callable[[str, "Progress"], None]:
    last = -1

    def update(name: str, step: "Progress") -> None:
        nonlocal last
        if step.note:
            out.print(escape(step.note))
        tenth = step.done * TENTHS // step.total if step.total else 0
        if tenth != last:
            last = tenth
            of = f" of {format_bytes(step.total)}" if step.total else ""
            out.print(f"{escape(name)}: {format_bytes(step.done)}{of}")

    return update
