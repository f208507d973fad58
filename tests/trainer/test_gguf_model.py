"""What is read from a model file is what llama.cpp and transformers make of it."""

import random
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch

from tests.trainer import tiny_qwen3
from tests.trainer.llama_oracle import LlamaOracle
from trainer.errors import TrainerError
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
def test_a_model_comes_back_from_its_file(write_model, tied, kind, tolerance):
    """Tolerances: what the number format itself loses, of logits that range over about 10."""
    with torch.no_grad():
        expected = tiny_qwen3.random_model(tied=tied)(torch.tensor([TOKENS])).logits[0].numpy()
    actual = logits_of(write_model(kind, tied=tied))

    assert expected.shape == actual.shape
    assert np.abs(expected - actual).max() < tolerance


def test_logits_are_those_of_llama_cpp(write_model):
    """It rounds activations to Q8_0 where the weights are; ours stay float32."""
    path = write_model(KINDS.Q8_0, tied=False)
    with LlamaOracle(path) as oracle:
        expected = oracle.logits(TOKENS)

    assert np.abs(expected - logits_of(path)).max() < 0.3


def test_a_file_cut_short_anywhere_is_damaged_and_named(tiny, tmp_path):
    whole, cut = tiny.read_bytes(), tmp_path / "cut.gguf"
    for size in [0, 3, 10, 30, 200, 5_000, 9_000, len(whole) // 2, len(whole) - 40_000, len(whole) - 1]:
        cut.write_bytes(whole[:size])

        with pytest.raises(TrainerError, match="cut.gguf"):
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
        except TrainerError as error:
            refused += 1
            assert "flipped.gguf" in str(error)
            assert "\n" not in str(error)

    assert refused > 20


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        ({"architecture": "llama"}, "not_qwen3"),
        ({"extra": {"general.type": "adapter"}}, "not_qwen3"),
        ({"leave_out": "blk.1.attn_q"}, "model_damaged"),
        ({"extra": {"qwen3.rope.scaling.type": "yarn"}}, "model_unsupported"),
    ],
    ids=str,
)
def test_what_cannot_be_trained_on_is_named(tmp_path, problem, code):
    path = tiny_qwen3.write_gguf(tmp_path / "model.gguf", tiny_qwen3.random_model(), **problem)

    with pytest.raises(TrainerError, match="model.gguf") as raised:
        open_model(path)
    assert code == raised.value.code


@pytest.mark.parametrize("what", ["text", "folder", "nothing"])
def test_what_is_no_model_file_is_named(tmp_path, what):
    path = tmp_path / "other.gguf"
    if what == "text":
        path.write_text("not a model, only words about one")
    if what == "folder":
        path.mkdir()

    with pytest.raises(TrainerError, match="other.gguf"):
        open_model(path)
