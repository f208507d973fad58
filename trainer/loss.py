"""
The distillation loss: the distance between what teacher and student expect, on answer tokens only, in nats.

All losses need just the student's log-probabilities of the teacher's d likeliest tokens, so that one text
serves every library: only operations that torch tensors and MLX arrays both have are used here.

    raw           -sum p log q over the top d. Source: Cartridges (HazyResearch); the tail costs nothing
    renormalised  KL of both distributions made to sum to one over the top d; the student's tail is free, so
                  that the loss can be near zero while another token is likeliest (it taught our tiny model nothing)
    rest          KL over the top d and one bucket for all other tokens; nothing is free. The default
    hard          cross-entropy of the lesson's own answer tokens; no teacher
"""

from typing import Any, TypeAlias

import numpy as np

from trainer.backend import Sequences, Targets

Array: TypeAlias = Any  # torch.Tensor or mlx.core.array


def loss(kind: str, student: Array, student_rest: Array, teacher: Array, teacher_rest: Array) -> Array:
    """
    One number to make smaller.

    Args:
        kind: "raw", "renormalised", "rest" or "hard".
        student: (A, d) log-probabilities of the teacher's tokens.
        student_rest: (A,) log-probability of all other tokens; read by "rest" only.
        teacher: (A, d) as `Targets.logp`.
        teacher_rest: (A,) as `Targets.rest`.
    """
    if kind in ("raw", "hard"):
        return -(teacher.exp() * student).sum(-1).mean()
    if kind == "renormalised":
        student = student - student.logsumexp(-1)[:, None]
        teacher = teacher - teacher.logsumexp(-1)[:, None]
        return (teacher.exp() * (teacher - student)).sum(-1).mean()
    top = (teacher.exp() * (teacher - student)).sum(-1)
    return (top + teacher_rest.exp() * (teacher_rest - student_rest)).mean()


def hard_targets(batch: Sequences) -> Targets:
    """The lesson's own answer tokens as if a teacher were certain of them."""
    return Targets(
        tokens=batch.answers[:, None],
        logp=np.zeros((len(batch.answers), 1), np.float32),
        rest=np.zeros(len(batch.answers), np.float32),
    )
