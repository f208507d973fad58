"""
A Qwen3 of a few hundred kilobytes with random weights, and random LoRA adapters for it, written as GGUF.

What it says makes no sense, but the same every time. Heads times head size is not its hidden size, as
in the small real ones, so that no code may assume that they are equal.
"""

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD_DIM, FFN, CONTEXT = 64, 2, 4, 2, 32, 96, 512
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGES = ("t h", "th e", "i n", "Ġ the", "Ġ a", "e r", "o n", "u s", "us er", "Ċ Ċ")
PIECES = [  # of SentencePiece: "▁" is a space
    *("<unk>", "<s>", "</s>"),
    *(f"<0x{byte:02X}>" for byte in range(256)),
    *("▁the", "the", "he", "▁t", "th", "in", "er", "us", "user", "▁"),
    *map(chr, range(33, 127)),
    *SPECIAL,
]
_SHAPES = {  # rows, columns
    "attn_q": (HEADS * HEAD_DIM, HIDDEN),
    "attn_k": (KV_HEADS * HEAD_DIM, HIDDEN),
    "attn_v": (KV_HEADS * HEAD_DIM, HIDDEN),
    "attn_output": (HIDDEN, HEADS * HEAD_DIM),
    "ffn_gate": (FFN, HIDDEN),
    "ffn_up": (FFN, HIDDEN),
    "ffn_down": (HIDDEN, FFN),
}


def write_model(
    path: Path,
    *,
    seed: int = 1,
    template: str | None = TEMPLATE,
    architecture: str = "qwen3",
    context: int = CONTEXT,
    sentencepiece: bool = False,
    add_bos: bool = False,
    strings: Mapping[str, str] = {},
    numbers: Mapping[str, int] = {},
    tensors_a_part: int = 0,
    missing_rows: int = 0,
) -> Path:
    """
    Write a model; the same seed gives the same bytes. Returns `path`.

    Args:
        sentencepiece: a vocabulary like Llama 2's and Mistral's, in place of GPT-2's byte pairs.
        strings, numbers: more of its header; True and False are numbers here.
        tensors_a_part: write several files, "<stem>-00001-of-0000N.gguf"; 0: one.
        missing_rows: tokens at the end of the vocabulary that the embedding has none for.
    """
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, architecture, split_max_tensors=tensors_a_part)
    writer.add_name("tiny")
    writer.add_context_length(context)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(HEAD_DIM)
    writer.add_value_length(HEAD_DIM)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    for key, text in strings.items():
        writer.add_string(key, text)
    for key, number in numbers.items():
        (writer.add_bool if isinstance(number, bool) else writer.add_uint32)(key, number)
    if sentencepiece:
        _add_sentencepiece(writer)
    else:
        _add_vocabulary(writer)
    writer.add_add_bos_token(add_bos)
    if template is not None:
        writer.add_chat_template(template)
    tokens = PIECES if sentencepiece else vocabulary()
    embedding = random.normal(0, 1, (len(tokens), HIDDEN))
    embedding[-len(SPECIAL) :] *= 0.2  # so that it seldom ends by itself
    _add(writer, "token_embd.weight", embedding[: len(tokens) - missing_rows])
    _add(writer, "output_norm.weight", np.ones(HIDDEN))
    for layer in range(LAYERS):
        for name, size in {
            "attn_norm": HIDDEN,
            "ffn_norm": HIDDEN,
            "attn_q_norm": HEAD_DIM,
            "attn_k_norm": HEAD_DIM,
        }.items():
            _add(
                writer,
                f"blk.{layer}.{name}.weight",
                np.ones(size) * (2 if "_q_" in name or "_k_" in name else 1),
            )
        for name, shape in _SHAPES.items():
            _add(writer, f"blk.{layer}.{name}.weight", random.normal(0, 2 * shape[1] ** -0.5, shape))
    return _finish(writer, path)


def write_adapter(
    path: Path,
    *,
    seed: int = 2,
    rank: int = 4,
    strength: float = 1.0,
    hidden: int = HIDDEN,
    alpha: bool = True,
    strings: Mapping[str, str] = {},
    numbers: Mapping[str, int] = {},
) -> Path:
    """Write a LoRA adapter for such a model, or for one with another hidden size. Returns `path`."""
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    if alpha:
        writer.add_float32("adapter.lora.alpha", float(rank))
    for key, text in strings.items():
        writer.add_string(key, text)
    for key, number in numbers.items():
        writer.add_uint32(key, number)
    for layer in range(LAYERS):
        for name, (rows, columns) in _SHAPES.items():
            rows, columns = (hidden if size == HIDDEN else size for size in (rows, columns))
            _add(
                writer, f"blk.{layer}.{name}.weight.lora_a", random.normal(0, columns**-0.5, (rank, columns))
            )
            _add(writer, f"blk.{layer}.{name}.weight.lora_b", random.normal(0, strength, (rows, rank)))
    return _finish(writer, path)


def vocabulary() -> list[str]:
    """All tokens, control tokens last."""
    return [*_byte_letters(), *(merge.replace(" ", "") for merge in MERGES), *SPECIAL]


def _add_vocabulary(writer: gguf.GGUFWriter) -> None:
    tokens = vocabulary()
    normal, control = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([control if token in SPECIAL else normal for token in tokens])
    writer.add_token_merges(list(MERGES))
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_eos_token_id(tokens.index("<|im_end|>"))


def _add_sentencepiece(writer: gguf.GGUFWriter) -> None:
    kinds = {"<unk>": gguf.TokenType.UNKNOWN}
    kinds |= dict.fromkeys(("<s>", "</s>", *SPECIAL), gguf.TokenType.CONTROL)
    kinds |= dict.fromkeys(PIECES[3:259], gguf.TokenType.BYTE)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(PIECES)
    writer.add_token_types([kinds.get(token, gguf.TokenType.NORMAL) for token in PIECES])
    writer.add_token_scores([-float(place) for place in range(len(PIECES))])  # the earlier are joined first
    writer.add_bos_token_id(PIECES.index("<s>"))
    writer.add_eos_token_id(PIECES.index("</s>"))


def _byte_letters() -> list[str]:
    """GPT-2's visible letter for each byte: printable ones stand for themselves, others for 256 and up."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def _add(writer: gguf.GGUFWriter, name: str, values: npt.NDArray[np.float64]) -> None:
    writer.add_tensor(name, values.astype(np.float32))


def _finish(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
