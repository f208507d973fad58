"""
The frozen base model in torch: transformers' own class with the numbers of a GGUF, stored in one of three ways, with
attention over packed sequences.

    whole  float32, or bfloat16 where the products are made in it
    held   as in the file (Q8_0, F16, BF16; other types as float16), float32 only while in use: large models on a CPU
    nf4    four bits a number, by bitsandbytes: small CUDA cards

There are never two copies of the model at a time; the file's pages are given back while it is read. Each sequence
sees itself only, and only what came before, at the cost of that sequence alone:

    tokens  a a a b b c c c c      one row, no padding; pieces of equal length are one product (`layout.py`)
            '-----''---''-------'
"""

import logging
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import torch
import transformers
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, PreTrainedModel

from trainer.gguf_model import GgufModel, Shape
from trainer.layout import Layout, Run
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
        return model.base.parameters * dtype.itemsize / 1e6
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
) -> PreTrainedModel:
    """The frozen base model with the values of the GGUF."""
    shape, kinds = model.shape, model.shape.architecture
    config = getattr(transformers, kinds.config)(**_settings(shape))
    AttentionInterface.register(ATTENTION, packed_attention)
    config._attn_implementation = ATTENTION
    with torch.device("meta"):  # no memory and no random numbers for weights that are about to be replaced
        base: PreTrainedModel = getattr(transformers, kinds.model)(config)
    scale = getattr(base.model.embed_tokens, "scalar_embed_scale", None)
    if scale is not None:  # not stored in any file, as the rotations are
        base.model.embed_tokens.embed_scale = torch.tensor(scale, device=device)
    if way == "held":
        _keep_as_stored(base, model)
    else:
        _fill(base, model, dtype, device, four_bits=way == "nf4")
    base.model.rotary_emb = Rotations(shape, device)
    every = [*base.named_parameters(), *base.named_buffers()]
    if empty := [name for name, values in every if values.is_meta]:
        raise RuntimeError(f"weights without values: {empty}")  # a new transformers renamed something
    base.requires_grad_(False)
    base.train(False)
    return base


def _fill(
    base: PreTrainedModel, model: GgufModel, dtype: torch.dtype, device: torch.device, *, four_bits: bool
) -> None:
    for name, values in model.tensors():
        weights = torch.from_numpy(values).to(device, dtype)
        module, last = _place(base, name)
        if four_bits and last == "weight" and isinstance(module, nn.Linear) and name != "lm_head.weight":
            _replace(base, name, _four_bits(module, weights, dtype))
        else:
            setattr(module, last, nn.Parameter(weights, requires_grad=False))
    if model.shape.tied:
        base.lm_head.weight = base.model.embed_tokens.weight
    base.is_loaded_in_4bit = four_bits  # peft looks for it


def _keep_as_stored(base: PreTrainedModel, model: GgufModel) -> None:
    scratch = torch.empty(SLICE)
    for name, (values, scales) in model.read(stored):
        module, last = _place(base, name)
        if values.ndim == 1:
            setattr(module, last, nn.Parameter(values, requires_grad=False))
            continue
        biased = getattr(module, "bias", None) is not None
        matrix = QuantisedLinear(values, scales, scratch, bias=biased)
        if name == "model.embed_tokens.weight":
            scale = getattr(base.model.embed_tokens, "scalar_embed_scale", 1.0)
            base.model.embed_tokens = QuantisedEmbedding(matrix, scale)
            if model.shape.tied:
                base.lm_head = matrix
        else:
            _replace(base, name, matrix)


def _four_bits(module: nn.Linear, weights: torch.Tensor, dtype: torch.dtype) -> nn.Module:
    import bitsandbytes  # an extra: only where a small CUDA card asks for it

    layer: nn.Module = bitsandbytes.nn.Linear4bit(
        weights.shape[1],
        weights.shape[0],
        bias=module.bias is not None,
        compute_dtype=compute_type(dtype),
        quant_type="nf4",
        device="meta",
    )
    quantised = bitsandbytes.nn.Params4bit(weights.cpu(), requires_grad=False, quant_type="nf4")
    layer.weight = quantised.to(weights.device)  # quantised on the way to the card
    return layer


def _place(base: nn.Module, name: str) -> tuple[nn.Module, str]:
    *outer, last = name.split(".")
    return base.get_submodule(".".join(outer)), last


def _replace(base: nn.Module, name: str, module: nn.Module) -> None:
    *outer, last, _ = name.split(".")
    setattr(base.get_submodule(".".join(outer)), last, module)


