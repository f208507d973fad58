"""
What the trainer needs from a library that computes gradients, and nothing more. All that crosses are NumPy arrays.

    lessons ──> pack() ──> Sequences ──> Backend.teach ──> Targets ──> Backend.step ... ──> Backend.adapter

`A` is the number of answer tokens of a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from trainer.recipe import Base

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequences:
    """Token sequences one behind the other, without padding, and where their answers are foretold."""

    tokens: Ints  # (T,) of all sequences
    lengths: Ints  # (B,) tokens of each sequence; they sum to T
    places: Ints  # (A,) the place in `tokens` whose next token belongs to an answer
    answers: Ints  # (A,) that token

    def some(self, chosen: Sequence[int]) -> "Sequences":
        """The sequences of these indices, without places and answers."""
        ends = np.cumsum(self.lengths)
        none = np.zeros(0, np.int64)
        tokens = [self.tokens[ends[index] - self.lengths[index] : ends[index]] for index in chosen]
        return Sequences(
            tokens=np.concatenate(tokens), lengths=self.lengths[list(chosen)], places=none, answers=none
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What the teacher expects at each answer token."""

    tokens: Ints  # (A, d) its d likeliest tokens
    logp: Floats  # (A, d) their log-probabilities, in nats
    rest: Floats  # (A,) log-probability of all other tokens together

    def part(self, mine: slice | Ints) -> "Targets":
        """Those of some answer tokens."""
        return Targets(tokens=self.tokens[mine], logp=self.logp[mine], rest=self.rest[mine])


class Backend(Protocol):
    """
    A base model with a fresh adapter on it.

    No sequence of a batch sees another one. A batch that does not fit raises `OutOfMemory`, and leaves adapter and
    optimiser as they were.
    """

    base: Base
    name: str  # for people: library, device and how the numbers are stored, such as "torch, cpu, float32"

    def read_ahead(self, batch: Sequences) -> None:
        """Compute once what no step changes of what the student reads; a backend may do nothing."""

    def teach(self, batch: Sequences, d: int) -> Targets:
        """What the base model expects, without the adapter."""

    def step(self, batch: Sequences, targets: Targets, learning_rate: float) -> float:
        """One update; the loss before it, in nats per answer token."""

    def loss(self, batch: Sequences, targets: Targets) -> float:
        """The same loss without an update."""

    def adapter(self) -> dict[str, Floats]:
        """A copy of the adapter: PEFT's tensor names, A (rank, in) and B (out, rank)."""

    def state(self) -> dict[str, Floats]:
        """A copy of all that the next step depends on, adapter and optimiser, by names of the backend's own."""

    def restore(self, state: dict[str, Floats]) -> None:
        """Go on from what `state()` gave, in this process or in another."""

    def peak_mb(self) -> float:
        """The most memory ever taken, in MB (10**6 bytes): of the device on CUDA, else of the process."""


def pack(lessons: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Sequences:
    """Put (prompt, answer) token lists one behind the other; an answer token is foretold by the place before it."""
    tokens: list[int] = []
    places: list[int] = []
    answers: list[int] = []
    for prompt, answer in lessons:
        first = len(tokens) + len(prompt) - 1
        places += range(first, first + len(answer))
        tokens += [*prompt, *answer]
        answers += answer
    return Sequences(
        tokens=np.array(tokens, np.int64),
        lengths=np.array([len(prompt) + len(answer) for prompt, answer in lessons], np.int64),
        places=np.array(places, np.int64),
        answers=np.array(answers, np.int64),
    )


def join(targets: Sequence[Targets]) -> Targets:
    """The targets of several lessons, in their order, as those of one batch."""
    return Targets(
        tokens=np.concatenate([each.tokens for each in targets]),
        logp=np.concatenate([each.logp for each in targets]),
        rest=np.concatenate([each.rest for each in targets]),
    )
