"""
`tsubasa pull`: have a model on this machine, see that it works, and choose it for the next start.
"""

from typing import Annotated

import typer
from rich.markup import escape

from daemon import home
from daemon.cli.model_choice import choose, have
from daemon.cli.output import HomeFlag, JsonFlag, as_json, chosen, out, show, table
from daemon.config import edit_file

FIRST = "qwen3-4b"  # of the table


def pull(
    model: Annotated[
        str,
        typer.Argument(
            help="A known name, OWNER/REPOSITORY[/FILE.gguf] of the hub, https://…, or a file here."
        ),
    ] = FIRST,
    list_known: Annotated[bool, typer.Option("--list", help="List the models known by name.")] = False,
    sha256: Annotated[
        str | None, typer.Option(help="What the file must be; it is refused otherwise.")
    ] = None,
    host: Annotated[
        list[str] | None, typer.Option(help="A host to which the download may be sent on; may be repeated.")
    ] = None,
    use: Annotated[
        bool, typer.Option("--use/--no-use", help="Choose the model for the next `tsubasa up`.")
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before another model is replaced.")] = False,
    json_out: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Fetch a Qwen3 model, check that it works here, and choose it for `tsubasa up`.

    Interrupted? The same command goes on where it ended.

    For example: tsubasa pull qwen3-4b
    """
    from daemon.downloads.model_source import read_sha256, read_source

    if list_known:
        _list(json_out)
        return
    if json_out:
        raise typer.BadParameter("--json goes with --list.")
    source, wanted = read_source(model), read_sha256(sha256) if sha256 else None
    place = chosen(home_flag)
    home.prepare(place)
    if use:
        edit_file.read_key(place.config, "model")  # a broken config.toml is told before gigabytes are fetched
    file = have(place, source, sha256=wanted, hosts=host or [])
    if use:
        choose(place, file, yes=yes)
    else:
        out.print(f"Not chosen. To use it once: tsubasa up --model {escape(str(file))}")


def _list(json_out: bool) -> None:
    from dataclasses import asdict

    from daemon.downloads.model_source import known_models
    from daemon.text import format_bytes

    known = known_models()
    if json_out:
        as_json({"models": [asdict(one) for one in known]})
        return
    made = table("Name", "Download", "Memory", "sha256", "Model")
    for one in known:
        size = format_bytes(one.bytes) if one.bytes else "asks the hub"
        proof = one.sha256[:12] if one.sha256 else "asks the hub"
        made.add_row(one.name, size, f"{one.memory_gb:g} GB", proof, one.title)
    show(made)
    out.print("Any other Qwen3 in GGUF format: tsubasa pull OWNER/REPOSITORY, an address, or a file.")
