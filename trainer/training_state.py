"""
Where a night stands: what the teacher said so far, and how far the student is.

Promises: a night that goes on from its arrays and numbers takes the very steps it would have taken.
Knows nothing of files or libraries.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.backend import Floats, Targets, join

Arrays = dict[str, npt.NDArray[Any]]


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
class Night:
    """All of a night that is worth keeping."""

    train: list[Targets] = field(default_factory=list)  # in the order in which the teacher reads
    exam: list[Targets] = field(default_factory=list)
    position: Position | None = None  # None: the teacher is not done
    state: dict[str, Floats] = field(default_factory=dict)  # of the backend

    def kept(self) -> tuple[Arrays, dict[str, Any]]:
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


def night_of(arrays: Mapping[str, npt.NDArray[Any]], numbers: Mapping[str, Any]) -> Night:
    """The night of which `kept()` gave these."""
    night = Night(train=list(_targets("train", arrays)), exam=list(_targets("exam", arrays)))
    if numbers:
        best = numbers["best"]
        trained = Trained(**{**best, "adapter": _under("best.", arrays)}) if best else None
        night.position = Position(**{**numbers, "best": trained})
        night.state = _under("state.", arrays)
    return night


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
    at = 0
    for length in arrays.get(f"{name}.lengths", np.zeros(0, np.int64)).tolist():
        mine = slice(at, at + length)
        at += length
        yield Targets(
            tokens=arrays[f"{name}.tokens"][mine],
            logp=arrays[f"{name}.logp"][mine],
            rest=arrays[f"{name}.rest"][mine],
        )


def _under(prefix: str, arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, Floats]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
