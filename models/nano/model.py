"""
Nano itself: the Qwen3 architecture, lean, for training on two cores. `export.py` writes it as GGUF; llama.cpp runs it.

Promises: parameter names and arithmetic are those of Qwen3 (RMS norms on q and k per head, rotary halves,
SwiGLU, tied output).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes that the GGUF states; heads times head_dim need not equal `hidden`, as in Qwen3 0.6B and 4B."""

    vocabulary: int = 2048
    hidden: int = 256
    layers: int = 5
    heads: int = 8
    kv_heads: int = 4
    head_dim: int = 32
    ffn: int = 512
    context: int = 2048
    rope_theta: float = 10_000.0
    epsilon: float = 1e-6


class Nano(nn.Module):
    """Token ids (B, T) -> hidden states (B, T, hidden); `logits` turns chosen ones into scores."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.Parameter(torch.ones(shape.hidden))
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
        for name, parameter in self.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                nn.init.zeros_(parameter)  # each layer starts as the identity

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed_tokens(tokens)
        cos, sin = _rotary(self.shape, tokens.shape[1])
        for layer in self.layers:
            x = layer(x, cos, sin)
        return F.rms_norm(x, (self.shape.hidden,), self.norm, self.shape.epsilon)

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores over the vocabulary; input and output embeddings are tied."""
        return F.linear(hidden, self.embed_tokens.weight)


class Layer(nn.Module):
    """Attention and feed-forward, each on a normed copy, added to the stream."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        inner, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        self.input_layernorm = nn.Parameter(torch.ones(shape.hidden))
        self.post_attention_layernorm = nn.Parameter(torch.ones(shape.hidden))
        self.q_norm = nn.Parameter(torch.ones(shape.head_dim))
        self.k_norm = nn.Parameter(torch.ones(shape.head_dim))
        self.q_proj = nn.Linear(shape.hidden, inner, bias=False)
        self.k_proj = nn.Linear(shape.hidden, kv, bias=False)
        self.v_proj = nn.Linear(shape.hidden, kv, bias=False)
        self.o_proj = nn.Linear(inner, shape.hidden, bias=False)
        self.gate_proj = nn.Linear(shape.hidden, shape.ffn, bias=False)
        self.up_proj = nn.Linear(shape.hidden, shape.ffn, bias=False)
        self.down_proj = nn.Linear(shape.ffn, shape.hidden, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        s = self.shape
        rows, length, _ = x.shape
        y = F.rms_norm(x, (s.hidden,), self.input_layernorm, s.epsilon)
        q = self.q_proj(y).view(rows, length, s.heads, s.head_dim)
        k = self.k_proj(y).view(rows, length, s.kv_heads, s.head_dim)
        v = self.v_proj(y).view(rows, length, s.kv_heads, s.head_dim)
        q = _rotate(F.rms_norm(q, (s.head_dim,), self.q_norm, s.epsilon), cos, sin)
        k = _rotate(F.rms_norm(k, (s.head_dim,), self.k_norm, s.epsilon), cos, sin)
        group = s.heads // s.kv_heads
        k, v = k.repeat_interleave(group, 2), v.repeat_interleave(group, 2)
        mixed = F.scaled_dot_product_attention(
            q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=True
        )
        x = x + self.o_proj(mixed.transpose(1, 2).reshape(rows, length, -1))
        y = F.rms_norm(x, (s.hidden,), self.post_attention_layernorm, s.epsilon)
        fed: Tensor = self.down_proj(F.silu(self.gate_proj(y)) * self.up_proj(y))
        return x + fed


def _rotary(shape: Shape, length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (length, 1, head_dim) of the rotary positions."""
    half = shape.head_dim // 2
    speed = shape.rope_theta ** (-torch.arange(half, dtype=torch.float32) / half)
    angle = torch.arange(length, dtype=torch.float32)[:, None] * speed
    both = torch.cat([angle, angle], dim=-1)[:, None, :]
    return both.cos(), both.sin()


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
    return x * cos + turned * sin
