"""
Matrices of a frozen model stored as they lie in its file, and made float32 only while they are used. For the CPU only.

    Q8_0, F16, BF16 in the file ──> the same bytes in memory ──> float32, a slice at a time, at each product
    Q4_K, Q6_K and all others   ──> rounded to float16, which is more memory than in the file ──> the same

Of the first three the numbers are the same as if the whole matrix were float32, in a half or a quarter of the memory.
Nothing of a slice is kept for the backward pass.
"""

from typing import Any

import numpy as np
import torch
from gguf import GGMLQuantizationType, ReaderTensor
from gguf.quants import dequantize
from torch import nn
from torch.nn.functional import linear

SLICE = 1 << 20  # numbers made float32 at a time: 4 MB, which a processor's cache holds
BLOCK = 32  # numbers that share a scale in Q8_0


def stored(tensor: ReaderTensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """A tensor as it lies in the file, and for Q8_0 the scales of its blocks; a vector is float32."""
    shape = tuple(int(size) for size in reversed(tensor.shape))
    kind = tensor.tensor_type
    if len(shape) == 1:
        return torch.from_numpy(np.array(dequantize(tensor.data, kind), np.float32)), None
    if kind == GGMLQuantizationType.Q8_0:
        blocks = tensor.data.view(np.ndarray).reshape(shape[0], -1, 2 + BLOCK)  # a float16 scale, 32 numbers
        values = np.ascontiguousarray(blocks[:, :, 2:]).view(np.int8).reshape(shape)
        scales = np.ascontiguousarray(blocks[:, :, :2]).view(np.float16)[..., 0]
        return torch.from_numpy(values), torch.from_numpy(scales).float()
    if kind == GGMLQuantizationType.BF16:  # which NumPy does not have
        bits = np.array(tensor.data).view(np.uint16).reshape(shape)
        return torch.from_numpy(bits).view(torch.bfloat16), None
    if kind == GGMLQuantizationType.F16:
        return torch.from_numpy(np.array(tensor.data).reshape(shape)), None
    return torch.from_numpy(dequantize(tensor.data, kind).reshape(shape).astype(np.float16)), None


class QuantisedLinear(nn.Linear):
    """A frozen product; `weight` holds bits or whole numbers, so that no library takes it for floats."""

    def __init__(
        self, matrix: torch.Tensor, scales: torch.Tensor | None, scratch: torch.Tensor, *, bias: bool = False
    ) -> None:
        """
        Args:
            scratch: (SLICE,) float32, shared by all matrices of a model; new memory at each product costs as much.
            bias: one is added; its values are put in later.
        """
        with torch.device("meta"):
            super().__init__(matrix.shape[1], matrix.shape[0], bias=bias)
        self._halves = None if matrix.dtype == torch.int8 else matrix.dtype
        bits = matrix if self._halves is None else matrix.view(torch.int16)
        self.weight = nn.Parameter(bits, requires_grad=False)
        self._scales, self._scratch = scales, scratch

    def rows(self, start: int, stop: int) -> torch.Tensor:
        """(stop - start, in) float32 rows of the matrix, until the next call on any matrix of the model."""
        size = (stop - start) * self.in_features
        room = self._scratch[:size] if size <= len(self._scratch) else torch.empty(size)
        scales = None if self._scales is None else self._scales[start:stop]
        return self._floats(self.weight[start:stop], scales, room.view(stop - start, self.in_features))

    def chosen(self, rows: torch.Tensor) -> torch.Tensor:
        """(..., in) float32 rows of the matrix, as an embedding gives them."""
        room = torch.empty(*rows.shape, self.in_features)
        return self._floats(self.weight[rows], None if self._scales is None else self._scales[rows], room)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        """(..., out) `given` times the matrix."""
        product: torch.Tensor = _Product.apply(given, self)  # type: ignore[no-untyped-call]
        return product if self.bias is None else product + self.bias.to(product.dtype)

    def slices(self) -> list[tuple[int, int]]:
        """(start, stop) of rows that are made float32 together."""
        height = max(1, SLICE // self.in_features)
        return [(at, min(at + height, self.out_features)) for at in range(0, self.out_features, height)]

    def _floats(self, bits: torch.Tensor, scales: torch.Tensor | None, room: torch.Tensor) -> torch.Tensor:
        room.copy_(bits if self._halves is None else bits.view(self._halves))
        if scales is not None:
            room.view(*scales.shape, BLOCK).mul_(scales[..., None])
        return room


class QuantisedEmbedding(nn.Module):
    """The rows of a `QuantisedLinear` by number: where a model's head is its embedding, both are the same memory."""

    def __init__(self, matrix: QuantisedLinear, scale: float) -> None:
        """`scale`: what the rows are multiplied with."""
        super().__init__()
        self.matrix, self._scale = matrix, scale

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """(..., hidden) float32 rows."""
        return self.matrix.chosen(tokens).mul_(self._scale)


class _Product(torch.autograd.Function):
    """x W', whose backward pass reads W again instead of keeping it."""

    @staticmethod
    def forward(context: Any, given: torch.Tensor, matrix: QuantisedLinear) -> torch.Tensor:
        context.matrix, context.kind = matrix, given.dtype
        first, *others = matrix.slices()
        part = linear(given, matrix.rows(*first))  # of another type than `given` where autocast says so
        if not others:
            return part
        product = part.new_empty(*given.shape[:-1], matrix.out_features)
        product[..., slice(*first)] = part
        for start, stop in others:
            product[..., start:stop] = linear(given, matrix.rows(start, stop))
        return product

    @staticmethod
    def backward(context: Any, *slopes: torch.Tensor) -> tuple[torch.Tensor, None]:
        matrix, slope = context.matrix, slopes[0]
        parts = (
            (slope[..., start:stop] @ matrix.rows(start, stop).to(slope.dtype)).float()  # no autocast here
            for start, stop in matrix.slices()
        )
        total = next(parts)
        for part in parts:
            total += part
        return total.to(context.kind), None
