"""
A restore that is killed at each rename, removal and opening in turn: python -m ... BACKUP STORE FOLDER.

For the N-th, FOLDER/N is made a copy of the home of STORE; a fork of this process restores there and kills itself. The
last folder is that of the restore that ended by itself. An audit hook of Python counts, so nothing of ours is replaced.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from store import backup
from store.switch import PARTS
from tests.store.sample import KEY

COUNTED = ("os.rename", "os.remove", "open", "shutil.copyfile")


def restore(from_: Path, store: Path, dies_at: int) -> None:
    """Restore the store, up to so many events in its folder."""
    left = dies_at

    def count(event: str, given: tuple[object, ...]) -> None:
        nonlocal left
        if event in COUNTED and str(store.parent) in str(given[0]):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    backup.restore(from_, KEY, store, KEY, replace=True)


def main(from_: Path, store: Path, folder: Path) -> None:
    """Kill one restore after the other."""
    for dies_at in range(1000):
        home = folder / str(dies_at)
        home.mkdir(parents=True)
        for part in PARTS[:4]:  # as a killed daemon leaves them
            shutil.copyfile(f"{store}{part}", home / f"store.db{part}")
        if (child := os.fork()) == 0:
            try:
                restore(from_, home / "store.db", dies_at)
            finally:
                os._exit(int(sys.exc_info()[0] is not None))
        if (ended := os.waitpid(child, 0)[1]) != signal.SIGKILL:
            sys.exit(os.waitstatus_to_exitcode(ended))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
