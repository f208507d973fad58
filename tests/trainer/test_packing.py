"""A pack of sequences gives what each gives alone, and what a padded batch gives in transformers."""

import random
from dataclasses import replace

import gguf
import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.trainer import tiny_qwen3
from trainer.backend import Sequences, Targets, pack
from trainer.errors import OutOfMemory
from trainer.gguf_model import open_model
from trainer.loss import hard_targets
from trainer.micro_batches import activations_mb
from trainer.recipe import Recipe
from trainer.torch_backend import TorchBackend
from trainer.torch_model import runs_of
from trainer.torch_quantised import SLICE, QuantisedLinear

RECIPE = Recipe(threads=1, device="cpu", precision="float32", rank=4)
CHANCE = random.Random(5)
LESSONS = [
    (CHANCE.choices(range(300), k=prompt), CHANCE.choices(range(300), k=answer))
    for prompt, answer in [(7, 3), (5, 5), (20, 1), (1, 2), (4, 6), (31, 4)]
]
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


def learned(backend, batch, targets):
    """The adapter's change in one step, whose direction is the gradient's sign and more."""
    backend.step(batch, targets, 0.01)
    return backend.state()


def taught(backend, batch) -> Targets:
    return backend.teach(batch, 5)


def parts_of(targets: Targets, lessons) -> list[Targets]:
    ends = np.cumsum([len(answer) for _, answer in lessons])
    return [
        Targets(tokens=targets.tokens[a:b], logp=targets.logp[a:b], rest=targets.rest[a:b])
        for a, b in zip([0, *ends[:-1]], ends, strict=True)
    ]


def test_neighbours_of_equal_length_are_one_run():
    assert [(2, 3), (1, 2), (1, 3)] == runs_of([3, 3, 2, 3])
    assert [] == runs_of([])


def test_a_change_in_one_sequence_changes_no_other(tiny):
    backend = open_tiny(tiny)
    prompt, answer = LESSONS[0]
    other = [([9, *prompt[1:]], answer), *LESSONS[1:]]
    before, after = (parts_of(taught(backend, pack(each)), LESSONS) for each in (LESSONS, other))

    assert (before[0].logp != after[0].logp).all()
    for one, same in zip(before[1:], after[1:], strict=True):
        assert one.logp.tobytes() == same.logp.tobytes()


def padded_loss(backend: TorchBackend, targets: Targets) -> torch.Tensor:
    """The "rest" loss of LESSONS in a batch padded on the right, by transformers' own attention."""
    longest = max(len(prompt) + len(answer) for prompt, answer in LESSONS)
    ids, mask = torch.zeros(len(LESSONS), longest, dtype=torch.long), torch.zeros(len(LESSONS), longest)
    marked = torch.zeros(ids.shape, dtype=torch.bool)
    for row, (prompt, answer) in enumerate(LESSONS):
        end = len(prompt) + len(answer)
        ids[row, :end], mask[row, :end] = torch.tensor([*prompt, *answer]), 1
        marked[row, len(prompt) - 1 : end - 1] = True
    model = backend._base
    model.set_attn_implementation("eager")
    logp = model(input_ids=ids, attention_mask=mask).logits[marked].log_softmax(-1)
    top, rest = torch.from_numpy(targets.logp), torch.from_numpy(targets.rest)
    tokens = torch.from_numpy(targets.tokens)
    others = logp.scatter(-1, tokens, -torch.inf).logsumexp(-1)
    value = (top.exp() * (top - logp.gather(-1, tokens))).sum(-1) + rest.exp() * (rest - others)
    return value.mean()


def test_loss_and_gradient_are_those_of_a_padded_batch(tiny):
    packed, padded = open_tiny(tiny), open_tiny(tiny)
    batch = pack(LESSONS)
    targets = taught(packed, batch)
    value = padded_loss(padded, targets)
    value.backward()

    loss = packed.step(batch, targets, 0.0)

    assert float(value.detach()) == pytest.approx(loss, rel=1e-5)
    norm = torch.nn.utils.clip_grad_norm_(padded._trained, RECIPE.clip)
    assert norm > 0
    for mine, theirs in zip(packed._trained, padded._trained, strict=True):
        np.testing.assert_allclose(theirs.grad, mine.grad, atol=2e-6)


def test_checkpointing_changes_no_gradient(tiny):
    batch = pack(LESSONS)
    found = []
    for checkpointing in ("off", "on"):
        backend = open_tiny(tiny, Recipe(**{**vars_of(RECIPE), "checkpointing": checkpointing}))
        targets = taught(backend, batch)
        backend.step(batch, targets, 0.0)
        found.append((backend, [weights.grad for weights in backend._trained]))
    (plain, expected), (saving, actual) = found

    assert (False, True) == ("checkpointing" in plain.name, "checkpointing" in saving.name)
    for one, other in zip(expected, actual, strict=True):
        assert one.numpy().tobytes() == other.numpy().tobytes()


