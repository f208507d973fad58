"""
`tsubasa generations export`: an adapter as a file, and base and adapter as one.
"""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from daemon.atomic_file import is_there, whole
from daemon.cli.output import HomeFlag, JsonFlag, as_json, daemon_at, out
from daemon.errors import FileTaken, ReplacesModel, WrittenTwice
from daemon.generations import export_gguf

WARNING = (
    "It holds what you told, unencrypted, and is readable by you alone: whoever has it can ask it about you."
)


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
    if len(files) == 2 and _is_same(*files):
        raise WrittenTwice(files[1])
    for one in files:
        if is_there(one) and not force:
            raise FileTaken(one)
    with daemon_at(home_flag) as client:
        adapter = client.adapter(number)
        model = client.status()["model"]
    for one in files:
        if _is_same(one, Path(model["path"])):
            raise ReplacesModel(one)
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
    _tell(found)


def _is_same(file: Path, other: Path) -> bool:
    """Whether both names lead to one file, also by a link, and also where there is none yet."""
    if is_there(file) and is_there(other):
        return file.samefile(other)
    return os.path.realpath(file) == os.path.realpath(other)  # goes through links in a circle, too


def _merge(
    model: dict[str, Any],
    adapter: bytes,
    merged: Path,
    number: int,
    exact_types: bool,
    *,
    quiet: bool,
) -> export_gguf.Merged:
    columns = (TextColumn("merging"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=out, disable=quiet, transient=True) as bar:
        shown = bar.add_task("merging", total=None)
        return export_gguf.merge(
            Path(model["path"]),
            adapter,
            merged,
            sha256=model["sha256"],
            generation=number,
            exact_types=exact_types,
            on_progress=lambda done, total: bar.update(shown, completed=done, total=total),
        )


def _tell(found: dict[str, Any]) -> None:
    if one := found.get("adapter"):
        out.print(
            f"{escape(one['file'])}: the adapter of generation {found['generation']}, {one['bytes']:,} bytes."
        )
    if one := found.get("merged"):
        finer = f", {one['finer']} of its {one['changed']} changed matrices in 6 bits" if one["finer"] else ""
        out.print(
            f"{escape(one['file'])}: base and generation {found['generation']} in one, {one['bytes']:,} bytes{finer}."
        )
    out.print(f"[yellow]{WARNING}[/]")
