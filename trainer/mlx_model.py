"""
A model in MLX with the numbers of a GGUF: mlx-lm's layers, an attention for sequences without padding, a LoRA.

    tokens (T,) of all sequences ──> hidden states (T, hidden) ──> chosen places only ──> logits (A, V)

In a base stored as in its file, Q8_0 and Q4_K are the file's own groups, with no level rounded again. Their scales are,
to bfloat16, where the model computes in it (`gguf_affine.py` says what becomes of other types).
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, TypeAlias

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx_lm import models

from trainer.architectures import MATRICES
from trainer.backend import Floats
from trainer.gguf_affine import GROUP, Affine, affine_or_floats, floats
from trainer.gguf_model import GgufModel, Shape, hugging_face_name

Array: TypeAlias = Any  # mlx.core.array
PEFT = "base_model.model."  # what PEFT puts before the names of a model


class PackedAttention(nn.Module):  # type: ignore[misc, unused-ignore]  # where mypy skips mlx
    """
    The attention of any architecture in the table, over several sequences one behind the other: each sees itself only,
    from place 0. It takes the place of mlx-lm's, with its names.
    """

    def __init__(self, shape: Shape, layer: int, theirs: nn.Module) -> None:
        super().__init__()
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            outputs, inputs = shape.expected()[f"blk.{layer}.{part}"]
            name = MATRICES[part].removeprefix("self_attn.")
            self[name] = nn.Linear(inputs, outputs, bias=part in shape.architecture.biased)
        if "q_norm" in theirs:
            self.q_norm, self.k_norm = theirs.q_norm, theirs.k_norm
        self._heads, self._kv_heads, self._head_dim = shape.heads, shape.kv_heads, shape.head_dim
        self._scale = (shape.query_scalar or shape.head_dim) ** -0.5
        sliding = bool(shape.sliding) and shape.sliding[layer]
        self._window = shape.window if sliding else 0
        self._frequencies = _periods(shape, sliding)

    def __call__(self, x: Array, mask: Sequence[int], cache: None = None) -> Array:
        """(1, T, hidden) -> the same; `mask` is the tokens of each sequence, which sum to T."""
        total = x.shape[1]
        queries = self.q_proj(x).reshape(1, total, self._heads, -1)
        keys = self.k_proj(x).reshape(1, total, self._kv_heads, -1)
        values = self.v_proj(x).reshape(1, total, self._kv_heads, -1)
        if "q_norm" in self:
            queries, keys = self.q_norm(queries), self.k_norm(keys)
        found, start = [], 0
        for length in mask:
            mine = slice(start, start + length)
            start += length
            query, key, value = (each[:, mine].transpose(0, 2, 1, 3) for each in (queries, keys, values))
            seen = mx.fast.scaled_dot_product_attention(
                self._turned(query), self._turned(key), value, scale=self._scale, mask=self._seen(length)
            )
            found.append(seen.transpose(0, 2, 1, 3).reshape(1, length, -1))
        return self.o_proj(mx.concatenate(found, axis=1))

    def _turned(self, x: Array) -> Array:
        return mx.fast.rope(
            x, self._head_dim, traditional=False, base=None, scale=1.0, offset=0, freqs=self._frequencies
        )

    def _seen(self, length: int) -> Any:
        """Which tokens each one sees: itself and those before, in a sliding layer the nearest only."""
        if not self._window or length <= self._window:
            return "causal"
        back = mx.arange(length)[:, None] - mx.arange(length)[None]
        return (back >= 0) & (back < self._window)


class LoraLinear(nn.Module):  # type: ignore[misc, unused-ignore]
    """
    A frozen linear layer and its adapter, as PEFT holds it: A (rank, in), B (out, rank), float32.

    It computes in the type of what it is given: float32 copies of bfloat16 activations would double the memory.
    """

    def __init__(self, linear: nn.Module, scale: float) -> None:
        super().__init__()
        self.linear = linear
        self.scale = scale  # alpha / rank
        self.lora_A = self.lora_B = mx.zeros((0,))

    def __call__(self, x: Array) -> Array:
        first, second = self.lora_A.T.astype(x.dtype), self.lora_B.T.astype(x.dtype)
        return self.linear(x) + self.scale * ((x @ first) @ second)


class PackedModel:
    """A frozen base on the default device; the adapter is handed to it with every call."""

    def __init__(self, model: GgufModel, *, dtype: Array, held: bool, scale: float, first: int) -> None:
        """`scale`: of the adapter, alpha / rank; `first`: the first layer that has one."""
        self._base = load_base(model, dtype=dtype, held=held)
        self._embedding_scale = model.shape.hidden**0.5 if model.shape.architecture.scaled else 1.0
        for name in adapted(model.shape, first):
            parent, _, child = _path(name, model.shape).rpartition(".")
            owner = _module(self._base, parent)
            owner[child] = LoraLinear(owner[child], scale)

    def logits(
        self,
        adapter: Mapping[str, Array],
        tokens: Array,
        lengths: Sequence[int],
        places: Array,
        *,
        again: bool = False,
    ) -> Array:
        """
        (A, V) float32 logits at `places`.

        Args:
            adapter: PEFT's names -> arrays.
            again: hold one layer's activations at a time, and compute them again for the gradient.
        """
        for name, values in adapter.items():
            path, _, side = name.removeprefix(PEFT).removesuffix(".weight").rpartition(".")
            _module(self._base, path)[side] = values
        inner = self._base.model
        hidden = inner.embed_tokens(tokens[None]) * self._embedding_scale
        for layer in inner.layers:
            hidden = (_computed_again(layer) if again else layer)(hidden, lengths)
        chosen = inner.norm(hidden[0, places])
        head = self._base.lm_head if "lm_head" in self._base else inner.embed_tokens.as_linear
        return head(chosen).astype(mx.float32)


def load_base(model: GgufModel, *, dtype: Array, held: bool) -> nn.Module:
    """
    The frozen base model, of mlx-lm's own class.

    Args:
        dtype: of its activations, and of what is not quantised.
        held: what is quantised in the file stays so.
    """
    shape = model.shape
    module = import_module(f"{models.__name__}.{shape.architecture.mlx}")
    # its random weights are never computed: MLX is lazy
    base = module.Model(module.ModelArgs.from_dict(_settings(shape)))
    for index, layer in enumerate(base.layers):
        layer.self_attn = PackedAttention(shape, index, layer.self_attn)
    if shape.tied:
        base.pop("lm_head", None)
    weights: dict[str, Array] = {}
    groups: dict[str, dict[str, int]] = {}
    for name, given in model.read(affine_or_floats if held else floats):
        path, _, last = name.rpartition(".")
        if isinstance(given, Affine):
            groups[path] = {"group_size": GROUP, "bits": given.bits}
            parts = {"weight": _packed(given), "scales": given.scales, "biases": given.offsets}
        else:
            parts = {last: given}
        for part, each in parts.items():
            values = mx.array(each)
            kept = values if values.dtype == mx.uint32 else values.astype(dtype)
            mx.eval(kept)  # now, so that only one tensor at a time is held in float32
            weights[f"{path}.{part}"] = kept
    if groups:
        nn.quantize(base, class_predicate=lambda path, _: groups.get(path, False))
    base.load_weights(list(weights.items()), strict=True)
    base.freeze()
    base.eval()
    return base


def adapted(shape: Shape, first: int = 0) -> dict[str, tuple[int, ...]]:
    """The GGUF names of the matrices that get an adapter, of the layers from `first` on, with shapes (out, in)."""
    every = shape.expected()
    names = [f"blk.{layer}.{name}" for layer in range(first, shape.layers) for name in MATRICES]
    return {name: every[name] for name in names}


def fresh_adapter(shape: Shape, rank: int, seed: int, first: int = 0) -> dict[str, Floats]:
    """
    PEFT's names -> A (rank, in) uniform within 1 / sqrt(in), B (out, rank) zero: at first the model is the base.

    Drawn by NumPy, so that a seed means the same on every device.
    """
    chance = np.random.default_rng(seed)
    adapter: dict[str, Floats] = {}
    for name, (outputs, inputs) in adapted(shape, first).items():
        path = PEFT + _path(name, shape)
        drawn = chance.uniform(-1, 1, (rank, inputs)) / np.sqrt(inputs)
        adapter[f"{path}.lora_A.weight"] = drawn.astype(np.float32)
        adapter[f"{path}.lora_B.weight"] = np.zeros((outputs, rank), np.float32)
    return adapter


def _packed(groups: Affine) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """MLX's own order: levels side by side in 32 bits, the first one lowest."""
    levels = groups.levels
    if groups.bits == 4:
        levels = levels[:, ::2] | (levels[:, 1::2] << np.uint8(4))
    return np.ascontiguousarray(levels).view("<u4")


