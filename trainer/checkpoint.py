"""
Checkpoints: what a trainer that was killed needs to go on, as one file in a private folder in memory.

    digest | safetensors: arrays, and the numbers with them as JSON ── written under another name, then renamed

A night that goes on takes the very steps it would have taken. A file found is whole and of this very job, or it is
removed. It can be read by its owner only. No checkpoint is worth a night: a folder that can't be used or is full is a
line in the log, and training goes on.
"""

import hashlib
import json
import logging
import os
import stat
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from trainer.backend import Floats, Targets, join

EVERY_S = 30.0
SUFFIX = ".checkpoint"
DIGEST = 32  # bytes of SHA-256

Arrays = dict[str, npt.NDArray[Any]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What came out of training."""

    adapter: dict[str, Floats]
    steps: int
    train_loss: float
    exam_loss: float | None


@dataclass(slots=True, kw_only=True)
class Position:
    """How far the student is."""

    steps: int  # to take in all
    batch: int  # lessons a step; smaller than the recipe's after memory ran out
    paper: int  # exam lessons at a time
    step: int = 0  # taken
    lessons: int = 0  # learned, each as often as it was seen: the place in the order of lessons
    tokens: int = 0  # learned, of prompts and answers
    tired: int = 0  # looks at the exam without improvement
    mark: float | None = None  # the exam's loss when `tired` was last 0
    losses: list[float] = field(default_factory=list)  # of each step, nats per answer token
    best: Trained | None = None


@dataclass(slots=True, kw_only=True)
class TrainingState:
    """Where a night stands: what the teacher said so far, how far the student is, and the optimiser's state."""

    train: list[Targets] = field(default_factory=list)  # in the order in which the teacher reads
    exam: list[Targets] = field(default_factory=list)
    position: Position | None = None  # None: the teacher is not done
    state: dict[str, Floats] = field(default_factory=dict)  # of the backend

    def to_arrays(self) -> tuple[Arrays, dict[str, Any]]:
        """The same as arrays by name, and numbers that JSON can hold."""
        arrays = {f"state.{name}": values for name, values in self.state.items()}
        for name, targets in (("train", self.train), ("exam", self.exam)):
            arrays |= _arrays(name, targets)
        if self.position is None:
            return arrays, {}
        best = self.position.best
        numbers = asdict(replace(self.position, best=None))  # asdict would copy the arrays
        if best is not None:
            arrays |= {f"best.{name}": values for name, values in best.adapter.items()}
            numbers["best"] = asdict(replace(best, adapter={}))
        return arrays, numbers


def state_from(arrays: Arrays, numbers: Mapping[str, Any]) -> TrainingState:
    """The night of which `to_arrays()` gave these."""
    night = TrainingState(train=list(_targets("train", arrays)), exam=list(_targets("exam", arrays)))
    if numbers:
        best = numbers["best"]
        trained = Trained(**{**best, "adapter": _under("best.", arrays)}) if best else None
        night.position = Position(**{**numbers, "best": trained})
        night.state = _under("state.", arrays)
    return night


class Checkpoints:
    """The place of one job's checkpoint; `folder` None: nothing is kept."""

    def __init__(self, folder: Path | None, job: str, *, every_s: float = EVERY_S) -> None:
        self._folder = folder if folder is not None and _is_private(folder) else None
        self._name = f"{job}{SUFFIX}"
        self._every_s = every_s
        self._last = time.monotonic()

    def load(self) -> tuple[Arrays, dict[str, Any]] | None:
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


def _read(path: Path) -> tuple[Arrays, dict[str, Any]] | None:
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


def _arrays(name: str, targets: Sequence[Targets]) -> Arrays:
    if not targets:
        return {}
    whole = join(targets)
    return {
        f"{name}.tokens": whole.tokens,
        f"{name}.logp": whole.logp,
        f"{name}.rest": whole.rest,
        f"{name}.lengths": np.array([len(each.rest) for each in targets], np.int64),
    }


def _targets(name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Iterator[Targets]:
    if f"{name}.lengths" not in arrays:
        return
    whole = Targets(**{part: arrays[f"{name}.{part}"] for part in ("tokens", "logp", "rest")})
    at = 0
    for length in arrays[f"{name}.lengths"].tolist():
        yield whole.part(slice(at, at + length))
        at += length


def _under(prefix: str, arrays: Arrays) -> dict[str, Floats]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
