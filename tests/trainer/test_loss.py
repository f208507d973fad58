"""Each loss and its gradient are those of a plain NumPy reference."""

import numpy as np
import pytest
import torch

from trainer.backend import Sequences
from trainer.loss import hard_targets, loss

ANSWERS, TOKENS, D = 7, 50, 5
KINDS = ["raw", "renormalised", "rest", "hard"]


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def reference(kind: str, student_logits: np.ndarray, top: np.ndarray, teacher_logp: np.ndarray) -> float:
    """In probabilities, token by token: teacher_logp is (A, V), top (A, d)."""
    values = []
    for logits, tokens, expected in zip(student_logits, top, np.exp(teacher_logp), strict=True):
        q = np.exp(log_softmax(logits))
        p_top, q_top = expected[tokens], q[tokens]
        if kind == "hard":
            values.append(-np.log(q_top[0]))
        if kind == "raw":
            values.append(-(p_top * np.log(q_top)).sum())
        if kind == "renormalised":
            p_top, q_top = p_top / p_top.sum(), q_top / q_top.sum()
            values.append((p_top * np.log(p_top / q_top)).sum())
        if kind == "rest":
            p_top, q_top = np.append(p_top, 1 - p_top.sum()), np.append(q_top, 1 - q_top.sum())
            values.append((p_top * np.log(p_top / q_top)).sum())
    return float(np.mean(values))


def ours(kind: str, student_logits: torch.Tensor, top: np.ndarray, teacher_logp: np.ndarray) -> torch.Tensor:
    logp = student_logits.log_softmax(-1)
    tokens = torch.from_numpy(top)
    rest = logp.scatter(-1, tokens, -torch.inf).logsumexp(-1)
    teacher = torch.from_numpy(np.take_along_axis(teacher_logp, top, -1))
    teacher_rest = torch.from_numpy(np.log(1 - np.exp(teacher.numpy()).sum(-1))) if kind != "hard" else rest
    return loss(
        kind,
        logp.gather(-1, tokens),
        rest,
        torch.zeros_like(teacher) if kind == "hard" else teacher,
        teacher_rest,
    )


@pytest.fixture(params=KINDS)
def case(request):
    chance = np.random.default_rng(2)
    student = chance.normal(0, 2, (ANSWERS, TOKENS))
    teacher = log_softmax(chance.normal(0, 3, (ANSWERS, TOKENS)))
    top = np.argsort(-teacher, axis=-1)[:, : 1 if request.param == "hard" else D].copy()
    return request.param, student, top, teacher


def test_each_loss_is_that_of_the_reference(case):
    kind, student, top, teacher = case

    actual = float(ours(kind, torch.from_numpy(student), top, teacher))

    assert reference(kind, student, top, teacher) == pytest.approx(actual, rel=1e-12)


def test_each_gradient_is_that_of_finite_differences(case):
    kind, student, top, teacher = case
    logits = torch.from_numpy(student).requires_grad_()
    ours(kind, logits, top, teacher).backward()
    chance, epsilon = np.random.default_rng(4), 1e-6
    places = [(row, token) for row in range(ANSWERS) for token in [*top[row], *chance.integers(0, TOKENS, 5)]]
    for row, token in places:
        up, down = student.copy(), student.copy()
        up[row, token] += epsilon
        down[row, token] -= epsilon
        slope = (reference(kind, up, top, teacher) - reference(kind, down, top, teacher)) / (2 * epsilon)

        assert slope == pytest.approx(float(logits.grad[row, token]), abs=1e-8)


def test_only_the_renormalised_loss_leaves_the_tail_free():
    """The student's mass moves to a token outside the teacher's top d: one loss does not see it."""
    chance = np.random.default_rng(6)
    teacher = log_softmax(chance.normal(0, 3, (ANSWERS, TOKENS)))
    top = np.argsort(-teacher, axis=-1)[:, :D].copy()
    moved = teacher.copy()
    moved[np.arange(ANSWERS), np.argmin(teacher, -1)] += 20
    rises = {
        kind: float(
            ours(kind, torch.from_numpy(moved), top, teacher)
            - ours(kind, torch.from_numpy(teacher), top, teacher)
        )
        for kind in KINDS[:3]
    }

    assert rises["raw"] > 3
    assert rises["rest"] > 3
    assert rises["renormalised"] == pytest.approx(0, abs=1e-9)


def test_a_student_certain_of_the_wrong_token_still_has_a_gradient():
    """In float32, where 1 - top is lost to rounding."""
    logits = torch.full((1, TOKENS), -30.0)
    logits[0, 9] = 30.0
    logits.requires_grad_()
    teacher = log_softmax(np.array([[8.0, 2, 1, 0, 0] + [-9.0] * (TOKENS - 5)], np.float32))
    value = ours("rest", logits, np.arange(D)[None], teacher)
    value.backward()

    assert torch.isfinite(value)
    assert logits.grad[0, 0] < -0.9
    assert logits.grad[0, 9] > 0.9


def test_hard_targets_are_the_answer_itself():
    answers = np.array([3, 1, 4])
    zeros = np.zeros(3, np.int64)
    targets = hard_targets(Sequences(tokens=zeros, lengths=zeros, places=zeros, answers=answers))

    assert [[3], [1], [4]] == targets.tokens.tolist()
    assert 0 == targets.logp.sum()
