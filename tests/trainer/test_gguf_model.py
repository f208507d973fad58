"""What is read from a model file is what llama.cpp and transformers make of it."""

import random
from pathlib import Path

import gguf
import llama_cpp
import numpy as np
import pytest
import torch

from tests.trainer import tiny_qwen3
from tests.trainer.llama_oracle import LlamaOracle, quantise
from trainer import errors
from trainer.gguf_model import open_model
from trainer.torch_backend import load_base

KINDS = gguf.GGMLQuantizationType
TOKENS = random.Random(3).choices(range(300), k=40)


def logits_of(path: Path) -> np.ndarray:
    base = load_base(open_model(path), torch.float32, torch.device("cpu"))
    with torch.no_grad():
        return base(torch.tensor([TOKENS])).logits[0].numpy()


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize(
    ("kind", "tolerance"), [(KINDS.F32, 1e-6), (KINDS.F16, 0.02), (KINDS.BF16, 0.2), (KINDS.Q8_0, 0.4)]
)
def test_a_model_comes_back_from_its_file(tmp_path, tied, kind, tolerance):
    """Tolerances: what the number format itself loses, of logits that range over about 10."""
    model = tiny_qwen3.random_model(tied=tied)
    path = tiny_qwen3.write_gguf(tmp_path / "model.gguf", model, kind)
    with torch.no_grad():
        expected = model(torch.tensor([TOKENS])).logits[0].numpy()

    actual = logits_of(path)

    assert expected.shape == actual.shape
    assert np.abs(expected - actual).max() < tolerance


@pytest.mark.parametrize(("kind", "tolerance"), [(KINDS.F32, 1e-4), (KINDS.F16, 0.02), (KINDS.Q8_0, 0.3)])
def test_logits_are_those_of_llama_cpp(tmp_path, kind, tolerance):
    """llama.cpp rounds activations to F16 or Q8_0 where the weights are; ours stay float32."""
    path = tiny_qwen3.write_gguf(tmp_path / "model.gguf", tiny_qwen3.random_model(tied=False), kind)
    with LlamaOracle(path) as oracle:
        expected = oracle.logits(TOKENS)

    actual = logits_of(path)

    assert np.abs(expected - actual).max() < tolerance


def test_a_k_quantised_file_is_read(tmp_path):
    """Q4_K_M, as people download it: Q4_K and Q6_K in one file. Unquantised, they correlate by 0.96."""
    model = tiny_qwen3.random_model(hidden=256, ffn=256, head_dim=32 * 4)
    whole = tiny_qwen3.write_gguf(tmp_path / "whole.gguf", model, KINDS.F16)
    path = quantise(whole, tmp_path / "q4_k_m.gguf", llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M)
    with LlamaOracle(path) as oracle:
        expected = oracle.logits(TOKENS)

    actual = logits_of(path)

    assert {"Q4_K", "Q6_K"} <= {tensor.tensor_type.name for tensor in gguf.GGUFReader(path).tensors}
    assert np.corrcoef(expected.ravel(), actual.ravel())[0, 1] > 0.999


def test_the_numbers_come_from_the_file(tiny):
    shape = open_model(tiny).shape

    assert (2, 64, 96, 4, 2, 32, 512) == (
        shape.layers, shape.hidden, shape.ffn, shape.heads, shape.kv_heads, shape.head_dim, shape.context
    )  # fmt: skip
    assert shape.tied


def test_a_file_cut_short_anywhere_is_damaged_and_named(tiny, tmp_path):
    whole, cut = tiny.read_bytes(), tmp_path / "cut.gguf"
    for size in [0, 3, 10, 30, 200, 5_000, 9_000, len(whole) // 2, len(whole) - 40_000, len(whole) - 1]:
        cut.write_bytes(whole[:size])

        with pytest.raises(errors.ModelDamaged, match="cut.gguf"):
            open_model(cut)


def test_flipped_bits_in_the_header_never_end_in_a_traceback(tiny, tmp_path):
    whole, path, chance = tiny.read_bytes(), tmp_path / "flipped.gguf", random.Random(5)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[chance.randrange(600)] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            open_model(path)
        except errors.TrainerError as error:
            refused += 1
            assert "flipped.gguf" in str(error)
            assert "\n" not in str(error)

    assert refused > 20


def test_what_cannot_be_trained_on_is_named(tmp_path):
    model, path = tiny_qwen3.random_model(), tmp_path / "model.gguf"
    for problem, raised in [
        ({"architecture": "llama"}, errors.NotQwen3),
        ({"extra": {"general.type": "adapter"}}, errors.NotQwen3),
        ({"leave_out": "blk.1.attn_q"}, errors.ModelDamaged),
        ({"extra": {"qwen3.rope.scaling.type": "yarn"}}, errors.UnsupportedModel),
    ]:
        tiny_qwen3.write_gguf(path, model, **problem)

        with pytest.raises(raised, match="model.gguf"):
            open_model(path)
    with pytest.raises(errors.ModelMissing, match="nowhere.gguf"):
        open_model(tmp_path / "nowhere.gguf")
    with pytest.raises(errors.ModelMissing, match="directory"):
        open_model(tmp_path)
    path.write_text("not a model, only words about one")
    with pytest.raises(errors.ModelDamaged, match="magic"):
        open_model(path)
