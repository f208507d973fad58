"""
Attention over packed sequences: each sequence sees itself only, and only what came before.

    tokens  a a a b b c c c c      one row, no padding; runs of equal length are one product
            '-----''---''-------'

Promises: the cost is that of each sequence alone, never of the whole pack squared.
Knows nothing of models; transformers finds it by its name.
"""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

NAME = "packed"


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


AttentionInterface.register(NAME, packed_attention)
