"""Each loss and its gradient are those of a plain NumPy reference."""

import numpy as np
import pytest
import torch

from tests.trainer import reference
from trainer.backend import Targets
from trainer.loss import loss
from trainer.targets import LEAST, finite

ANSWERS, TOKENS, D = 7, 50, 5
KINDS = ["raw", "renormalised", "rest", "hard"]


def by_autograd(kind: str, logits: np.ndarray, targets: Targets) -> tuple[float, np.ndarray]:
    """Ours, in the precision of `logits`: the loss and its gradient."""
    given = torch.from_numpy(logits).requires_grad_()
    logp, tokens = given.log_softmax(-1), torch.from_numpy(targets.tokens)
    rest = logp.scatter(-1, tokens, -torch.inf).logsumexp(-1)
    teacher, teacher_rest = (
        torch.from_numpy(each.astype(logits.dtype)) for each in (targets.logp, targets.rest)
    )
    value = loss(kind, logp.gather(-1, tokens), rest, teacher, teacher_rest)
    value.backward()
    return float(value.detach()), given.grad.numpy()


def targets_of(teacher: np.ndarray, kind: str) -> Targets:
    """The top D of (A, V) teacher logits, as the trainer keeps them."""
    logp = reference.log_softmax(np.asarray(teacher, np.float64))
    tokens = np.argsort(-logp, axis=-1)[:, : 1 if kind == "hard" else D]
    top = np.take_along_axis(logp, tokens, -1)
    others = np.exp(logp)
    np.put_along_axis(others, tokens, 0.0, -1)
    with np.errstate(divide="ignore"):
        rest = np.log(others.sum(-1))
    if kind == "hard":
        top = np.zeros_like(top)
    return finite(Targets(tokens=tokens, logp=top, rest=rest))


EXTREMES = {
    "an ordinary teacher": (3.0, 2.0),
    "a teacher certain of one token, others at minus infinity": (None, 2.0),
    "a teacher certain of one token, others nearly impossible": (60.0, 2.0),
    "a student certain of other tokens": (3.0, 40.0),
    "both certain, of different tokens": (60.0, 40.0),
    "a student that knows nothing": (3.0, 0.0),
}


@pytest.mark.parametrize(("precision", "tolerance"), [(np.float64, 1e-7), (np.float32, 3e-5)])
@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients_are_those_of_the_reference_also_at_extremes(
    kind, extreme, precision, tolerance
):
    of_teacher, of_student = EXTREMES[extreme]
    chance = np.random.default_rng(8)
    student = (of_student * chance.normal(size=(ANSWERS, TOKENS))).astype(precision)
    teacher = (of_teacher or 1.0) * chance.normal(size=(ANSWERS, TOKENS))
    if of_teacher is None:
        teacher[:, 1:] = -np.inf
    targets = targets_of(teacher, kind)
    rest = np.where(targets.rest <= LEAST, 0.0, np.exp(np.float64(targets.rest)))
    p = np.where(targets.logp <= LEAST, 0.0, np.exp(np.float64(targets.logp)))
    expected, slope = reference.value_and_slope(kind, student, targets.tokens, p, rest)

    actual, gradient = by_autograd(kind, student, targets)

    assert np.isfinite(actual)
    assert expected == pytest.approx(actual, rel=tolerance, abs=tolerance)
    np.testing.assert_allclose(slope, gradient, atol=tolerance)


def test_only_the_renormalised_loss_leaves_the_tail_free():
    """The student's mass moves to a token outside the teacher's top d: one loss does not see it."""
    teacher = np.random.default_rng(6).normal(0, 3, (ANSWERS, TOKENS))
    moved = teacher.copy()
    moved[np.arange(ANSWERS), np.argmin(teacher, -1)] += 30
    rises = {}
    for kind in KINDS[:3]:
        targets = targets_of(teacher, kind)
        rises[kind] = by_autograd(kind, moved, targets)[0] - by_autograd(kind, teacher, targets)[0]

    assert rises["raw"] > 3
    assert rises["rest"] > 3
    assert rises["renormalised"] == pytest.approx(0, abs=1e-6)


def test_a_student_certain_of_the_wrong_token_still_has_a_gradient():
    """In float32, where 1 - top is lost to rounding."""
    student = np.full((1, TOKENS), -30.0, np.float32)
    student[0, 9] = 30.0
    teacher = np.array([[8.0, 2, 1, 0, 0] + [-9.0] * (TOKENS - 5)])
    value, slope = by_autograd("rest", student, targets_of(teacher, "rest"))

    assert np.isfinite(value)
    assert slope[0, 0] < -0.9
    assert slope[0, 9] > 0.9
