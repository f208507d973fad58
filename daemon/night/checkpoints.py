"""
The folder where a night keeps how far it is: in memory, for its owner only, one for each home.

Promises: a folder that another user owns, or a link, is never used; what is swept is gone. Where the system
has no place in memory there are no checkpoints: what a user told does not go to a disk unencrypted.
Knows nothing of what is in them.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from daemon.night.errors import CheckpointsLeft, CheckpointsUnsafe

PREFIX = "tsubasa-checkpoints-"


def place(home: Path, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where the checkpoints of `home` belong; None where no folder lives in memory. Nothing is made yet."""
    name = PREFIX + hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
    for memory in (environment.get("XDG_RUNTIME_DIR"), "/dev/shm"):
        if memory and os.access(memory, os.W_OK | os.X_OK):
            return Path(memory) / name
    return None


def prepare(folder: Path) -> None:
    """
    Make the folder (0700), or check the one that is there.

    Raises:
        CheckpointsUnsafe: it is a link, no folder, another user's, or can't be made.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise CheckpointsUnsafe(folder, error.strerror or str(error)) from error
    try:
        if (owner := os.fstat(opened).st_uid) != os.geteuid():
            raise CheckpointsUnsafe(folder, f"it belongs to user {owner}")
        os.fchmod(opened, 0o700)
    finally:
        os.close(opened)


def sweep(folder: Path) -> None:
    """Delete the folder and all in it, if it is there and ours; raises `CheckpointsLeft`."""
    try:
        if folder.lstat().st_uid == os.geteuid() and not folder.is_symlink():
            shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise CheckpointsLeft(folder, error.strerror or str(error)) from error
