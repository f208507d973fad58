"""
Open a model file: see that it can be served before llama.cpp is asked to, and say plainly when it can't.
"""

import hashlib
import mmap
import os
from pathlib import Path
from typing import Any

from daemon.engine.errors import EngineError, ModelUnfit
from daemon.engine.gguf_file import Broken, Header, read_header

ARCHITECTURES = ("qwen3",)
SMALL_MODEL = 64 * 1024 * 1024  # bytes of the file


def checked_header(path: Path) -> Header:
    """The header of a model that can be served. Raises an `EngineError` that names what is wrong."""
    name = str(path)
    if not path.is_file():
        raise EngineError(
            f"Can't load the model {name!r}: there is no such file. Check the path in the configuration, "
            f"or download a model with `tsubasa pull`."
        )
    try:
        header, size = _header(path)
    except Broken as error:
        reason, advice = (
            f"it is not a GGUF file ({error})",
            "Give a file that ends in .gguf, or download it again",
        )
        raise ModelUnfit(path=name, reason=reason, advice=advice) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    if unfit := _why_unfit(header, size):
        raise ModelUnfit(path=name, reason=unfit[0], advice=unfit[1])
    return header


def _why_unfit(header: Header, size: int) -> tuple[str, str] | None:
    """What is wrong with a model's file, and what to do about it."""
    architecture, needed = header.text("general.architecture"), header.needed_bytes
    if architecture not in ARCHITECTURES:
        reason = f"its architecture is {architecture!r}, and Tsubasa runs {', '.join(ARCHITECTURES)}"
        return reason, "Choose a Qwen3 model in GGUF format"
    if size < needed:
        reason = f"the file has {size} bytes and needs at least {needed}, so its download was cut short"
        return reason, "Download it again"
    if not header.text("tokenizer.chat_template"):
        reason = "it has no chat template (tokenizer.chat_template)"
        return reason, "Choose an instruct or chat version of the model"
    return None


def identity(path: Path, known: dict[str, Any] | None) -> dict[str, Any]:
    """Size, time and sha256 of the file; the hash is `known`'s when size and time are the same."""
    try:
        found = path.stat()
        same = {"size": found.st_size, "mtime_ns": found.st_mtime_ns}
        if known and same.items() <= known.items():
            return known
        with path.open("rb") as file:
            return {**same, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    except OSError as error:
        raise _unreadable(path, error) from error


def fitting_threads(path: Path) -> int:
    """
    Threads that a model profits from: one for each physical core, a small one a single thread.

    llama.cpp's threads wait for each other by spinning: with nano two threads gain nothing on an idle machine and
    are many times slower than one as soon as another process wants a core.
    """
    return 1 if path.stat().st_size < SMALL_MODEL else physical_cores()


def physical_cores() -> int:
    """Cores that this process may use, hyper-threads not counted: more threads make llama.cpp slower."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = set()
    for cpu in usable:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.add(siblings.read_text() if siblings.exists() else str(cpu))
    return max(len(cores), 1)


def _header(path: Path) -> tuple[Header, int]:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise Broken("it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return read_header(data), size


def _unreadable(path: Path, error: OSError) -> EngineError:
    reason = error.strerror or str(error)
    return EngineError(f"Can't read the model {str(path)!r}: {reason}. Check the file and its permissions.")