def _computed_again(layer: nn.Module) -> Callable[[Array, Sequence[int]], Array]:
    def run(hidden: Array, lengths: Sequence[int]) -> Array:
        return nn.utils.checkpoint(layer, lambda given: layer(given, lengths))(hidden)

    return run


def _module(base: nn.Module, path: str) -> nn.Module:
    found = base
    for part in path.split("."):
        found = found[int(part)] if part.isdigit() else found[part]
    return found


def _path(name: str, shape: Shape) -> str:
    return hugging_face_name(name, shape.architecture).removesuffix(".weight")


def _periods(shape: Shape, sliding: bool) -> Array:
    """(head_dim / 2,) over how many tokens each pair of numbers is turned by one radian."""
    base = shape.sliding_rope_base if sliding else shape.rope_base
    periods = base ** (mx.arange(0, shape.head_dim, 2, dtype=mx.float32) / shape.head_dim)
    return periods if sliding or not shape.rope_factors else periods * mx.array(shape.rope_factors)


def _settings(shape: Shape) -> dict[str, Any]:
    """Of any mlx-lm model; each takes those that it knows. How it attends is ours (`PackedAttention`)."""
    return {
        "model_type": shape.architecture.mlx,
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "intermediate_size": shape.ffn,
        "num_attention_heads": shape.heads,
        "rms_norm_eps": shape.norm_eps,
        "vocab_size": shape.vocabulary,
        "num_key_value_heads": shape.kv_heads,
        "max_position_embeddings": shape.context,
        "rope_theta": shape.rope_base,
        "head_dim": shape.head_dim,
        "tie_word_embeddings": shape.tied,
    }
