"""What only torch does: a base stored as in the file, checkpointing, and what a lack of memory leaves."""

import random
from dataclasses import replace

import gguf
import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from trainer.architectures import ARCHITECTURES
from trainer.backend import join, pack
from trainer.errors import OutOfMemory
from trainer.gguf_model import open_model
from trainer.layout import layout_of
from trainer.loss import hard_targets
from trainer.micro_batches import activations_mb
from trainer.recipe import Recipe
from trainer.torch_backend import TorchBackend
from trainer.torch_model import fits_whole
from trainer.torch_quantised import SLICE, QuantisedLinear

RECIPE = Recipe(layers=1.0, threads=1, device="cpu", precision="float32", rank=4)
CHANCE = random.Random(5)
LESSONS = [
    (CHANCE.choices(range(300), k=prompt), CHANCE.choices(range(300), k=answer))
    for prompt, answer in [(7, 3), (5, 5), (20, 1), (1, 2), (4, 6), (31, 4)]
]
BATCH = pack(LESSONS)
KINDS = gguf.GGMLQuantizationType


def open_tiny(path, recipe=RECIPE, free=lambda: None, part_mb=None):
    """A backend whose adapter is no longer zero, so that it has a say."""
    backend = TorchBackend(open_model(path), recipe, 1, free, part_mb)
    chance = np.random.default_rng(1)
    backend.restore(
        {
            name: (0.3 * chance.normal(size=values.shape)).astype(np.float32) if "weights" in name else values
            for name, values in backend.state().items()
        }
    )
    return backend


def opened(path, **recipe):
    return open_tiny(path, replace(RECIPE, **recipe))


@pytest.fixture
def whole_and_held(write_model):
    """Two backends on one base, which is whole in memory or stored as in the file."""

    def open_both(kind, *, tied=True, **recipe):
        path = write_model(kind, tied=tied)
        return [opened(path, base=base, **recipe) for base in ("whole", "held")]

    return open_both


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_begins_alike_is_taught_and_learned_as_each_lesson_alone(write_model, architecture):
    """The stem is longer than a sliding layer sees; the first gradient is what the moments are made of."""
    stem = list(range(100, 111))
    lessons = [([*stem, *prompt], answer) for prompt, answer in LESSONS] + LESSONS[:2] + [(stem, [7])]
    batch, path = pack(lessons), write_model(architecture=architecture)
    together = opened(path, clip=1e9)
    targets = together.teach(batch, 5)
    alone = [together.teach(pack([lesson]), 5) for lesson in lessons]
    together.step(batch, targets, 0.0)
    one_by_one = opened(path, clip=1e9)
    one_by_one._optimiser.zero_grad()
    for lesson, aims in zip(lessons, alone, strict=True):
        part = pack([lesson])
        (one_by_one._loss(part, aims) * len(part.answers) / len(batch.answers)).backward()

    assert len(layout_of(batch).chosen) < 0.7 * len(batch.tokens)
    np.testing.assert_allclose(targets.logp, join(alone).logp, atol=2e-5)
    for mine, theirs in zip(together._trained, one_by_one._trained, strict=True):
        np.testing.assert_allclose(mine.grad, theirs.grad, atol=2e-5 * float(theirs.grad.abs().max() + 1e-3))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_steps_that_begin_above_the_layers_that_stay_are_those_of_the_whole_model(write_model, architecture):
    """What enters the upper layers is kept in 16 bits: hence the tolerance."""
    path = write_model(architecture=architecture)
    plain, quick = (opened(path, layers=0.5) for _ in range(2))
    plain._first = plain._lower._first = 0  # all layers at each step, in float32
    runs: list[int] = []
    quick._base.model.layers[0].register_forward_hook(lambda *_: runs.append(1))
    quick.read_ahead(BATCH)
    targets = plain.teach(BATCH, 5)
    said = quick.teach(BATCH, 5)
    losses = [[backend.step(BATCH, targets, 0.01) for _ in range(4)] for backend in (plain, quick)]

    assert [1] == runs
    np.testing.assert_allclose(targets.logp, said.logp, atol=0.03)
    assert losses[0] == pytest.approx(losses[1], rel=0.01)
    for name, values in plain.adapter().items():
        moved = values - quick.adapter()[name]
        assert np.abs(moved).mean() < 0.002, name  # of 0.04 that four such steps move a number


def test_what_finds_no_room_is_computed_at_each_step_alike(tiny):
    kept, forgetful = (opened(tiny, layers=0.5) for _ in range(2))
    forgetful._lower._room = 1.0
    for backend in (kept, forgetful):
        backend.read_ahead(BATCH)
        for _ in range(3):
            backend.step(BATCH, hard_targets(BATCH), 0.01)

    assert {} == forgetful._lower._kept
    for name, values in kept.state().items():
        assert np.array_equal(values, forgetful.state()[name])


def test_the_upper_half_learns_in_bfloat16_too(tiny):
    whole, half = (opened(tiny, layers=0.5, precision=each) for each in ("float32", "bfloat16"))
    losses = []
    for backend in (whole, half):
        backend.read_ahead(BATCH)
        losses.append(backend.step(BATCH, hard_targets(BATCH), 0.01))

    assert losses[0] == pytest.approx(losses[1], rel=0.01)


