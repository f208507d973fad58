"""
A night's two folders, in memory and for their owner only: what a user told does not go to a disk unencrypted.

    private folder   of one trainer; removed at its end, and by `sweep` what a killed daemon left, with the trainer
    checkpoints      one for each home, kept from attempt to attempt; none where the system has no place in memory
"""

import hashlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from daemon.night.errors import CheckpointsUnsafe, NightError

PREFIX = "tsubasa-night-"
CHECKPOINTS = "tsubasa-checkpoints-"
TRAINER = "trainer"  # the file that tells which process works there, and when that began


def memory_folder() -> Path:
    """A folder of this user or this machine that lives in memory, where there is one."""
    return _in_memory(os.environ) or Path(tempfile.gettempdir())


def sweep(base: Path) -> None:
    """End the trainers of dead daemons, and remove their private folders in `base`."""
    for old in base.glob(f"{PREFIX}*"):
        if _is_alive(old.name.removeprefix(PREFIX).split("-")[0]) or not _is_ours(old):
            continue
        _end_orphan(old / TRAINER)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def private_folder(base: Path) -> Iterator[Path]:
    """A new folder (0700) in `base` for the length of a night; those of dead daemons are swept away."""
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep(base)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def note_process(folder: Path, pid: int) -> None:
    """Write down which process works in `folder`, for the `sweep` of a later daemon."""
    with suppress(OSError, psutil.Error):  # it may have ended already
        began = psutil.Process(pid).create_time()
        (folder / TRAINER).write_text(f"{pid} {began}", encoding="ascii")


def checkpoint_folder(home: Path, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where the checkpoints of `home` belong; None where no folder lives in memory. Nothing is made yet."""
    name = CHECKPOINTS + hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
    memory = _in_memory(environment)
    return memory / name if memory else None


def prepare_checkpoints(folder: Path) -> None:
    """Make the folder (0700), or check the one that is there; raises `CheckpointsUnsafe`."""
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


def delete_checkpoints(folder: Path | None) -> None:
    """Delete the folder and all in it, if it is there and ours; raises `NightError`, it may tell of the forgotten."""
    if folder is None:
        return
    try:
        if folder.lstat().st_uid == os.geteuid() and not folder.is_symlink():
            shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        why = error.strerror or str(error)
        raise NightError(
            f"A night's checkpoint could not be deleted: {why}. Delete it by hand: {folder}"
        ) from error


def _in_memory(environment: Mapping[str, str]) -> Path | None:
    for place in (environment.get("XDG_RUNTIME_DIR"), "/dev/shm"):
        if place and os.access(place, os.W_OK | os.X_OK):
            return Path(place)
    return None


def _is_ours(folder: Path) -> bool:
    with suppress(OSError):
        return folder.lstat().st_uid == os.getuid()
    return False


def _end_orphan(file: Path) -> None:
    """Kill the process that `file` names, if it is still that one: nobody else would, once it is stopped."""
    with suppress(OSError, ValueError, psutil.Error):
        pid, began = file.read_text(encoding="ascii").split()
        if psutil.Process(int(pid)).create_time() == float(began):
            os.killpg(int(pid), signal.SIGKILL)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
