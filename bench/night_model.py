"""
A Qwen3 of a given size with random weights, as a GGUF in Q8_0: large enough to measure a night, of no other use.

Promises: nano's own tokenizer and chat template inside, its vocabulary filled up with tokens that no text becomes, so
that lessons are as many tokens long as nano's. The file is written a tensor at a time.
"""

from pathlib import Path

import gguf
import numpy as np
from gguf.quants import quantize

from trainer.architectures import ARCHITECTURES
from trainer.gguf_model import Shape

QWEN3_06B = Shape(
    architecture=ARCHITECTURES["qwen3"],
    layers=28,
    hidden=1024,
    ffn=3072,
    heads=16,
    kv_heads=8,
    head_dim=128,
    vocabulary=151_936,
    context=40_960,
    norm_eps=1e-6,
    rope_base=1e6,
    tied=True,
)
SPREAD = 0.02  # standard deviation of the weights
_Q8 = gguf.GGMLQuantizationType.Q8_0


def write_random(path: Path, shape: Shape, words: Path, *, seed: int = 0) -> None:
    """Write a model of `shape` to `path`, with the tokenizer of the model at `words`."""
    writer = gguf.GGUFWriter(path, "qwen3")
    _header(writer, shape)
    _vocabulary(writer, shape.vocabulary, words)
    chance = np.random.default_rng(seed)
    wanted = shape.expected()
    for name, size in wanted.items():
        kind, count = (_Q8, int(np.prod(size))) if len(size) == 2 else (None, 4 * int(np.prod(size)))
        nbytes = count // 32 * 34 if kind else count
        writer.add_tensor_info(f"{name}.weight", size, np.dtype(np.float32), nbytes, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for size in wanted.values():
        if len(size) == 1:
            writer.write_tensor_data(np.ones(size, np.float32))
        else:
            writer.write_tensor_data(quantize(SPREAD * chance.standard_normal(size, np.float32), _Q8))
    writer.close()


def _header(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_dim)
    writer.add_value_length(shape.head_dim)
    writer.add_layer_norm_rms_eps(shape.norm_eps)
    writer.add_rope_freq_base(shape.rope_base)


def _vocabulary(writer: gguf.GGUFWriter, size: int, words: Path) -> None:
    known = {name: field.contents() for name, field in gguf.GGUFReader(words).fields.items() if field.types}
    tokens, types = known["tokenizer.ggml.tokens"], known["tokenizer.ggml.token_type"]
    fill = [f"[unused {number}]" for number in range(size - len(tokens))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(known["tokenizer.ggml.pre"])
    writer.add_token_list([*tokens, *fill])
    writer.add_token_types([*types, *[int(gguf.TokenType.UNUSED)] * len(fill)])
    writer.add_token_merges(known["tokenizer.ggml.merges"])
    writer.add_eos_token_id(known["tokenizer.ggml.eos_token_id"])
    writer.add_chat_template(known["tokenizer.chat_template"])
