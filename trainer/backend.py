"""
What the trainer needs from a library that computes gradients, and nothing more.

    lessons ──> pack() ──> Sequences ──> Backend.teach ──> Targets ──> Backend.step ... ──> Backend.adapter

Promises: all that crosses this seam are NumPy arrays; `A` is the number of answer tokens of a batch.
Knows nothing of torch or MLX.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequences:
    """Token sequences side by side, padded on the right, and where their answers are foretold."""

    tokens: Ints  # (B, T)
    rows: Ints  # (A,) which sequence
    columns: Ints  # (A,) the position whose next token belongs to the answer
    answers: Ints  # (A,) that token


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What the teacher expects at each answer token."""

    tokens: Ints  # (A, d) its d likeliest tokens
    logp: Floats  # (A, d) their log-probabilities, in nats
    rest: Floats  # (A,) log-probability of all other tokens together


class Backend(Protocol):
    """A base model with a fresh adapter on it."""

    parameters: int  # of the base model

    def teach(self, batch: Sequences, d: int) -> Targets:
        """What the base model expects, without the adapter."""

    def step(self, batch: Sequences, targets: Targets, learning_rate: float) -> float:
        """One update; the loss before it, in nats per answer token."""

    def loss(self, batch: Sequences, targets: Targets) -> float:
        """The same loss without an update."""

    def adapter(self) -> dict[str, Floats]:
        """A copy of the adapter: PEFT's tensor names, A (rank, in) and B (out, rank)."""


def pack(lessons: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Sequences:
    """
    Put (prompt, answer) token lists side by side; every answer token is foretold by the position before it.
    """
    longest = max(len(prompt) + len(answer) for prompt, answer in lessons)
    tokens = np.zeros((len(lessons), longest), np.int64)
    rows: list[int] = []
    columns: list[int] = []
    answers: list[int] = []
    for row, (prompt, answer) in enumerate(lessons):
        tokens[row, : len(prompt) + len(answer)] = [*prompt, *answer]
        rows += [row] * len(answer)
        columns += range(len(prompt) - 1, len(prompt) + len(answer) - 1)
        answers += answer
    return Sequences(
        tokens=tokens,
        rows=np.array(rows, np.int64),
        columns=np.array(columns, np.int64),
        answers=np.array(answers, np.int64),
    )


def join(targets: Sequence[Targets]) -> Targets:
    """The targets of several lessons, in their order, as those of one batch."""
    return Targets(
        tokens=np.concatenate([each.tokens for each in targets]),
        logp=np.concatenate([each.logp for each in targets]),
        rest=np.concatenate([each.rest for each in targets]),
    )
