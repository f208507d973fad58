"""
`tsubasa backup` and `tsubasa restore`: copies of the store, made beside a running daemon, and put back without one.
"""

import os
import tempfile
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from daemon.backups.nightly import DRILL, back_up_today, listed
from daemon.cli.output import HomeFlag, JsonFlag, as_json, chosen, out, waiting
from daemon.config import settings as config
from daemon.errors import DaemonError
from daemon.home import Home, HomeLock, prepare
from store import backup as backups
from store import keys
from store.database import open_store
from store.errors import StoreUnusable
from store.statistics import counts
from store.switch import settle

SHORTEST_PASSPHRASE = 12  # characters
Passphrase = Annotated[
    bool,
    typer.Option("--passphrase", help="Ask for a passphrase: for another machine, which has not the key."),
]


def backup(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to; else backups/ in the home.")
    ] = None,
    passphrase: Passphrase = False,
    list_all: Annotated[bool, typer.Option("--list", help="List the backups in the home.")] = False,
    drill: Annotated[
        bool, typer.Option("--drill", help="Restore the newest one into a scratch home, and compare.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Copy the store, encrypted, into one file, and check it. The daemon makes one a day by itself.

    For example:
        tsubasa backup
        tsubasa backup /media/stick/tsubasa.backup --passphrase
        tsubasa backup --drill
    """
    home = chosen(home_flag)
    if list_all:
        return _list(home, json)
    if passphrase and file is None:
        raise typer.BadParameter(
            "Name a file for a backup under a passphrase; those in the home have its key."
        )
    if not home.store.exists():
        raise DaemonError(
            f"There is no store in {home.path}, so nothing to back up. Name another home: --home"
        )
    key = _key(home)
    if drill:
        return _drill(home, key, file, json)
    if file is not None and file.exists() and not force:
        raise DaemonError(f"{str(file)!r} is there already. Choose another name, or add --force.")
    with waiting("copying and checking", quiet=json):
        if file is None:
            found = back_up_today(home, key, date.today())
            file = listed(home)[0].file
        else:
            words = _new_passphrase() if passphrase else None
            found = backups.back_up(home.store, key, file.absolute(), passphrase=words)
    if json:
        return as_json({"file": str(file), "bytes": file.stat().st_size, "counts": found})
    out.print(f"{escape(str(file))}: {_in_words(found)}, checked, {file.stat().st_size:,} bytes.")


def restore(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A backup; else the newest one in the home.")
    ] = None,
    passphrase: Passphrase = False,
    key_file: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="The file 'key' of the home it was made in.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Move a store that is there aside; nothing is deleted.")
    ] = False,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Make the store of this home of a backup: chats, memories, lessons and generations as they were then.

    For example:
        tsubasa restore --replace
        tsubasa restore tsubasa.backup --passphrase --home ~/.tsubasa
    """
    home = chosen(home_flag)
    file = file or _newest(home)
    prepare(home)
    lock = HomeLock(home)
    lock.take()
    try:
        if (said := settle(home.store)) and not json:
            out.print(escape(said))
        if home.store.exists() and not replace:
            raise StoreUnusable("in the way", str(home.store))
        secret = _secret(home, passphrase, key_file)
        with waiting("checking and restoring", quiet=json):
            made = backups.restore(file, secret, home.store, _key(home, secret), replace=replace)
    finally:
        lock.release()
    if json:
        aside = str(made.aside) if made.aside else None
        return as_json({"file": str(file), "counts": made.counts, "aside": aside})
    out.print(f"Restored from {escape(str(file))}: {_in_words(made.counts)}.")
    if made.aside is not None:
        out.print(f"What was there before is {escape(str(made.aside))}; delete it when you miss nothing.")
    if made.counts["generations"]:
        out.print(
            "Backups hold no adapters: the next night learns the lessons anew. Until then the base answers."
        )
    out.print("What was said after it was made is not in it. Start: tsubasa up")


def _list(home: Home, json: bool) -> None:
    found = listed(home)
    if json:
        rows = [{"file": str(one.file), "bytes": one.bytes, "day": one.day and str(one.day)} for one in found]
        return as_json({"backups": rows})
    for one in found:
        out.print(f"{escape(str(one.file))}  {one.bytes:,} bytes")
    if not found:
        out.print("There is no backup yet. Make one: tsubasa backup")


def _drill(home: Home, key: bytes, file: Path | None, json: bool) -> None:
    """Restore into a scratch home, and compare what is in it with the backup."""
    file = file or _newest(home)
    with tempfile.TemporaryDirectory(dir=home.path, prefix=DRILL) as folder:
        store = Path(folder) / home.store.name
        with waiting("restoring into a scratch home", quiet=json):
            wanted = backups.restore(file, key, store, key).counts
            with closing(open_store(store, key)) as db:
                found = {name: counts(db)[name] for name in wanted}
    if found != wanted:
        raise DaemonError(f"The drill failed: the backup has {wanted}, and restored are {found}.")
    if json:
        return as_json({"file": str(file), "counts": found})
    out.print(f"{escape(str(file))} can be restored: {_in_words(found)}, as in the backup.")


def _newest(home: Home) -> Path:
    found = listed(home)
    if not found:
        raise DaemonError(f"There is no backup in {home.path}. Name one: tsubasa restore FILE")
    return found[0].file


def _key(home: Home, secret: backups.Secret | None = None) -> bytes:
    """The key of the home; of a home without one, that of the backup, or a new one where a passphrase opened it."""
    found = config.load(home.config, environment=os.environ).config.keyring
    if isinstance(secret, bytes) and not keys.describe(home.path, keyring=found)[0]:
        return keys.keep_key(home.path, secret, keyring=found)
    return keys.load_or_create_key(home.path, keyring=found)


def _secret(home: Home, passphrase: bool, key_file: Path | None) -> backups.Secret:
    if passphrase:
        return str(typer.prompt("Passphrase of the backup", hide_input=True))
    return keys.read_key(key_file) if key_file is not None else _key(home)


def _new_passphrase() -> str:
    words: str = typer.prompt("A passphrase for the backup", hide_input=True, confirmation_prompt=True)
    if len(words) < SHORTEST_PASSPHRASE:
        raise DaemonError(
            f"A passphrase has at least {SHORTEST_PASSPHRASE} characters: take four words or more."
        )
    return words


def _in_words(found: dict[str, int]) -> str:
    return ", ".join(f"{found[name]:,} {name}" for name in ("chats", "memories", "lessons", "generations"))
