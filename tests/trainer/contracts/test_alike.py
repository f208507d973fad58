"""MLX does what torch does: the same adapter means the same there, and the same lessons change it alike."""

import random
from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.contracts.conftest import RECIPE
from tests.trainer.contracts.test_backend import BATCH, aims
from tests.trainer.random_models import LLAMA_31
from trainer.architectures import ARCHITECTURES
from trainer.gguf_model import open_model
from trainer.mlx_backend import MlxBackend
from trainer.torch_backend import TorchBackend

KINDS = ("rest", "hard")  # the losses themselves are one text for both


def pair(path, **recipe) -> tuple[TorchBackend, MlxBackend]:
    """Both with one and the same fresh adapter."""
    asked = replace(RECIPE, **recipe)
    torch = TorchBackend(open_model(path), replace(asked, device="cpu"), 1)
    mlx = MlxBackend(open_model(path), replace(asked, device="mlx"), 1)
    hand_over(torch, mlx)
    return torch, mlx


def hand_over(torch: TorchBackend, mlx: MlxBackend) -> None:
    mlx.restore(mlx.state() | torch.adapter())


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_adapter_has_the_same_loss_and_logits(tiny, kind):
    torch, mlx = pair(tiny, loss=kind)
    targets = aims(torch, kind)
    for _ in range(5):
        torch.step(BATCH, targets, 0.01)
    hand_over(torch, mlx)
    tokens = BATCH.tokens.tolist()

    assert torch.loss(BATCH, targets) == pytest.approx(mlx.loss(BATCH, targets), rel=1e-4)
    assert np.abs(torch.logits(tokens) - mlx.logits(tokens)).max() < 1e-3


@pytest.mark.parametrize(
    ("architecture", "scaling"), [*((name, None) for name in ARCHITECTURES), ("llama", LLAMA_31)]
)
def test_every_architecture_is_the_same_model_in_both(write_model, architecture, scaling):
    """Read in 40 tokens: more than a sliding layer sees, and than some rotations need for a turn."""
    torch, mlx = pair(write_model(architecture=architecture, scaling=scaling, seed=4), loss="hard")
    torch.step(BATCH, aims(torch, "hard"), 0.01)
    hand_over(torch, mlx)
    tokens = random.Random(3).choices(range(300), k=40)
    logits = torch.logits(tokens)

    assert np.abs(logits - mlx.logits(tokens)).max() < 1e-4 * np.ptp(logits)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("clip", [1000.0, 0.1])
def test_the_same_steps_lead_to_like_adapters(tiny, kind, clip):
    """
    Three steps of 0.01, weights decaying, move most numbers by 0.03. AdamW divides each number's gradient by its own
    size, so that one whose gradient is all rounding may go either way: hence a quantile, not the worst.
    """
    torch, mlx = pair(tiny, loss=kind, clip=clip, weight_decay=0.1)
    targets, rate = aims(torch, kind), 0.01
    start = torch.adapter()
    first = [backend.step(BATCH, targets, rate) for backend in (torch, mlx)]
    later = [[backend.step(BATCH, targets, rate) for _ in range(2)] for backend in (torch, mlx)]
    one, other = torch.adapter(), mlx.adapter()

    assert first[0] == pytest.approx(first[1], rel=1e-4)
    assert later[0] == pytest.approx(later[1], rel=1e-3)
    for name in one:
        moved = np.abs(one[name] - start[name])
        apart = np.abs(one[name] - other[name])
        assert np.quantile(apart, 0.98) < 0.02 * np.median(moved), name
