"""How far a piece of long work is: yielded or passed on by the worker, shown by the caller."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a long piece of work is."""

    done: int
    total: int
    unit: str
    note: str
    loss: float | None = None  # nats per answer token of the last step, while the student learns
    exam_loss: float | None = None  # the same of held-out lessons, now and then
