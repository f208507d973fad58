"""A backend without a model: its losses are a script."""

from collections.abc import Sequence

import numpy as np

from trainer.backend import Floats, Sequences, Targets
from trainer.errors import OutOfMemory
from trainer.recipe import Base


def first_places(batch: Sequences) -> np.ndarray:
    """Where each sequence begins."""
    return np.cumsum(batch.lengths) - batch.lengths


class FakeBackend:
    """Gives `step_losses` and `exam_losses` in turn, the last one for ever; holds `room` lessons at a time."""

    base = Base(parameters=1_000, pretrained=False)
    name = "a script"

    def __init__(
        self, step_losses: Sequence[float] = (1.0,), exam_losses: Sequence[float] = (1.0,), room: int = 1_000
    ) -> None:
        self.room = room
        self.step_losses, self.exam_losses = list(step_losses), list(exam_losses)
        self.seen: list[list[int]] = []
        self.taught: list[Sequences] = []

    def read_ahead(self, batch: Sequences) -> None:
        pass

    def teach(self, batch: Sequences, d: int) -> Targets:
        self._fit(batch)
        self.taught.append(batch)
        tokens = np.repeat(batch.answers[:, None], d, axis=1)
        return Targets(
            tokens=tokens, logp=-tokens.astype(np.float32) / 8, rest=-batch.answers.astype(np.float32) / 8
        )

    def step(self, batch: Sequences, targets: Targets, learning_rate: float) -> float:
        self._fit(batch)
        self.seen.append(batch.tokens[first_places(batch)].tolist())
        return self.step_losses.pop(0) if len(self.step_losses) > 1 else self.step_losses[0]

    def loss(self, batch: Sequences, targets: Targets) -> float:
        self._fit(batch)
        return self.exam_losses.pop(0) if len(self.exam_losses) > 1 else self.exam_losses[0]

    def adapter(self) -> dict[str, Floats]:
        return {"steps": np.array([len(self.seen)], np.float32)}

    def state(self) -> dict[str, Floats]:
        return self.adapter()

    def restore(self, state: dict[str, Floats]) -> None:
        self.seen = [[]] * int(state["steps"][0])

    def _fit(self, batch: Sequences) -> None:
        if len(batch.lengths) > self.room:
            raise OutOfMemory("pretending", len(batch.lengths))

    def peak_mb(self) -> float:
        return 1.0
