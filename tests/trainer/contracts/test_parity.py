"""
An adapter does in llama.cpp what it did where it was trained: for each backend that runs here, on each kind of base.

Measured on Qwen3, worst of 3,250 logits that range over 17 and that the adapter moves by up to 10: F16 0.008 with the
adapter and 0.007 without, Q8_0 0.24 and 0.23, Q4_K_M 0.39 and 0.33; root mean squares 0.002, 0.06 and 0.09, all but the
same with the adapter as without. Without norms on each head (Qwen2, Llama) the worst is 1.5 to 2.5 times that; Gemma 3,
with logits that range over 42, has a third. A Q4_K_M base held in MLX has up to a tenth more, for Q6_K is rounded.

The frameworks compute with the dequantised weights in float32. llama.cpp's CPU kernels also round what is multiplied
with them: to float16 on an F16 base, to 8 bits in blocks of 32 or 256 on a Q8_0 or Q4_K_M base. So already the base
alone differs a little, and the adapter must not add to that: what is compared is both logits and base alone.
"""

import numpy as np
import pytest

from tests.trainer.llama_oracle import LlamaOracle
from trainer.adapter_gguf import write_adapter
from trainer.architectures import ARCHITECTURES
from trainer.backend import pack
from trainer.backends import reasons_against
from trainer.gguf_model import open_model
from trainer.loss import hard_targets
from trainer.recipe import Recipe

TOKENS = [5, 17, 80, 200, 33, 150, 99, 7, 260, 41]
BATCH = pack([([1, 2, 3], [50, 60]), ([9, 8], [70])])
PART = {"F16": 0.002, "Q8_0": 0.04, "Q4_K_M": 0.06}  # of the range of the logits, for base and adapter alike


@pytest.mark.parametrize("base", ["whole", "held"])
@pytest.mark.parametrize("kind", PART)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_logits_with_the_adapter_are_those_of_llama_cpp(
    opened, device, quantised, tmp_path, architecture, kind, base
):
    path, adapter = quantised(architecture, kind), tmp_path / "adapter.gguf"
    if reason := dict(reasons_against(open_model(path), Recipe(device=device)))[device]:
        pytest.skip(reason)
    backend = opened(path, alpha=24.0, loss="hard", base=base)
    alone = backend.logits(TOKENS)
    for _ in range(6):
        backend.step(BATCH, hard_targets(BATCH), 0.01)
    trained = backend.logits(TOKENS)
    write_adapter(adapter, backend.adapter(), open_model(path).shape, alpha=24.0)
    with LlamaOracle(path) as oracle:
        apart = {"alone": oracle.logits(TOKENS) - alone, "trained": oracle.logits(TOKENS, adapter) - trained}
    worst = {name: float(np.abs(values).max()) for name, values in apart.items()}
    typical = {name: float(np.sqrt((values**2).mean())) for name, values in apart.items()}
    span = float(np.ptp(trained))
    moved = np.abs(trained - alone)

    assert all(values.any() for values in backend.adapter().values())
    assert moved.max() > 0.1 * span
    assert max(worst.values()) < PART[kind] * span
    assert max(typical.values()) < PART[kind] * span / 5
    assert typical["trained"] < 1.3 * typical["alone"] + 1e-4 * span
