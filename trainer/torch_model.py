"""
The frozen base model in torch: a Qwen3 from a GGUF, stored in one of three ways, with attention over packed sequences.

    whole  float32, or bfloat16 where the products are made in it
    held   as in the file (Q8_0, F16, BF16; other types as float16), float32 only while in use: large models on a CPU
    nf4    four bits a number, by bitsandbytes: small CUDA cards

There are never two copies of the model at a time; the file's pages are given back while it is read. Each sequence
sees itself only, and only what came before, at the cost of that sequence alone:

    tokens  a a a b b c c c c      one row, no padding; runs of equal length are one product
            '-----''---''-------'
"""

import logging
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, Qwen3Config, Qwen3ForCausalLM
from transformers.models.qwen3.modeling_qwen3 import Qwen3RotaryEmbedding

from trainer.gguf_model import GgufModel, Shape
from trainer.recipe import Recipe
from trainer.torch_quantised import SLICE, QuantisedEmbedding, QuantisedLinear, stored

LARGE = 100e6  # parameters; from here on memory counts more than the time to make numbers float32 again
LEARNING = 1.0  # bytes of a card's memory for each parameter of the base, besides the parameter itself
ATTENTION = "packed"  # the name under which transformers finds `packed_attention`
HELD_BYTES = {"Q8_0": 1 + 4 / 32}  # a number, and its part of a float32 scale; of all other types two

log = logging.getLogger(__name__)


def way_of_holding(recipe: Recipe, parameters: int, device: torch.device, half: bool) -> str:
    """ "whole", "held" or "nf4": what the recipe asks for, else what suits model and device."""
    if recipe.base != "auto":
        return recipe.base
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
        small = not fits_whole(free, parameters, half) and find_spec("bitsandbytes") is not None
        log.info(
            "the card has %.1f GB free: the base is stored %s", free / 1e9, "in nf4" if small else "whole"
        )
        return "nf4" if small else "whole"
    return "held" if parameters >= LARGE and not half else "whole"


def base_mb(model: GgufModel, dtype: torch.dtype, way: str) -> float:
    """MB of the base alone when it is stored in that way ("whole" or "held")."""
    if way != "held":
        return model.parameters * dtype.itemsize / 1e6
    kinds = model.read(lambda tensor: (tensor.tensor_type.name, int(tensor.n_elements)))
    return float(sum(size * HELD_BYTES.get(kind, 2) for _, (kind, size) in kinds)) / 1e6


def fits_whole(free: float, parameters: int, half: bool) -> bool:
    """Whether a card with so many bytes free learns with a whole base: in bfloat16 if `half`, else in float32."""
    return free >= ((2 if half else 4) + LEARNING) * parameters


def compute_type(dtype: torch.dtype) -> torch.dtype:
    """What the products of an nf4 base are made in: bfloat16 where it is stored so, else float16, as on a T4."""
    return dtype if dtype == torch.bfloat16 else torch.float16


def load_base(
    model: GgufModel, dtype: torch.dtype, device: torch.device, way: str = "whole"
) -> Qwen3ForCausalLM:
    """The frozen base model with the values of the GGUF."""
    config = _config(model.shape)
    AttentionInterface.register(ATTENTION, packed_attention)
    config._attn_implementation = ATTENTION
    with torch.device("meta"):  # no memory and no random numbers for weights that are about to be replaced
        base: Qwen3ForCausalLM = Qwen3ForCausalLM(config)
    if way == "held":
        _keep_as_stored(base, model)
    else:
        _fill(base, model, dtype, device, four_bits=way == "nf4")
    base.model.rotary_emb = Qwen3RotaryEmbedding(config).to(device)  # not stored in any file
    if empty := [name for name, values in base.named_parameters() if values.is_meta]:
        raise RuntimeError(f"weights without values: {empty}")  # a new transformers renamed something
    base.requires_grad_(False)
    base.train(False)
    return base


