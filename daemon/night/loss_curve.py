"""
How far a night is, how long each stage took, and its loss curve: how the loss fell, step by step, in few enough numbers
to keep and draw.

A line has fewer than `MOST` points, evenly spread over the whole training. Neighbours are joined to their mean.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from daemon.progress import Progress

MOST = 240
DIGITS = 4
TELLING = 0.05  # of a night, from which its pace tells when it will be over
STUDY, GENERAL, TEACHER, STUDENT, EXAM = "study", "general", "teacher", "student", "exam"  # stages of a night
Point = tuple[int, float]  # step, nats per answer token


@dataclass(slots=True)
class Line:
    """Losses, of which each point is the mean of the same number of them."""

    points: list[Point] = field(default_factory=list)
    width: int = 1
    coming: list[float] = field(default_factory=list)  # of the next point
    step: int = 0

    def add(self, step: int, loss: float) -> None:
        """The next loss."""
        self.step = step
        self.coming.append(loss)
        if len(self.coming) == self.width:
            self.points.append((step, fmean(self.coming)))
            self.coming = []
        if len(self.points) == MOST:
            pairs = zip(self.points[::2], self.points[1::2], strict=True)
            self.points = [(step, (first + later) / 2) for (_, first), (step, later) in pairs]
            self.width *= 2

    def numbers(self) -> list[list[float]]:
        """All points, the unfinished one too."""
        last = [(self.step, fmean(self.coming))] if self.coming else []
        return [[step, round(loss, DIGITS)] for step, loss in [*self.points, *last]]


@dataclass(slots=True)
class LossCurve:
    """The losses of one training so far."""

    train: Line = field(default_factory=Line)  # of what it learns
    exam: Line = field(default_factory=Line)  # of the exam's lessons, now and then
    total: int = 0  # steps that are planned

    def add(self, progress: Progress) -> None:
        """Add one step; progress in other units is passed over."""
        if progress.unit != "steps":
            return
        self.total = progress.total
        if progress.loss is not None:
            self.train.add(progress.done, progress.loss)
        if progress.exam_loss is not None:
            self.exam.add(progress.done, progress.exam_loss)

    def numbers(self) -> dict[str, object]:
        """JSON-able, without a text."""
        return {"train": self.train.numbers(), "exam": self.exam.numbers(), "total": self.total}


@dataclass(slots=True)
class Stages:
    """When each stage of a night was at work, by its progress: to measure the pace of the next one."""

    began: dict[str, tuple[float, int]] = field(default_factory=dict)  # moment, and what was done by then
    ended: dict[str, tuple[float, int]] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    loading: float | None = None  # moment at which the trainer began to load
    clock: Callable[[], float] = time.monotonic

    def note(self, progress: Progress) -> None:
        """Take one step down."""
        moment = self.clock()
        if progress.note == "loading the model":
            self.loading = moment
        stage = _stage(progress)
        if stage is None or not progress.total:
            return
        self.began.setdefault(stage, (moment, progress.done))
        self.ended[stage] = (moment, progress.done)
        self.totals.setdefault(stage, progress.total)

    def done(self, stage: str) -> int:
        """What it had done at its last sign; 0 where it was not seen."""
        return self.ended[stage][1] if stage in self.ended else 0

    def seconds(self, stage: str) -> float:
        """From its first sign to its last; 0 where it was not seen."""
        return self.ended[stage][0] - self.began[stage][0] if stage in self.began else 0.0

    def numbers(self) -> dict[str, float]:
        """For the record of the night."""
        return {
            f"{stage}_s": round(self.seconds(stage), 2) for stage in (STUDY, GENERAL, TEACHER, STUDENT, EXAM)
        }


def _stage(progress: Progress) -> str | None:
    units = {"memories": STUDY, "rounds": GENERAL, "questions": EXAM, "steps": STUDENT}
    if progress.unit in units:
        return units[progress.unit]
    return TEACHER if progress.note.startswith("the teacher") and "exam" not in progress.note else None


@dataclass(slots=True)
class NightProgress:
    """How far the night is that runs, or ran last."""

    latest: Progress | None = None  # None: no night runs
    curve: LossCurve = field(default_factory=LossCurve)
    stages: Stages = field(default_factory=Stages)
    _most: float = 0.0  # of the whole night, that was told

    def whole(self, costs: Mapping[str, float]) -> float:
        """
        How much of the night is over, 0 to 1; it never goes back.

        Args:
            costs: per stage what it takes, in any unit.
        """
        order = (STUDY, TEACHER, STUDENT, EXAM)
        seen = [stage for stage in order if stage in self.stages.began]
        if seen:
            now, total = seen[-1], sum(costs[stage] for stage in order) or 1.0
            over = sum(costs[stage] for stage in order[: order.index(now)])
            part = self.stages.done(now) / max(1, self.stages.totals[now])
            self._most = max(self._most, (over + costs[now] * min(1.0, part)) / total)
        return min(1.0, self._most)

    def left_s(self, costs: Mapping[str, float]) -> float | None:
        """Seconds until it is over, at the pace so far; None while that can't be told."""
        begun = [moment for moment, _ in self.stages.began.values()]
        part = self.whole(costs)
        if not begun or part < TELLING:
            return None
        return (self.stages.clock() - min(begun)) * (1 - part) / part

    def note(self, progress: Progress) -> None:
        """Take one step down."""
        self.latest = progress
        self.curve.add(progress)
        self.stages.note(progress)
