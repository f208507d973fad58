"""
`tsubasa keys`, `tsubasa keys make`, `tsubasa keys revoke`: a key for each program, which may do no more than it needs.
"""

from typing import Annotated

import typer
from rich.markup import escape

from daemon.cli.output import HomeFlag, JsonFlag, as_json, chosen, out
from daemon.config import api_keys
from daemon.home import prepare
from daemon.profiles import registry

cli = typer.Typer(help="Keys for other programs, each with what it may do, for example: tsubasa keys")


@cli.callback(invoke_without_command=True)
def keys(context: typer.Context, json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """List the keys of programs, what each may do, and when it was used last, for example: tsubasa keys"""
    if context.invoked_subcommand is not None:
        return
    home = chosen(home_flag)
    found, used = api_keys.listed(home), api_keys.used(home)
    if json:
        rows = [
            {
                "name": one.name,
                "may": one.scopes,
                "made_at": one.made_at,
                "used_at": used.get(one.name),
                "profile": one.profile,
            }
            for one in found
        ]
        return as_json({"keys": rows})
    for one in found:
        last = f"used {used[one.name]} UTC".replace("+00:00", "") if one.name in used else "never used"
        of = f" as {one.profile}" if one.profile else ""
        out.print(f"{escape(one.name)}  may {', '.join(one.scopes)}{of}; made {one.made_at[:10]}, {last}")
    if not found:
        out.print("No program has a key of its own. Make one: tsubasa keys make NAME --may chat")
    out.print(f"The owner's key, which may do everything, is in {escape(str(home.api_key))}.")


@cli.command()
def make(
    name: Annotated[str, typer.Argument(help="The program that gets it.")],
    may: Annotated[
        list[str], typer.Option("--may", help=f"{', '.join(api_keys.SCOPES)}; several with commas.")
    ],
    profile: Annotated[
        str,
        typer.Option(
            "--profile", metavar="NAME", help="Whose chats and memories it opens; else the main person's."
        ),
    ] = "",
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Make a key that may do so much. It is shown once.

    For example:
        tsubasa keys make editor --may chat
        tsubasa keys make notes --may read,write
        tsubasa keys make phone --may chat --profile anna
    """
    home = chosen(home_flag)
    prepare(home)
    of = registry.find(home, profile).name if profile else ""
    scopes = [one.strip() for given in may for one in given.split(",") if one.strip()]
    made = api_keys.make(home, name, scopes, profile=of)
    if json:
        return as_json({"name": name, "may": scopes, "key": made, "profile": of})
    out.print(made, soft_wrap=True)
    for scope in scopes:
        out.print(f"It may {api_keys.SCOPES[scope]} ({scope}).")
    if of:
        out.print(f"All of it is {of}'s: nothing of anybody else's is opened by it.")
    out.print("It is shown only now. Take it back: tsubasa keys revoke " + escape(name))


@cli.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The program that had it.")],
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """Take a key back: it is refused from now on, for example: tsubasa keys revoke editor"""
    gone = api_keys.revoke(chosen(home_flag), name)
    if json:
        return as_json({"revoked": gone.name})
    out.print(f"The key {escape(gone.name)!r} is refused from now on.")