def _fill(
    base: Qwen3ForCausalLM, model: GgufModel, dtype: torch.dtype, device: torch.device, *, four_bits: bool
) -> None:
    for name, values in model.tensors():
        weights = torch.from_numpy(values).to(device, dtype)
        module, last = _place(base, name)
        if four_bits and isinstance(module, nn.Linear) and name != "lm_head.weight":
            _replace(base, name, _four_bits(weights, device, dtype))
        else:
            setattr(module, last, nn.Parameter(weights, requires_grad=False))
    if model.shape.tied:
        base.lm_head.weight = base.model.embed_tokens.weight
    base.is_loaded_in_4bit = four_bits  # peft looks for it


def _keep_as_stored(base: Qwen3ForCausalLM, model: GgufModel) -> None:
    scratch = torch.empty(SLICE)
    for name, (values, scales) in model.read(stored):
        if values.ndim == 1:
            module, last = _place(base, name)
            setattr(module, last, nn.Parameter(values, requires_grad=False))
            continue
        matrix = QuantisedLinear(values, scales, scratch)
        if name == "model.embed_tokens.weight":
            base.model.embed_tokens = QuantisedEmbedding(matrix)
            if model.shape.tied:
                base.lm_head = matrix
        else:
            _replace(base, name, matrix)


def _four_bits(weights: torch.Tensor, device: torch.device, dtype: torch.dtype) -> nn.Module:
    import bitsandbytes  # an extra: only where a small CUDA card asks for it

    layer: nn.Module = bitsandbytes.nn.Linear4bit(
        weights.shape[1],
        weights.shape[0],
        bias=False,
        compute_dtype=compute_type(dtype),
        quant_type="nf4",
        device="meta",
    )
    quantised = bitsandbytes.nn.Params4bit(weights.cpu(), requires_grad=False, quant_type="nf4")
    layer.weight = quantised.to(device)  # quantised on the way to the card
    return layer


def _place(base: nn.Module, name: str) -> tuple[nn.Module, str]:
    *outer, last = name.split(".")
    return base.get_submodule(".".join(outer)), last


def _replace(base: nn.Module, name: str, module: nn.Module) -> None:
    *outer, last, _ = name.split(".")
    setattr(base.get_submodule(".".join(outer)), last, module)


def _config(shape: Shape) -> Any:
    return Qwen3Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.ffn,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        max_position_embeddings=shape.context,
        rms_norm_eps=shape.norm_eps,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_base},
        tie_word_embeddings=shape.tied,
    )


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: object,
    *,
    runs: list[tuple[int, int]] | None = None,
    scaling: float | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """
    (1, T, heads, head_dim) what each token gathers from its own sequence.

    Args:
        query: (1, heads, T, head_dim).
        key, value: (1, kv_heads, T, head_dim).
        runs: (how many, of which length) sequences that lie one behind the other; None: there is one.
    """
    parts, at = [], 0
    for count, length in runs or [(1, query.shape[2])]:
        q, k, v = (_rows(each, at, count, length) for each in (query, key, value))
        seen = scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=True)
        parts.append(seen.transpose(1, 2).reshape(count * length, query.shape[1], query.shape[3]))
        at += count * length
    return torch.cat(parts).unsqueeze(0), None


def runs_of(lengths: list[int]) -> list[tuple[int, int]]:
    """Neighbours of equal length together: [3, 3, 2] -> [(2, 3), (1, 2)]."""
    runs: list[tuple[int, int]] = []
    for length in lengths:
        if runs and runs[-1][1] == length:
            runs[-1] = (runs[-1][0] + 1, length)
        else:
            runs.append((1, length))
    return runs


def _rows(values: torch.Tensor, at: int, count: int, length: int) -> torch.Tensor:
    """(1, heads, T, head_dim) -> (count, heads, length, head_dim) of the tokens from `at` on."""
    part = values[0, :, at : at + count * length]
    return part.view(part.shape[0], count, length, part.shape[2]).transpose(0, 1)
