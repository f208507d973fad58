"""A Qwen3 of random weights, small enough to make in a test: as a transformers model, and as a GGUF file."""

import json
from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf.quants import quantize
from tokenizers import Tokenizer, pre_tokenizers, trainers
from tokenizers.models import BPE
from transformers import Qwen3Config, Qwen3ForCausalLM

from trainer.gguf_model import LAYER_NAMES

CONTROLS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
USER_DEFINED = ["<think>", "</think>"]
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CORPUS = [
    "user system assistant Where do I live? You live in Ghent. What is my dog called? Your dog is Rex.",
    "I don't know that yet. My sister's name is Maria and we'll meet in Oslo, they've said; it's 2026-03-05.",
]


def random_model(
    *,
    seed: int = 1,
    hidden: int = 64,
    head_dim: int = 32,
    ffn: int = 96,
    tied: bool = True,
    context: int = 512,
) -> Qwen3ForCausalLM:
    """Two layers, four heads over two key heads, head_dim x heads unlike hidden, large weights."""
    torch.manual_seed(seed)
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(vocabulary()[0]),
            hidden_size=hidden,
            intermediate_size=ffn,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=head_dim,
            max_position_embeddings=context,
            rms_norm_eps=1e-6,
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
            tie_word_embeddings=tied,
            initializer_range=0.15,
        )
    )
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "norm" in name:  # ones would hide a norm that is put in the wrong place
                weights.uniform_(0.5, 1.5)
    return model.eval()


def vocabulary() -> tuple[list[str], list[str]]:
    """(tokens, merges) of a byte-level BPE over CORPUS, control and user-defined tokens last."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    bpe = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(bpe["vocab"], key=bpe["vocab"].get)
    return tokens + USER_DEFINED + CONTROLS, [" ".join(pair) for pair in bpe["merges"]]


def write_gguf(
    path: Path,
    model: Qwen3ForCausalLM,
    kind: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.F32,
    *,
    architecture: str = "qwen3",
    splitter: str = "gpt-2",
    template: str | None = TEMPLATE,
    leave_out: str = "",
    extra: Mapping[str, str] = {},
) -> Path:
    """The model as a GGUF; matrices in `kind`, the tensor named `leave_out` left out."""
    config = model.config
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10_000.0)
    tokens, merges = vocabulary()
    types = {text: 3 for text in CONTROLS} | {text: 4 for text in USER_DEFINED}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(splitter)
    writer.add_token_list(tokens)
    writer.add_token_types([types.get(text, 1) for text in tokens])
    writer.add_token_merges(merges)
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)
    for key, value in extra.items():
        writer.add_string(key, value)
    for name, weights in model.state_dict().items():
        if (ours := _gguf_name(name)) != leave_out and not (config.tie_word_embeddings and ours == "output"):
            values = weights.numpy().astype(np.float32)
            of = kind if values.ndim == 2 else gguf.GGMLQuantizationType.F32
            writer.add_tensor(f"{ours}.weight", quantize(values, of), raw_dtype=of)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _gguf_name(name: str) -> str:
    whole = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    name = name.removesuffix(".weight")
    if name in whole:
        return whole[name]
    _, _, layer, part = name.split(".", 3)
    return f"blk.{layer}." + {theirs: ours for ours, theirs in LAYER_NAMES.items()}[part]
