"""
What a trainer that was killed needs to go on: one file in a private folder in memory.

    digest | safetensors: arrays, and the numbers beside them as JSON ── written under another name, then renamed

Promises: a file found is whole and of this very job, or it is not used and removed; the file can be read by its owner
only; no checkpoint is worth a night, so a folder that can't be used or is full is said in the log, and training goes
on. Knows nothing of what the numbers mean.
"""

import hashlib
import json
import logging
import os
import stat
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

EVERY_S = 30.0
SUFFIX = ".checkpoint"
DIGEST = 32  # bytes of SHA-256

Arrays = Mapping[str, npt.NDArray[Any]]

log = logging.getLogger(__name__)


class Checkpoints:
    """The place of one job's checkpoint; `folder` None: nothing is kept."""

    def __init__(self, folder: Path | None, job: str, *, every_s: float = EVERY_S) -> None:
        self._folder = folder if folder is not None and _is_private(folder) else None
        self._name = f"{job}{SUFFIX}"
        self._every_s = every_s
        self._last = time.monotonic()

    def load(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]] | None:
        """(arrays, numbers) of this job as they were kept last; None: from the beginning. Others are removed."""
        if self._folder is None:
            return None
        found = None
        for path in sorted(self._folder.iterdir()):
            if path.name == self._name:
                found = _read(path)
            if path.name != self._name and SUFFIX in path.suffixes or path.name == self._name and not found:
                _remove(path)
        return found

    def due(self) -> bool:
        """Whether the last checkpoint is old enough for another."""
        return self._folder is not None and time.monotonic() - self._last >= self._every_s

    def keep(self, arrays: Arrays, numbers: Mapping[str, Any]) -> None:
        """
        Put a new checkpoint in the place of the last one; a full folder is a line in the log.

        Raises:
            MemoryError: there is no memory for a copy of the arrays; the last one stays.
        """
        if self._folder is None:
            return
        self._last = time.monotonic()  # also of a failure: it is tried again after as long
        whole = save(
            {name: np.asarray(values, order="C") for name, values in arrays.items()},
            {"numbers": json.dumps(numbers)},
        )
        waiting = self._folder / f"{self._name}.new"
        try:
            _remove(waiting)
            with open(waiting, "xb", opener=_for_the_owner) as file:
                file.write(hashlib.sha256(whole).digest())
                file.write(whole)
            os.replace(waiting, self._folder / self._name)
        except OSError as error:
            _remove(waiting)
            log.warning("no checkpoint could be kept (%s); a night cut short now begins again", error)

    def clear(self) -> None:
        """Nothing is left to go on with: the job is done."""
        if self._folder is not None:
            _remove(self._folder / self._name)


def fingerprint(*decisive: Any) -> str:
    """A name for all that decides the result; `decisive` are values that JSON can hold."""
    return hashlib.sha256(json.dumps(decisive, sort_keys=True, default=str).encode()).hexdigest()


def _is_private(folder: Path) -> bool:
    """Whether nobody else can look into `folder`: what lies there was learned from a person's memories."""
    try:
        found = folder.lstat()
    except OSError as error:
        log.warning("no checkpoints: the folder %s can't be used (%s)", folder, error.strerror)
        return False
    if sys.platform == "win32":
        return stat.S_ISDIR(found.st_mode)
    if (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.getuid()
        and not stat.S_IMODE(found.st_mode) & 0o077
    ):
        return True
    log.warning("no checkpoints: %s is not a folder that only its owner, us, can open (0700)", folder)
    return False


def _read(path: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]] | None:
    try:
        whole = path.read_bytes()
        if hashlib.sha256(whole[DIGEST:]).digest() != whole[:DIGEST]:
            raise ValueError("its digest is wrong")
        arrays = load(whole[DIGEST:])
        size = int.from_bytes(whole[DIGEST : DIGEST + 8], "little")
        header = json.loads(whole[DIGEST + 8 : DIGEST + 8 + size])
        return arrays, json.loads(header["__metadata__"]["numbers"])
    except (OSError, ValueError, LookupError, SafetensorError) as error:
        log.warning("the checkpoint can't be used (%s); the night begins again", error)
        return None


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
