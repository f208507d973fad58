"""
Put a finished file in the place of a store, so that a kill at any moment leaves the old one or the new one, whole.

    .STORE.switch names the old one ──> old file and log renamed ──> new file renamed ──> .STORE.switch gone

A kill before .STORE.switch is there has changed nothing; one after it is made good by `settle`, at the next start or
restore. SQLite plays a log into whatever file stands beside it, so no log may lie beside another store for a moment.
"""

import os
from contextlib import suppress
from pathlib import Path

PARTS = ("", "-wal", "-shm", "-commits", "-journal")  # endings of the files of one store


def switch(store: Path, aside: Path) -> None:
    """Give the file at `part_of(store)` the place of the store, whose files are called `aside` from then on."""
    marker = marker_of(store)
    written = marker.with_name(f"{marker.name}.part")
    written.write_text(aside.name, encoding="utf-8")
    sync(written)
    os.replace(written, marker)
    sync(store.parent)
    _go_on(store, marker)


def settle(store: Path) -> str | None:
    """
    Finish or clear away what a restore left that was ended on the way; what that was, in a sentence, or None.

    Only for who has the lock of the home.
    """
    marker = marker_of(store)
    if marker.exists():
        aside = _go_on(store, marker)
        before = f" What was there before is {str(aside)!r}." if aside.exists() else ""
        return f"A restore that was ended on the way is finished.{before}"
    if not part_of(store).exists():
        return None
    drop(part_of(store))
    marker.with_name(f"{marker.name}.part").unlink(missing_ok=True)
    return "A restore was ended on the way: it has changed nothing. Once more: tsubasa restore --replace"


def part_of(file: Path) -> Path:
    """Where a file is made before it takes its place: never under the name of a store or a backup."""
    return file.with_name(f".{file.name}.part")


def marker_of(store: Path) -> Path:
    """The file that is there while a store is switched."""
    return store.with_name(f".{store.name}.switch")


def drop(file: Path) -> None:
    """Delete a database with its log."""
    for ending in PARTS:
        file.with_name(file.name + ending).unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, survive a loss of power."""
    with suppress(PermissionError):  # Windows opens no folder
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _go_on(store: Path, marker: Path) -> Path:
    """Do what is left of the switch; the name of the old store."""
    aside = store.with_name(marker.read_text(encoding="utf-8"))
    part = part_of(store)
    if part.exists():  # so what is called like the store is still the old one
        for ending in PARTS:
            old = store.with_name(store.name + ending)
            if old.exists():
                os.replace(old, aside.with_name(aside.name + ending))
        sync(store.parent)
        os.replace(part, store)
    sync(store.parent)
    marker.unlink()
    sync(store.parent)
    return aside
