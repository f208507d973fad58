"""What only MLX does: a base in the file's own quantisation groups, bfloat16, and an estimate of memory."""

from collections.abc import Callable
from dataclasses import replace

import gguf
import mlx.core as mx
import numpy as np
import pytest

from trainer import mlx_backend
from trainer.backend import Sequences, pack
from trainer.errors import OutOfMemory
from trainer.gguf_affine import affine_or_floats
from trainer.gguf_model import open_model
from trainer.loss import hard_targets
from trainer.mlx_backend import MlxBackend
from trainer.recipe import Recipe

RECIPE = Recipe(layers=1.0, rank=4, alpha=8.0, device="mlx", precision="float32", loss="hard")
TOKENS = [5, 17, 80, 200, 33, 150, 99, 7, 260, 41]
BATCH = pack([([1, 2, 3], [50, 60]), ([9, 8], [70])])


TYPES = {  # of the matrices, and whether they are exact
    "Q8_0": {"Q8_0": True},
    "Q4_0": {"Q4_0": True, "Q6_K": False},
    "Q4_1": {"Q4_1": True, "Q6_K": False},
    "Q4_K_M": {"Q4_K": True, "Q6_K": False},
}


@pytest.mark.parametrize("kind", TYPES)
def test_affine_groups_are_the_very_numbers_of_the_file(quantised, kind):
    """But for Q6_K, which is rounded to 8 bits: by less than half of one of 255 steps."""
    seen = set()
    for tensor in gguf.GGUFReader(quantised("qwen3", kind)).tensors:
        groups = affine_or_floats(tensor)
        expected = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        seen.add(tensor.tensor_type.name)
        if tensor.tensor_type == gguf.GGMLQuantizationType.F32:
            assert np.array_equal(expected, groups)
            continue
        scales, offsets = (np.repeat(each, 32, axis=1) for each in (groups.scales, groups.offsets))
        exact = TYPES[kind][tensor.tensor_type.name]

        assert int(groups.levels.max()) < 2**groups.bits
        assert (
            np.abs(expected - (scales * groups.levels + offsets)) <= (1e-6 if exact else 0.501 * scales)
        ).all()

    assert {"F32", *TYPES[kind]} == seen


def test_an_adapter_learns_on_a_quantised_base_in_bfloat16(quantised):
    backend = MlxBackend(
        open_model(quantised("qwen3", "Q4_K_M")), replace(RECIPE, precision="bfloat16", base="held"), 1
    )
    targets = hard_targets(BATCH)
    losses = [backend.step(BATCH, targets, 0.01) for _ in range(7)]

    assert "bfloat16, base as in the file" in backend.name
    assert losses[-1] < 0.5 * losses[0]
    assert {np.dtype(np.float32)} == {values.dtype for values in backend.adapter().values()}


def test_bfloat16_is_close_to_float32(quantised):
    half, whole = (
        MlxBackend(open_model(quantised("qwen3", "Q8_0")), replace(RECIPE, precision=each, base="held"), 1)
        for each in ("bfloat16", "float32")
    )

    assert np.abs(half.logits(TOKENS) - whole.logits(TOKENS)).mean() < 0.2  # of a range of 17
    assert half.loss(BATCH, hard_targets(BATCH)) == pytest.approx(
        whole.loss(BATCH, hard_targets(BATCH)), rel=0.05
    )


def lessons(count: int, prompt: int, answer: int) -> Sequences:
    chance = np.random.default_rng(1)
    return pack([(chance.integers(0, 300, prompt).tolist(), [7] * answer) for _ in range(count)])


def needed_mb(path, batch, *, width=4, learn=True, again=False) -> float:
    shape, lengths = open_model(path).shape, batch.lengths.tolist()
    return mlx_backend.needed_mb(
        shape, lengths, len(batch.answers), rank=4, width=width, learn=learn, again=again
    )


def peak_mb(work: Callable[[], object]) -> float:
    """What MLX takes for `work` at its most, besides what it has already."""
    mx.clear_cache()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    work()
    return (mx.get_peak_memory() - before) / 1e6


@pytest.mark.parametrize(("precision", "width"), [("float32", 4), ("bfloat16", 2)])
@pytest.mark.parametrize(("count", "prompt", "answer"), [(8, 20, 10), (1, 200, 20), (2, 5, 60)])
@pytest.mark.parametrize("architecture", ["qwen3", "gemma3"])  # with the fewest and the most norms
def test_the_estimate_of_memory_is_above_what_is_used_and_not_far(
    write_model, architecture, precision, width, count, prompt, answer
):
    model = write_model(architecture=architecture)
    backend = MlxBackend(open_model(model), replace(RECIPE, precision=precision, loss="rest"), 1)
    batch = lessons(count, prompt, answer)
    targets = backend.teach(batch, 5)
    learned = peak_mb(lambda: backend.step(batch, targets, 1e-3))
    looked = peak_mb(lambda: backend.loss(batch, targets))

    for used, learn in ((learned, True), (looked, False)):
        assert used < needed_mb(model, batch, width=width, learn=learn) < 3 * used


def test_with_less_room_activations_are_computed_again_and_the_step_is_the_same(tiny):
    batch = lessons(8, 20, 10)
    between = (needed_mb(tiny, batch) + needed_mb(tiny, batch, again=True)) / 2
    used, adapters = [], []
    for recipe, room in ((RECIPE, None), (RECIPE, between), (replace(RECIPE, checkpointing="on"), None)):
        backend = MlxBackend(open_model(tiny), recipe, 1, room=lambda mb=room: mb)
        used.append(peak_mb(lambda backend=backend: backend.step(batch, hard_targets(batch), 0.01)))
        adapters.append(backend.adapter())

    assert max(used[1:]) < 0.9 * used[0]
    for other in adapters[1:]:
        assert max(np.abs(values - other[name]).max() for name, values in adapters[0].items()) < 1e-6
    with pytest.raises(OutOfMemory):
        off = replace(RECIPE, checkpointing="off")
        MlxBackend(open_model(tiny), off, 1, room=lambda: between).step(batch, hard_targets(batch), 0.01)


def test_a_batch_without_room_is_refused_and_nothing_has_changed(tiny):
    room = [None]
    backend = MlxBackend(open_model(tiny), RECIPE, 1, room=lambda: room[0])
    targets = hard_targets(BATCH)
    backend.step(BATCH, targets, 0.01)
    before = backend.state()
    room[0] = 0.001
    for work in (lambda: backend.step(BATCH, targets, 0.01), lambda: backend.loss(BATCH, targets)):
        with pytest.raises(OutOfMemory, match="2 lessons"):
            work()
    with pytest.raises(OutOfMemory, match="asking the teacher"):
        backend.teach(BATCH, 5)

    assert all(np.array_equal(values, backend.state()[name]) for name, values in before.items())
    assert mlx_backend.room_mb() > 100
