"""
How much memory a batch will take in MLX, and how much there is.

MLX can't be asked to fail: where memory runs out, a Mac's GPU ends the process from a thread of its own, and a
Linux CPU ends it by a segmentation fault. So a batch that looks too large is refused before it is begun.

Promises: an estimate from shapes alone, meant to be above what is used and below three times that.
Knows nothing of how the model computes but the sizes of what it keeps for the gradient.
"""

from collections.abc import Sequence

import mlx.core as mx

from trainer.gguf_model import Shape
from trainer.mlx_model import adapted
from trainer.process_memory import free_mb

FLOAT = 4  # bytes; of logits, and of the adapter with its gradient and moments


def needed_mb(
    shape: Shape, lengths: Sequence[int], answers: int, *, rank: int, width: int, learn: bool, again: bool
) -> float:
    """
    What one batch needs beside the model, in MB.

    Args:
        lengths: tokens of each sequence.
        answers: answer tokens of all of them.
        width: bytes of one activation.
        learn: with a gradient; without one, a layer's activations are given back after it.
        again: activations are computed again, one layer at a time.
    """
    tokens = sum(lengths)
    heads = (2 * shape.heads + 3 * shape.kv_heads) * shape.head_dim
    per_token = width * (9 * shape.hidden + 2 * heads + 7 * shape.ffn + 8 * rank)
    layer = tokens * per_token + 3 * width * shape.heads * sum(length * length for length in lengths)
    logits = FLOAT * answers * shape.vocabulary
    if not learn:
        return (layer + 3 * logits) / 1e6
    updates = 5 * FLOAT * rank * sum(sum(size) for size in adapted(shape).values())
    kept = shape.layers * tokens * width * shape.hidden + layer if again else shape.layers * layer
    return (kept + layer + 6 * logits + updates) / 1e6


def room_mb() -> float | None:
    """How much more memory MLX may take here, in MB; None where the system does not say."""
    if mx.metal.is_available():
        return (int(mx.device_info()["max_recommended_working_set_size"]) - mx.get_active_memory()) / 1e6
    return free_mb()
