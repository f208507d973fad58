"""
The private folder of one trainer: for its owner only, in memory where there is such a place.

Promises: it is removed at the end of the night; what a killed daemon left, a stopped trainer too, is ended and
removed by `sweep`. Knows nothing of what the trainer writes there.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

PREFIX = "tsubasa-night-"
TRAINER = "trainer"  # the file that tells which process works there, and when that began


def memory_folder() -> Path:
    """A folder of this user or this machine that lives in memory, where there is one."""
    for place in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):
        if place and os.access(place, os.W_OK | os.X_OK):
            return Path(place)
    return Path(tempfile.gettempdir())


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
