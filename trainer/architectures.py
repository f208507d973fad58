"""
The model architectures that the trainer can learn on: one row each. The daemon reads the same table to say beforehand
whether a model can learn. Needs no library, so that anybody may import it.

A row says how llama.cpp's file and transformers' model name the same tensors, and where they store them differently.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MATRICES = {  # get an adapter; GGUF name inside blk.N. -> Hugging Face name inside model.layers.N.
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_TWO_NORMS = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
_HEAD_NORMS = {"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"}
_FOUR_NORMS = {
    "attn_norm": "input_layernorm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
_WHOLE = ("token_embd", "output_norm", "output", "rope_freqs")  # tensors of no layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """How the models of one GGUF architecture are trained."""

    name: str  # general.architecture of the file
    title: str  # for people
    model: str  # transformers' class
    config: str  # transformers' class
    mlx: str  # mlx-lm's module
    norms: Mapping[str, str]  # of a layer: GGUF name -> Hugging Face name, as in MATRICES
    biased: tuple[str, ...] = ()  # the matrices that have a bias
    permuted: tuple[str, ...] = ()  # those whose rows lie in the file as pairs to be turned, not as halves
    scaled: bool = False  # embeddings are multiplied by the root of their length
    norms_less: float = 0.0  # what transformers' norms have less than the file's


ARCHITECTURES = {
    one.name: one
    for one in (
        Architecture(
            name="qwen3",
            title="Qwen3",
            model="Qwen3ForCausalLM",
            config="Qwen3Config",
            mlx="qwen3",
            norms=_TWO_NORMS | _HEAD_NORMS,
        ),
        Architecture(
            name="qwen2",
            title="Qwen2 and 2.5",
            model="Qwen2ForCausalLM",
            config="Qwen2Config",
            mlx="qwen2",
            norms=_TWO_NORMS,
            biased=("attn_q", "attn_k", "attn_v"),
        ),
        Architecture(
            name="llama",
            title="Llama, Mistral and SmolLM2",
            model="LlamaForCausalLM",
            config="LlamaConfig",
            mlx="llama",
            norms=_TWO_NORMS,
            permuted=("attn_q", "attn_k"),
        ),
        Architecture(
            name="gemma3",
            title="Gemma 3",
            model="Gemma3ForCausalLM",
            config="Gemma3TextConfig",
            mlx="gemma3_text",
            norms=_FOUR_NORMS | _HEAD_NORMS,
            norms_less=1.0,
            scaled=True,
        ),
    )
}


def why_not(values: Mapping[str, object], tensors: Iterable[str] = ()) -> str | None:
    """
    Why a model can't be trained, in a few words to follow "can't learn: "; None: it can.

    Args:
        values: the metadata of its GGUF file, by key.
        tensors: their names in the file.
    """
    name = str(values.get("general.architecture", ""))
    if values.get("general.type", "model") != "model":
        return f"the file is no model but an {values['general.type']}"
    if name not in ARCHITECTURES:
        return f"the architecture {name or 'is not named'}"
    if values.get(f"{name}.expert_count", 0):
        return "a mixture of experts"
    scaling = values.get(f"{name}.rope.scaling.type", "none")
    if scaling not in ("none", "linear"):
        return f"rope scaling of the kind {scaling}"
    if values.get(f"{name}.final_logit_softcapping", 0):
        return "capped logits"
    head = _head_length(values, name)
    if values.get(f"{name}.attention.value_length", head) != head:
        return "keys and values of different lengths"
    if values.get(f"{name}.rope.dimension_count", head) != head:
        return "positions in a part of each head"
    if unknown := [one for one in tensors if not _is_known(one, ARCHITECTURES[name])]:
        return f"the tensor {min(unknown)}, which a plain {name} model does not have"
    return None


def _is_known(tensor: str, architecture: Architecture) -> bool:
    name = re.sub(r"^blk\.\d+\.", "", tensor)
    biases = [f"{matrix}.bias" for matrix in architecture.biased]
    known = _WHOLE if name == tensor else (*MATRICES, *architecture.norms)
    return name.removesuffix(".weight") in known or (name != tensor and name in biases)


def _head_length(values: Mapping[str, object], name: str) -> object:
    hidden, heads = values.get(f"{name}.embedding_length"), values.get(f"{name}.attention.head_count")
    even = hidden // heads if isinstance(hidden, int) and isinstance(heads, int) and heads else None
    return values.get(f"{name}.attention.key_length", even)
