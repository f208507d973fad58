"""
What a model file is, told from its header alone: for `pull`, `doctor`, `status`, the page, and the check of memory.

A split model (`NAME-00001-of-00003.gguf`) is known by its first part, which holds the header; the others lie beside it.
"""

from dataclasses import dataclass
from pathlib import Path

from daemon.engine.gguf_file import Header, size_of
from daemon.engine.records import BATCH
from trainer.architectures import why_not

LONGEST_EXACT = 16_384  # tokens; beyond it exact attention takes more than half a gigabyte on a CPU
MOST_BACKGROUND = 2_048  # cells of its own
KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}  # a number, with the scales of 32
LIBRARIES = 80 * 2**20  # bytes of the engine's process without a model
_FILE_TYPES = {  # general.file_type. Source: llama.h, enum llama_ftype
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What a model file says of itself."""

    name: str
    architecture: str
    quantization: str  # "Q4_K_M"; "" when the file does not say
    bytes: int  # of all its parts
    n_ctx: int  # tokens that it was made for; 0: it does not say
    cannot_learn: str | None  # why no night can train it; None: it can learn


def facts_of(path: Path, header: Header) -> ModelFacts:
    """What the file at `path` is, by its header; an `OSError` when a part of it is not there."""
    architecture, kind = header.text("general.architecture"), header.values.get("general.file_type")
    return ModelFacts(
        name=header.text("general.name") or path.stem,
        architecture=architecture,
        quantization=_FILE_TYPES.get(kind, "") if isinstance(kind, int) else "",
        bytes=size_of(path),
        n_ctx=int(header.limit(f"{architecture}.context_length", 0)),
        cannot_learn=why_not(header.values, (tensor.name for tensor in header.tensors)),
    )


def needed_bytes(header: Header, size: int, n_ctx: int, kv_cache: str = "f16") -> int:
    """
    Memory that the engine takes: libraries, weights, keys and values of the whole context, what one batch computes.

    Args:
        size: bytes of the model's file, in all its parts.
        n_ctx: tokens of context; 0: all that the model was made for.
        kv_cache: the setting.
    """
    name = header.text("general.architecture")
    tokens = context_of(header, n_ctx)
    heads = header.limit(f"{name}.attention.head_count", 32)
    width = header.limit(f"{name}.embedding_length", 4096)
    inner = header.limit(f"{name}.feed_forward_length", 4 * width)
    is_exact = tokens <= LONGEST_EXACT and kv_cache == "f16"
    table = heads * (tokens + background_cells(tokens)) if is_exact else 0  # of attention
    working = 4 * BATCH * (table + 4 * width + 3 * inner)
    return int(LIBRARIES + size + cache_bytes(header, n_ctx, kv_cache) + working)


def cache_bytes(header: Header, n_ctx: int, kv_cache: str = "f16") -> int:
    """
    Memory for keys and values of all tokens of the context and of background work.

    Layers with a sliding window keep them all too (llama.cpp's `swa_full`, for the prefix cache needs them). Heads that
    differ by layer are counted as if each layer had as many as it has for queries, which is an upper bound.
    """
    name = header.text("general.architecture")
    heads = header.limit(f"{name}.attention.head_count", 32)
    kv_heads = header.limit(f"{name}.attention.head_count_kv", heads)
    head = header.limit(f"{name}.embedding_length", 4096) / heads
    key = header.limit(f"{name}.attention.key_length", head)
    value = header.limit(f"{name}.attention.value_length", head)
    layers = header.limit(f"{name}.block_count", 32)
    tokens = context_of(header, n_ctx)
    numbers = (tokens + background_cells(tokens)) * layers * kv_heads * (key + value)
    return int(numbers * KV_BYTES[kv_cache])


def background_cells(n_ctx: int) -> int:
    """Tokens that background work has room for, beside a context of `n_ctx` that chats have to themselves."""
    return min(n_ctx // 4, MOST_BACKGROUND)


def context_of(header: Header, n_ctx: int) -> int:
    """Tokens that the engine makes room for: those asked for, never more than the model was made for."""
    made_for = int(header.limit(f"{header.text('general.architecture')}.context_length", 0))
    return min(n_ctx or made_for, made_for or n_ctx)