def test_checkpointing_changes_no_step(tiny):
    plain, saving = (opened(tiny, checkpointing=each) for each in ("off", "on"))
    for backend in (plain, saving):
        backend.step(BATCH, hard_targets(BATCH), 0.01)
    states = [{name: values.tobytes() for name, values in each.state().items()} for each in (plain, saving)]

    assert (False, True) == ("checkpointing" in plain.name, "checkpointing" in saving.name)
    assert states[0] == states[1]


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("kind", [KINDS.Q8_0, KINDS.F16, KINDS.BF16], ids=lambda kind: kind.name)
def test_a_base_held_as_in_the_file_gives_the_same_loss_and_step(whole_and_held, kind, tied):
    whole, held = whole_and_held(kind, tied=tied)
    targets = whole.teach(BATCH, 5)
    np.testing.assert_allclose(targets.logp, held.teach(BATCH, 5).logp, atol=1e-5)

    assert whole.loss(BATCH, targets) == pytest.approx(held.loss(BATCH, targets), rel=1e-6)
    for backend in (whole, held):
        backend.step(BATCH, targets, 0.01)
    for name, values in whole.state().items():
        np.testing.assert_allclose(values, held.state()[name], atol=1e-5)
    assert "as in the file" in held.name
    sizes = [
        sum(each.nbytes for each in backend._base.parameters() if not each.requires_grad)
        for backend in (whole, held)
    ]
    assert sizes[1] < 0.55 * sizes[0]


def test_a_base_of_any_other_type_is_held_in_halves(whole_and_held):
    whole, held = whole_and_held(KINDS.Q5_0)

    np.testing.assert_allclose(whole.teach(BATCH, 5).logp, held.teach(BATCH, 5).logp, atol=0.02)


@pytest.mark.parametrize("kind", [KINDS.Q8_0, KINDS.F16], ids=lambda kind: kind.name)
def test_a_held_base_learns_in_bfloat16_too(whole_and_held, kind):
    whole, held = whole_and_held(kind, precision="bfloat16")
    targets = hard_targets(BATCH)

    assert whole.step(BATCH, targets, 0.01) == pytest.approx(held.step(BATCH, targets, 0.01), rel=0.01)
    slopes = [torch.cat([weights.grad.ravel() for weights in each._trained]) for each in (whole, held)]
    assert torch.nn.functional.cosine_similarity(*slopes, dim=0) > 0.99


def kept_mb(path, checkpointing: str) -> float:
    """What autograd keeps of a forward pass over one sequence of 400 tokens, the weights left out."""
    backend = opened(path, checkpointing=checkpointing)
    batch = pack([(CHANCE.choices(range(300), k=399), [1])])
    kept: dict[int, int] = {}

    def keep(values: torch.Tensor) -> torch.Tensor:
        if not isinstance(values, torch.nn.Parameter):
            kept[values.untyped_storage().data_ptr()] = values.untyped_storage().nbytes()
        return values

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda values: values):
        value = backend._loss(batch, hard_targets(batch))
    assert value.requires_grad
    return sum(kept.values()) / 1e6


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_count_of_what_a_step_needs_is_about_what_autograd_keeps(write_model, architecture):
    path = write_model(architecture=architecture, hidden=128, ffn=384, head_dim=32)
    expected = activations_mb(open_model(path).shape, 400, 1, itemsize=4)
    whole = kept_mb(path, "off")

    assert whole == pytest.approx(expected, rel=0.2)
    assert kept_mb(path, "on") < 0.2 * whole


def test_a_matrix_of_several_slices_gives_one_slope_in_any_type():
    """Sums over the slices are made in float32; the slope has the type of what was given."""
    weight = torch.randn(3 * SLICE // 512 + 5, 512).half()
    matrix = QuantisedLinear(weight, None, torch.empty(SLICE))
    for kind, near in ((torch.float32, 1e-5), (torch.bfloat16, 0.02)):
        given = torch.randn(3, 512).to(kind).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=kind == torch.bfloat16):
            product = matrix(given)
        slope = torch.randn_like(product)
        product.backward(slope)
        exact = slope.float() @ weight.float()

        assert (kind, kind) == (product.dtype, given.grad.dtype)
        assert (given.grad - exact).norm() < near * exact.norm()


class Scarce(TorchDispatchMode):
    """Memory that runs out at the operation number `last` among those that take some."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.taken, self._last = 0, last

    def __torch_dispatch__(self, operation, types, given=(), named=None):
        if not operation._schema.is_mutable:  # what changes its arguments in place takes nothing
            self.taken += 1
            if self.taken == self._last:
                raise torch.OutOfMemoryError("no memory is left")
        return operation(*given, **(named or {}))


def test_a_step_that_runs_out_of_memory_at_any_moment_changes_nothing(tiny):
    batch = pack(LESSONS[:1])
    targets = hard_targets(batch)
    backend = opened(tiny, checkpointing="off")  # else it is tried again, keeping less
    with Scarce(-1) as plenty:
        backend.step(batch, targets, 0.01)
    before = backend.state()
    for last in [*range(1, plenty.taken, 301), *range(plenty.taken - 60, plenty.taken)]:
        with Scarce(last), pytest.raises(OutOfMemory, match="while learning"):
            backend.step(batch, targets, 0.01)

        assert all((values == before[name]).all() for name, values in backend.state().items())


@pytest.mark.parametrize(
    ("free_gb", "half", "whole"),
    [(15.5, True, True), (11.9, True, False), (15.5, False, False), (20.2, False, True)],
)
def test_a_card_without_bfloat16_needs_two_more_bytes_a_parameter(free_gb, half, whole):
    """A model of 4 billion parameters: a T4 has 16 GB and no bfloat16."""
    assert whole == fits_whole(free_gb * 1e9, 4_022_000_000, half)
