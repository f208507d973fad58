"""
How much memory a step of learning needs, before it is taken.

The factors are counted from what autograd kept of a Qwen3 with adapters on all its matrices; a test holds them to it.
Knows nothing of libraries.
"""

from trainer.gguf_model import Shape

HEAD_COPIES = 5  # of the logits: themselves, their softmax, without the top, and two slopes
READ_COPIES = 3  # of the logits without a gradient: their softmax, without the top, and one in between


def activations_mb(
    shape: Shape, tokens: int, answers: int, *, itemsize: int, checkpointing: bool = False
) -> float:
    """
    MB (10**6 bytes) that forward and backward pass of a batch hold beside the model, roughly.

    Args:
        tokens: of all sequences of the batch, prompts and answers.
        answers: answer tokens of the batch.
        itemsize: bytes of an activation.
        checkpointing: one layer's activations are kept at a time, of the others their input only.
    """
    layer = _layer(shape)
    kept = layer + shape.layers * shape.hidden if checkpointing else shape.layers * layer
    head = HEAD_COPIES * answers * shape.vocabulary * 4
    return (tokens * kept * itemsize + head) / 1e6


def reading_mb(shape: Shape, tokens: int, answers: int, *, itemsize: int) -> float:
    """The same without a gradient, as the teacher reads and the exam is looked at: one layer is held at a time."""
    head = READ_COPIES * answers * shape.vocabulary * 4
    return (tokens * (_layer(shape) + shape.hidden) * itemsize + head) / 1e6


def _layer(shape: Shape) -> int:
    """Numbers that a layer keeps of each token."""
    heads, kv_heads = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    return 6 * shape.hidden + 6 * heads + 6 * kv_heads + 4 * shape.ffn
