"""The file of the skills says what it is, and is half as long as a night's adapter."""

import gguf
import numpy as np

from bench.night_model import QWEN3_06B as SHAPE
from daemon.engine.records import BASE_KEY, SKILLS, SKILLS_KEY
from models.skills.adapter_file import write
from trainer.adapter_gguf import write_adapter


def test_the_skills_name_their_version_and_their_base_and_are_in_half_precision(tmp_path):
    rows = SHAPE.hidden
    name = "base_model.model.model.layers.3.mlp.down_proj.lora_{}.weight"
    adapter = {
        name.format("A"): np.linspace(-1, 1, 4 * SHAPE.ffn, dtype=np.float32).reshape(4, SHAPE.ffn),
        name.format("B"): np.linspace(-2, 2, 4 * rows, dtype=np.float32).reshape(rows, 4),
    }
    write(tmp_path / "skills.gguf", adapter, SHAPE, alpha=32.0, base_sha256="c" * 64)
    write_adapter(tmp_path / "night.gguf", adapter, SHAPE, alpha=32.0)
    reader = gguf.GGUFReader(tmp_path / "skills.gguf")
    sizes = [(tmp_path / name).stat().st_size for name in ("skills.gguf", "night.gguf")]

    assert (SKILLS, "c" * 64) == tuple(reader.fields[key].contents() for key in (SKILLS_KEY, BASE_KEY))
    assert {gguf.GGMLQuantizationType.F16} == {tensor.tensor_type for tensor in reader.tensors}
    for tensor, values in zip(reader.tensors, (adapter[name.format(half)] for half in "AB"), strict=True):
        np.testing.assert_allclose(tensor.data, values, atol=1e-3)
    assert sizes[0] < 0.6 * sizes[1]
