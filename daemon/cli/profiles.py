"""
`tsubasa profiles`, `tsubasa profiles add, remove, start, stop`: other people on this machine, each with a home of
their own in this one. `tsubasa --profile anna memories` acts on theirs.
"""

import os
from typing import Annotated

import typer
from rich.markup import escape

from daemon.cli.output import HomeFlag, JsonFlag, as_json, chosen, daemon_at, is_alone, out
from daemon.cli.uninstall import remove_home
from daemon.config import api_keys
from daemon.errors import DaemonError, NotRunning
from daemon.home import Home, prepare, running
from daemon.profiles import registry
from daemon.text import format_bytes

cli = typer.Typer(
    help="Other people on this machine, each with a memory of their own, for example: tsubasa profiles"
)
Name = Annotated[str, typer.Argument(help="The name of the profile.")]


@cli.callback(invoke_without_command=True)
def profiles(context: typer.Context, json: JsonFlag = False, home_flag: HomeFlag = None) -> None:
    """List the profiles, and which users of clients each is, for example: tsubasa profiles"""
    if not is_alone(context, json, home_flag):
        return
    home = chosen(home_flag)
    found = registry.listed(home)
    if json:
        rows = [
            {
                "name": one.name,
                "users": one.users,
                "made_at": one.made_at,
                "home": str(home.profile(one.name).path),
                "bytes": _bytes(home.profile(one.name)),
                "running": _runs(home.profile(one.name)),
            }
            for one in found
        ]
        return as_json({"profiles": rows})
    for one in found:
        place = home.profile(one.name)
        users = f"known as {', '.join(one.users)}" if one.users else "known by no user's name yet"
        state = "runs" if _runs(place) else "rests"
        out.print(
            f"{escape(one.name)}  {escape(users)}; made {one.made_at[:10]}, {format_bytes(_bytes(place))}, {state}"
        )
    if not found:
        out.print(
            "Nobody but you. Another person of your clients gets a memory of their own: "
            "tsubasa profiles add NAME --user ID"
        )


@cli.command()
def add(
    name: Name,
    user: Annotated[
        list[str] | None,
        typer.Option(
            "--user",
            help="By which a client names this person: an id, or an address; may be given several times.",
        ),
    ] = None,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Make a profile, or have more users of clients be one that is there. It counts from the next request on.

    For example: tsubasa profiles add anna --user 5f0a1b2c --user anna@example.org
    """
    home = chosen(home_flag)
    prepare(home)
    made = registry.add(home, name, user or ())
    if json:
        return as_json({"name": made.name, "users": made.users, "home": str(home.profile(made.name).path)})
    if made.users:
        out.print(
            f"Who is named {escape(' or '.join(made.users))} is {escape(made.name)} from now on, with chats, memories "
            f"and nights of their own."
        )
        out.print("What was said under that name before stays where it was.")
    else:
        out.print(
            f"{escape(made.name)} has a profile, and no client names them yet. Say how one does: --user ID;"
        )
        out.print(f"or give them a key: tsubasa keys make phone --may chat --profile {escape(made.name)}")
    out.print(f"Look into it: tsubasa --profile {escape(made.name)} memories")


@cli.command()
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Remove a profile for good: chats, memories, generations, backups, its key, and the keys of programs for it.

    For example: tsubasa profiles remove anna
    """
    home = chosen(home_flag)
    if not (registry.NAME.fullmatch(name) and home.profile(name).path.exists()):  # one that is left, too
        name = registry.find(home, name).name
    place = home.profile(name)
    typed = f"delete {name}"
    if not yes:
        out.print(
            f"{escape(str(place.path))}, {format_bytes(_bytes(place))}. Without a backup nothing of it comes back."
        )
        if (
            " ".join(typer.prompt(f"Type {typed!r} to remove it for good").split()).casefold()
            != typed.casefold()
        ):
            raise DaemonError(f"Nothing was removed: it is done only for the words {typed!r}.")
    left = _remove(home, name)
    if json:
        return as_json({"removed": name, "left": left})
    for one in left:
        out.print(f"[yellow]Left, it is none of ours:[/] {escape(one)}")
    out.print(
        f"{escape(name)} is gone. Who was known so is a stranger again: answered, and not learned from."
    )


@cli.command()
def start(name: Name, home_flag: HomeFlag = None) -> None:
    """Start the daemon of a profile, and say why where it can't, for example: tsubasa profiles start anna"""
    with daemon_at(home_flag) as client:
        found = client.start_profile(name)
    out.print(f"{escape(found['name'])} is served, by process {found['pid']}.")


@cli.command()
def stop(name: Name, home_flag: HomeFlag = None) -> None:
    """
    Stop the daemon of a profile, before a restore of it, say; the next request starts it again.

    For example: tsubasa profiles stop anna
    """
    registry.find(chosen(home_flag), name)
    with daemon_at(home_flag) as client:
        stopped = client.stop_profile(name)["stopped"]
    out.print(f"{escape(name)}'s daemon is stopped." if stopped else f"{escape(name)}'s daemon did not run.")


def _remove(home: Home, name: str) -> list[str]:
    """What is left of it; raises `HomeInUse` while its daemon runs under somebody else."""
    registry.drop(home, name)  # first: no request starts its daemon any more
    api_keys.revoke_of(home, name)
    try:
        with daemon_at(home.path) as client:
            client.stop_profile(name)
    except NotRunning:  # then the profile's does not run either
        pass
    return remove_home(home.profile(name))


def _runs(home: Home) -> bool:
    found = running(home)
    if found is None:
        return False
    try:
        os.kill(found.pid, 0)
    except ProcessLookupError:  # it was killed
        return False
    return True


def _bytes(home: Home) -> int:
    return sum(one.lstat().st_size for one in home.path.rglob("*") if not one.is_dir())