def vars_of(recipe: Recipe) -> dict:
    return {name: getattr(recipe, name) for name in Recipe.__slots__}


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("kind", [KINDS.Q8_0, KINDS.F16, KINDS.BF16], ids=lambda kind: kind.name)
def test_a_base_held_as_in_the_file_gives_the_same_loss_and_step(tmp_path, kind, tied):
    path = tiny_qwen3.write_gguf(tmp_path / "model.gguf", tiny_qwen3.random_model(tied=tied), kind)
    whole, held = (open_tiny(path, Recipe(**{**vars_of(RECIPE), "base": base})) for base in ("whole", "held"))
    held.restore(whole.state())
    batch = pack(LESSONS)
    targets = taught(whole, batch)
    np.testing.assert_allclose(targets.logp, taught(held, batch).logp, atol=1e-5)

    assert whole.loss(batch, targets) == pytest.approx(held.loss(batch, targets), rel=1e-6)
    expected, actual = learned(whole, batch, targets), learned(held, batch, targets)
    for name, values in expected.items():
        np.testing.assert_allclose(values, actual[name], atol=1e-5)
    assert "as in the file" in held.name
    sizes = [
        sum(each.nbytes for each in backend._base.parameters() if not each.requires_grad)
        for backend in (whole, held)
    ]
    assert sizes[1] < 0.55 * sizes[0]


def test_a_base_of_any_other_type_is_held_in_halves(tmp_path):
    path = tiny_qwen3.write_gguf(tmp_path / "model.gguf", tiny_qwen3.random_model(), KINDS.Q5_0)
    whole, held = (open_tiny(path, Recipe(**{**vars_of(RECIPE), "base": base})) for base in ("whole", "held"))
    batch = pack(LESSONS)

    np.testing.assert_allclose(taught(whole, batch).logp, taught(held, batch).logp, atol=0.02)


def kept_mb(path, checkpointing: str) -> float:
    """What autograd keeps of a forward pass over one sequence of 400 tokens, the weights left out."""
    backend = open_tiny(path, Recipe(**{**vars_of(RECIPE), "checkpointing": checkpointing}))
    batch = Sequences(
        tokens=np.array(CHANCE.choices(range(300), k=400)),
        lengths=np.array([400]),
        places=np.array([390]),
        answers=np.array([1]),
    )
    kept: dict[int, int] = {}

    def keep(values: torch.Tensor) -> torch.Tensor:
        if not isinstance(values, torch.nn.Parameter):
            kept[values.untyped_storage().data_ptr()] = values.untyped_storage().nbytes()
        return values

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda values: values):
        value = backend._loss(batch, hard_targets(batch))
    assert value.requires_grad
    return sum(kept.values()) / 1e6


def test_the_count_of_what_a_step_needs_is_about_what_autograd_keeps(tmp_path):
    model = tiny_qwen3.random_model(hidden=128, ffn=384, head_dim=32)
    path = tiny_qwen3.write_gguf(tmp_path / "model.gguf", model)
    expected = activations_mb(open_model(path).shape, 400, 1, itemsize=4)
    whole = kept_mb(path, "off")

    assert whole == pytest.approx(expected, rel=0.2)
    assert kept_mb(path, "on") < 0.2 * whole


@pytest.mark.parametrize("kind", [KINDS.Q8_0, KINDS.F16], ids=lambda kind: kind.name)
def test_a_held_base_learns_in_bfloat16_too(tmp_path, kind):
    path = tiny_qwen3.write_gguf(tmp_path / "model.gguf", tiny_qwen3.random_model(), kind)
    recipes = [{"base": base, "precision": "bfloat16"} for base in ("whole", "held")]
    whole, held = (open_tiny(path, Recipe(**{**vars_of(RECIPE), **each})) for each in recipes)
    batch = pack(LESSONS)
    targets = hard_targets(batch)

    assert whole.step(batch, targets, 0.01) == pytest.approx(held.step(batch, targets, 0.01), rel=0.01)
    slopes = [torch.cat([weights.grad.ravel() for weights in each._trained]) for each in (whole, held)]
    assert torch.nn.functional.cosine_similarity(*slopes, dim=0) > 0.99


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
    backend = open_tiny(tiny, replace(RECIPE, checkpointing="off"))  # else it is tried again, keeping less
    with Scarce(-1) as plenty:
        backend.step(batch, targets, 0.01)
    before = backend.state()
    for last in [*range(1, plenty.taken, 301), *range(plenty.taken - 60, plenty.taken)]:
        with Scarce(last), pytest.raises(OutOfMemory, match="while learning"):
            backend.step(batch, targets, 0.01)

        assert all((values == before[name]).all() for name, values in backend.state().items())
