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
    exam_loss: float | None = None  # the same of the exam lessons, where they were looked at after that step


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
    contradicting: int  # of both splits, left out: another lesson answers the same question otherwise
    backend: str  # for people: library, device, how numbers are held
    peak_mb: float  # most memory held at once (10**6 bytes): of the card on CUDA, else of the process
    tokens: int  # of prompts and answers that the student learned, each as often as it was seen
    tokens_per_s: float  # of those, what this process learned in a second, teacher and exam looks included
    resumed_from: int  # step of the checkpoint that was gone on from; 0 = from the beginning
