"""Models of random weights, small enough to make in a test: as transformers models, and as GGUF files."""

import json
from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf.quants import quantize
from tokenizers import Tokenizer, pre_tokenizers, trainers
from tokenizers.models import BPE
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

CLASSES = {
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "llama": (LlamaConfig, LlamaForCausalLM),
    "gemma3": (Gemma3TextConfig, Gemma3ForCausalLM),
}
WINDOW = 7  # tokens that a sliding layer sees
LOCAL_BASE = 2_000.0  # of its positions
LLAMA_31 = {  # how a Llama 3.1 scales positions
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
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
    architecture: str = "qwen3",
    *,
    seed: int = 1,
    hidden: int = 64,
    head_dim: int = 32,
    ffn: int = 96,
    tied: bool = True,
    context: int = 512,
    scaling: Mapping[str, object] | None = None,
) -> PreTrainedModel:
    """
    Two layers, four heads over two key heads, large weights; head_dim x heads unlike hidden, where that can be.

    Of a Gemma 3 the first layer slides. `scaling`: of positions, as transformers has it.
    """
    torch.manual_seed(seed)
    config, model_class = CLASSES[architecture]
    rope: dict[str, object] = {"rope_type": "default", "rope_theta": 10_000.0, **(scaling or {})}
    own: dict[str, object] = {"rope_parameters": rope, "head_dim": head_dim}
    if architecture == "qwen2":
        del own["head_dim"]
    if architecture == "gemma3":
        local = {"rope_type": "default", "rope_theta": LOCAL_BASE}
        own |= {
            "layer_types": ["sliding_attention", "full_attention"],
            "sliding_window": WINDOW,
            "rope_parameters": {"full_attention": rope, "sliding_attention": local},
            "query_pre_attn_scalar": head_dim,
        }
    model = model_class(
        config(
            vocab_size=len(vocabulary()[0]),
            hidden_size=hidden,
            intermediate_size=ffn,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=context,
            rms_norm_eps=1e-6,
            tie_word_embeddings=tied,
            initializer_range=0.15,
            **own,
        )
    )
    least = -0.5 if architecture == "gemma3" else 0.5  # there a norm has one less than it multiplies with
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "norm" in name:  # ones would hide a norm that is put in the wrong place
                weights.uniform_(least, least + 1)
            if name.endswith("bias"):
                weights.uniform_(-1, 1)
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
    model: PreTrainedModel,
    kind: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.F32,
    *,
    architecture: str | None = None,
    splitter: str = "gpt-2",
    template: str | None = TEMPLATE,
    leave_out: str = "",
    extra: Mapping[str, str] = {},
    tensors_a_part: int = 0,
) -> Path:
    """The model as a GGUF; matrices in `kind`, the tensor named `leave_out` left out; in several files where asked."""
    config = model.config
    of = next(name for name, (kind, _) in CLASSES.items() if type(config) is kind)
    writer = gguf.GGUFWriter(path, architecture or of, split_max_tensors=tensors_a_part)
    _write_numbers(writer, config)
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
    for name, values in _in_file(model, of).items():
        if name.removesuffix(".weight") != leave_out:
            kind_of_this = kind if values.ndim == 2 else gguf.GGMLQuantizationType.F32
            writer.add_tensor(name, quantize(values, kind_of_this), raw_dtype=kind_of_this)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_numbers(writer: gguf.GGUFWriter, config: PreTrainedConfig) -> None:
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_rope_dimension_count(head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    rope = config.rope_parameters
    if "full_attention" in rope:
        writer.add_rope_freq_base_swa(rope["sliding_attention"]["rope_theta"])
        writer.add_sliding_window(config.sliding_window)
        writer.add_sliding_window_pattern([kind == "sliding_attention" for kind in config.layer_types])
        rope = rope["full_attention"]
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])


def _in_file(model: PreTrainedModel, architecture: str) -> dict[str, np.ndarray]:
    """The tensors by their names in the file, as llama.cpp's own converter names and stores them."""
    config = model.config
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[architecture.upper()], config.num_hidden_layers)
    found = {}
    for theirs, weights in model.state_dict().items():
        name = names.get_name(theirs, try_suffixes=(".weight", ".bias"))
        values = weights.numpy().astype(np.float32)
        if architecture == "llama" and ("q_proj" in theirs or "k_proj" in theirs):
            heads = config.num_attention_heads if "q_proj" in theirs else config.num_key_value_heads
            pairs = values.reshape(heads, 2, values.shape[0] // heads // 2, -1).swapaxes(1, 2)
            values = np.ascontiguousarray(pairs.reshape(values.shape))
        if architecture == "gemma3" and "norm" in theirs:
            values = values + 1
        found[name] = values
    if config.tie_word_embeddings:
        found.pop("output.weight", None)
    if model.model.rotary_emb.rope_type == "llama3":
        base = config.rope_parameters["rope_theta"] ** (np.arange(0, config.head_dim, 2) / config.head_dim)
        found["rope_freqs.weight"] = (1 / base / model.model.rotary_emb.inv_freq.numpy()).astype(np.float32)
    return found