def _settings(shape: Shape) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.ffn,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "max_position_embeddings": shape.context,
        "rms_norm_eps": shape.norm_eps,
        "tie_word_embeddings": shape.tied,
    }
    if shape.architecture.name == "gemma3":
        settings |= {
            "query_pre_attn_scalar": shape.query_scalar or shape.head_dim,
            "sliding_window": shape.window,
            "layer_types": [
                "sliding_attention" if each else "full_attention"
                for each in shape.sliding or [False] * shape.layers
            ],
        }
    return settings


class Rotations(nn.Module):
    """The angles of rotary positions by the file's own numbers, in the place of transformers' module of any class."""

    def __init__(self, shape: Shape, device: torch.device) -> None:
        super().__init__()
        half = torch.arange(0, shape.head_dim, 2, dtype=torch.float32) / shape.head_dim
        factors = torch.tensor(shape.rope_factors) if shape.rope_factors else 1.0
        self._full = (1.0 / shape.rope_base**half / factors).to(device)
        self._sliding = (1.0 / shape.sliding_rope_base**half).to(device)

    def forward(
        self, hidden: torch.Tensor, position_ids: torch.Tensor, layer_type: str | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(1, T, head_dim) cosines and sines, of the type of `hidden`, for (1, T) positions."""
        frequencies = self._sliding if layer_type == "sliding_attention" else self._full
        half = position_ids[..., None].float() * frequencies
        angles = torch.cat([half, half], dim=-1)
        return angles.cos().to(hidden.dtype), angles.sin().to(hidden.dtype)


def through_layers(base: PreTrainedModel, hidden: torch.Tensor, layout: Layout, some: range) -> torch.Tensor:
    """(1, R, hidden) what `some` of the layers make of `hidden`, the row of `layout`."""
    layers = base.model.layers
    kinds = getattr(base.config, "layer_types", None) or ["full_attention"] * len(layers)
    positions = torch.from_numpy(layout.positions).to(hidden.device)[None]
    turned = {kind: base.model.rotary_emb(hidden, positions, kind) for kind in set(kinds)}
    for number in some:
        hidden = layers[number](
            hidden,
            attention_mask=None,
            position_ids=positions,
            position_embeddings=turned[kinds[number]],
            runs=layout.runs,
        )
    return hidden


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: object,
    *,
    runs: Sequence[Run] | None = None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """
    (1, T, heads, head_dim) what each token gathers from its own sequence.

    Args:
        query: (1, heads, T, head_dim).
        key, value: (1, kv_heads, T, head_dim).
        runs: the pieces that lie in the row one behind the other; None: it is one sequence.
        sliding_window: tokens that each one sees, itself included; None: all before it.
    """
    parts, at = [], 0
    for run in runs or [Run(1, query.shape[2])]:
        q, k, v = (_rows(each, at, run) for each in (query, key, value))
        if run.before:
            k, v = (_with_before(each, mine, run) for each, mine in ((key, k), (value, v)))
        mask = None
        if run.before or (sliding_window and run.length > sliding_window):
            mask = _mask(run.length, k.shape[2], sliding_window, query.device)
        seen = scaled_dot_product_attention(
            q, k, v, mask, is_causal=mask is None, scale=scaling, enable_gqa=True
        )
        parts.append(seen.transpose(1, 2).reshape(run.count * run.length, query.shape[1], query.shape[3]))
        at += run.count * run.length
    return torch.cat(parts).unsqueeze(0), None


def _rows(values: torch.Tensor, at: int, run: Run) -> torch.Tensor:
    """(1, heads, R, head_dim) -> (count, heads, length, head_dim) of the run that begins at `at`."""
    part = values[0, :, at : at + run.count * run.length]
    return part.view(part.shape[0], run.count, run.length, part.shape[2]).transpose(0, 1)


def _with_before(values: torch.Tensor, mine: torch.Tensor, run: Run) -> torch.Tensor:
    """(count, heads, tokens before and length, head_dim): what each piece of a run sees."""
    before = torch.cat([values[:, :, place : place + tokens] for place, tokens in run.before], dim=2)
    return torch.cat([before.expand(run.count, -1, -1, -1), mine], dim=2)


@lru_cache(maxsize=256)  # each layer of a kind asks for the same ones
def _mask(length: int, total: int, window: int | None, device: torch.device) -> torch.Tensor:
    """(length, total) bool: what the last `length` of `total` tokens see, themselves included."""
    seen = torch.ones(length, total, dtype=torch.bool, device=device).tril(total - length)
    return seen.triu(total - length + 1 - window) if window else seen
