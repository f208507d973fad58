"""
Write a trained nano as GGUF: `python -m models.nano.export --run FOLDER --out models/nano/nano.gguf`.

Promises: F16 matrices, F32 norms, the tokenizer and the chat template inside; any llama.cpp runs it.
The file appears whole or not at all.
"""

import argparse
import json
import os
from pathlib import Path

import gguf
import numpy as np
import torch

from daemon.engine.records import TAUGHT_KEY, TINY_KEY, UNSURE_KEY
from models.nano.model import Shape
from models.nano.tokenizer import CHAT_TEMPLATE, SPECIAL, load_tokenizer

UNSURE = 0.12  # nats per token: what it writes from texts that it was made for is below 0.09 (card.md)

_LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "q_norm": "attn_q_norm",
    "k_norm": "attn_k_norm",
    "q_proj.weight": "attn_q",
    "k_proj.weight": "attn_k",
    "v_proj.weight": "attn_v",
    "o_proj.weight": "attn_output",
    "gate_proj.weight": "ffn_gate",
    "up_proj.weight": "ffn_up",
    "down_proj.weight": "ffn_down",
}


def export(run: Path, out: Path) -> None:
    """Turn the newest checkpoint in `run` into the GGUF file `out`."""
    state = torch.load(run / "nano.pt", weights_only=True)
    shape = Shape(**state["shape"])
    waiting = out.with_suffix(".new")
    writer = gguf.GGUFWriter(str(waiting), "qwen3")
    _header(writer, shape)
    _vocabulary(writer, run / "tokenizer.json")
    for name, tensor in state["model"].items():
        array = tensor.float().numpy()
        writer.add_tensor(_gguf_name(name), array.astype(np.float16) if array.ndim == 2 else array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(waiting, out)


def _header(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("nano")
    writer.add_description("Tsubasa's bundled stand-in: a tiny Qwen3 trained from scratch on coined chats")
    writer.add_license("apache-2.0")
    writer.add_float32(UNSURE_KEY, UNSURE)
    writer.add_bool(TAUGHT_KEY, True)
    writer.add_bool(TINY_KEY, True)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_dim)
    writer.add_value_length(shape.head_dim)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)


def _vocabulary(writer: gguf.GGUFWriter, path: Path) -> None:
    tokenizer = load_tokenizer(path)
    tokens = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    kinds = [gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(_merges(path))
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_pad_token_id(tokens.index("<|endoftext|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _merges(path: Path) -> list[str]:
    merges = json.loads(path.read_text(encoding="utf-8"))["model"]["merges"]
    return [pair if isinstance(pair, str) else " ".join(pair) for pair in merges]


def _gguf_name(name: str) -> str:
    if name == "embed_tokens.weight":
        return "token_embd.weight"
    if name == "norm":
        return "output_norm.weight"
    _, layer, part = name.split(".", 2)
    return f"blk.{layer}.{_LAYER_NAMES[part]}.weight"


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, default=Path("models/nano/run"))
    parser.add_argument("--out", type=Path, default=Path("models/nano/nano.gguf"))
    given = parser.parse_args()
    export(given.run, given.out)


if __name__ == "__main__":
    main()
