"""The adapter's file; what llama.cpp makes of it: `contracts/test_parity.py`."""

import hashlib
import resource
import sys

import gguf
import numpy as np
import pytest

from bench.night_model import QWEN3_06B as SHAPE
from trainer.adapter_gguf import read_adapter, write_adapter
from trainer.backend import pack
from trainer.errors import TrainerError
from trainer.gguf_model import open_model
from trainer.recipe import Recipe
from trainer.torch_backend import TorchBackend


def test_the_file_says_what_it_is_and_is_the_owners_alone(tmp_path):
    path = tmp_path / "adapter.gguf"
    digest = write_adapter(path, tensors(), SHAPE, alpha=32.0)
    reader = gguf.GGUFReader(path)
    said = {key: reader.fields[key].contents() for key in reader.fields if not key.startswith("GGUF.")}

    assert said == {
        "general.architecture": "qwen3",
        "general.type": "adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": 32.0,
    }
    assert ["blk.3.ffn_down.weight.lora_a", "blk.3.ffn_down.weight.lora_b"] == [
        t.name for t in reader.tensors
    ]
    assert 0o600 == path.stat().st_mode & 0o777
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
@pytest.mark.parametrize("room", [0, 100, 600, 2000, 2800])
def test_a_disk_that_fills_up_leaves_the_old_adapter_and_no_part(tmp_path, room):
    """Full after `room` bytes: in the header, between tensors, and within them."""
    path = tmp_path / "adapter.gguf"
    path.write_bytes(b"the old one")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(TrainerError, match="adapter.gguf': File too large"):
            write_adapter(path, tensors(), SHAPE, alpha=1.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert b"the old one" == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())


def test_a_folder_that_is_gone_is_named(tmp_path):
    with pytest.raises(TrainerError, match="nowhere/adapter.gguf': No such file"):
        write_adapter(tmp_path / "nowhere" / "adapter.gguf", tensors(), SHAPE, alpha=1.0)


@pytest.mark.parametrize("architecture", ["qwen3", "llama"])  # llama's rows of q and k lie in another order
def test_training_can_begin_with_an_adapter_that_was_written(write_model, tmp_path, architecture):
    model = open_model(write_model(architecture=architecture))
    older, newer = (TorchBackend(model, Recipe(rank=4), seed) for seed in (0, 1))
    batch = pack([([9, 8, 7], [6, 5])])
    older.step(batch, older.teach(pack([([3, 2, 1], [6, 5])]), 5), 1e-2)
    write_adapter(tmp_path / "adapter.gguf", older.adapter(), model.shape, alpha=8.0)

    newer.begin_with(read_adapter(tmp_path / "adapter.gguf", newer.adapter(), model.shape))

    np.testing.assert_array_equal(newer.logits([9, 8, 7]), older.logits([9, 8, 7]))


def test_a_file_that_is_no_adapter_of_this_base_is_named(tmp_path):
    (tmp_path / "adapter.gguf").write_bytes(b"GGUF and nothing else")
    with pytest.raises(TrainerError, match=r"adapter\.gguf"):
        read_adapter(tmp_path / "adapter.gguf", tensors(), SHAPE)


def tensors() -> dict[str, np.ndarray]:
    name = "base_model.model.model.layers.3.mlp.down_proj.lora_"
    return {name + "A.weight": np.ones((4, 96), np.float32), name + "B.weight": np.ones((64, 4), np.float32)}
