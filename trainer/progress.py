"""What a trainer says while it works and when it is done. Knows nothing of how it is shown."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the work is."""

    done: int
    total: int
    unit: str  # "lessons" while the teacher answers, "steps" while the student learns
    note: str
    loss: float | None = None  # nats per answer token of the last step


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An adapter was written."""

    adapter: Path
    sha256: str
    steps: int  # of the adapter that was written; more may have been tried before the early stop
    train_loss: float  # nats per answer token, mean of the last tenth of the steps
    exam_loss: (
        float | None
    )  # nats per answer token of the adapter that was written; None without exam lessons
    seconds: float
    lessons: int  # of the train split, learned
    skipped: int  # of both splits, too long
