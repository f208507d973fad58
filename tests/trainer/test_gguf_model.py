"""What is read from a model file is what llama.cpp and transformers make of it."""

import random
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch

from tests.trainer import random_models
from tests.trainer.llama_oracle import LlamaOracle
from trainer.architectures import ARCHITECTURES
from trainer.errors import TrainerError
from trainer.gguf_model import open_model
from trainer.torch_backend import load_base

KINDS = gguf.GGMLQuantizationType
LINEAR = {"rope_type": "linear", "factor": 4.0}
TOKENS = random.Random(3).choices(range(300), k=40)


def logits_of(path: Path) -> np.ndarray:
    base = load_base(open_model(path), torch.float32, torch.device("cpu"))
    with torch.no_grad():
        return base(torch.tensor([TOKENS])).logits[0].numpy()


@pytest.mark.parametrize(
    "options",
    [
        *({"architecture": name, "tied": tied} for name in ARCHITECTURES for tied in (True, False)),
        {"architecture": "llama", "scaling": random_models.LLAMA_31},
        *({"architecture": name, "scaling": LINEAR} for name in ("gemma3", "qwen2")),
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_a_model_comes_back_from_its_file_as_transformers_and_llama_cpp_have_it(write_model, options):
    path = write_model(**options)
    with torch.no_grad():
        theirs = random_models.random_model(**options)(torch.tensor([TOKENS])).logits[0].numpy()
    with LlamaOracle(path) as oracle:
        served = oracle.logits(TOKENS)
    ours = logits_of(path)

    assert np.abs(theirs - ours).max() < 2e-4
    assert np.abs(served - ours).max() < 2e-3


@pytest.mark.parametrize(("kind", "tolerance"), [(KINDS.F16, 0.02), (KINDS.BF16, 0.2), (KINDS.Q8_0, 0.4)])
def test_a_model_comes_back_from_smaller_numbers(write_model, kind, tolerance):
    """Tolerances: what the number format itself loses, of logits that range over about 10."""
    with torch.no_grad():
        expected = random_models.random_model()(torch.tensor([TOKENS])).logits[0].numpy()

    assert np.abs(expected - logits_of(write_model(kind))).max() < tolerance


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
        ({"architecture": "phi3"}, "cannot_learn"),
        ({"extra": {"general.type": "adapter"}}, "cannot_learn"),
        ({"leave_out": "blk.1.attn_q"}, "model_damaged"),
        ({"extra": {"qwen3.rope.scaling.type": "yarn"}}, "cannot_learn"),
    ],
    ids=str,
)
def test_what_cannot_be_trained_on_is_named(tmp_path, problem, code):
    path = random_models.write_gguf(tmp_path / "model.gguf", random_models.random_model(), **problem)

    with pytest.raises(TrainerError, match="model.gguf") as raised:
        open_model(path)
    assert code == raised.value.code


def test_a_model_in_several_files_is_read_whichever_of_them_is_named(tiny, tmp_path):
    random_models.write_gguf(tmp_path / "m.gguf", random_models.random_model(), tensors_a_part=9)
    files = sorted(tmp_path.glob("m-*.gguf"))
    whole = dict(open_model(tiny).tensors())

    assert 3 == len(files)
    for file in (files[0], files[-1]):
        read = dict(open_model(file).tensors())
        assert list(whole) == list(read)
        assert all(np.array_equal(values, read[name]) for name, values in whole.items())
    alone = files[0].rename(tmp_path / "alone.gguf")
    for file in (files[1], alone):  # one is not there; one is not named as what it is
        with pytest.raises(TrainerError, match="00001-of-00003.gguf"):
            open_model(file)


@pytest.mark.parametrize("what", ["text", "folder", "nothing"])
def test_what_is_no_model_file_is_named(tmp_path, what):
    path = tmp_path / "other.gguf"
    if what == "text":
        path.write_text("not a model, only words about one")
    if what == "folder":
        path.mkdir()

    with pytest.raises(TrainerError, match="other.gguf"):
        open_model(path)
