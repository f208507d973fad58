"""
Quantised GGUF tensors as affine groups: a value is scale x level + offset, for each 32 values of a row.

Q8_0, Q4_0, Q4_1 and Q4_K (the bulk of a Q4_K_M file) are written in just this way: a library that computes with affine
groups can use the served numbers themselves, as small as in the file. These are exact up to float32's own rounding.
Other quantised formats (Q6_K, a part of a Q4_K_M file, has groups of 16) are rounded to 8 bits in groups of 32; what is
not quantised is left alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, ReaderTensor
from gguf.quants import Q4_K, dequantize

from trainer.backend import Floats

GROUP = 32  # values that share a scale and an offset
ROWS = 4096  # made float32 at a time: an embedding has 150,000
WHOLE = {GGMLQuantizationType.F32, GGMLQuantizationType.F16, GGMLQuantizationType.BF16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """A matrix (rows, columns) in groups along its rows."""

    bits: int
    levels: npt.NDArray[np.uint8]  # (rows, columns), each below 2**bits
    scales: npt.NDArray[np.float32]  # (rows, columns / GROUP)
    offsets: npt.NDArray[np.float32]  # the same shape


def affine_or_floats(tensor: ReaderTensor) -> Affine | Floats:
    """The matrix in groups where it is quantised, else its numbers in float32 (the file's own memory)."""
    if exact := _EXACT.get(tensor.tensor_type):
        return exact(tensor.data)
    columns = int(tensor.shape[0])
    return floats(tensor) if tensor.tensor_type in WHOLE or columns % GROUP else _rounded(tensor, columns)


def floats(tensor: ReaderTensor) -> Floats:
    """The numbers in float32, rows by columns; where they lie so in the file, its own memory."""
    shape = tuple(int(size) for size in reversed(tensor.shape))
    return np.asarray(dequantize(tensor.data, tensor.tensor_type), np.float32).reshape(shape)


def unreadable(tensor: ReaderTensor) -> str | None:
    """The name of its quantisation if that cannot be undone."""
    try:
        dequantize(tensor.data[:1], tensor.tensor_type)
    except NotImplementedError:
        return str(tensor.tensor_type.name)
    return None


def _q8_0(data: npt.NDArray[np.uint8]) -> Affine:
    """Blocks of 34 bytes: a float16 scale, 32 signed levels. Source: ggml, `block_q8_0`."""
    blocks = data.reshape(len(data), -1, 34)
    scales = _float16(blocks[..., :2])
    levels = (blocks[..., 2:] ^ np.uint8(0x80)).reshape(len(data), -1)  # signed -128..127 as 0..255
    return Affine(bits=8, levels=levels, scales=scales, offsets=scales * -128)


def _q4_0(data: npt.NDArray[np.uint8]) -> Affine:
    """Blocks of 18 bytes: a float16 scale, 32 levels around 8. Source: ggml, `block_q4_0`."""
    blocks = data.reshape(len(data), -1, 18)
    scales = _float16(blocks[..., :2])
    return Affine(bits=4, levels=_nibbles(blocks[..., 2:]), scales=scales, offsets=scales * -8)


def _q4_1(data: npt.NDArray[np.uint8]) -> Affine:
    """Blocks of 20 bytes: a float16 scale and offset, 32 levels. Source: ggml, `block_q4_1`."""
    blocks = data.reshape(len(data), -1, 20)
    scales, offsets = _float16(blocks[..., :2]), _float16(blocks[..., 2:4])
    return Affine(bits=4, levels=_nibbles(blocks[..., 4:]), scales=scales, offsets=offsets)


def _float16(halves: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(…, 2) bytes -> (…) numbers."""
    return np.ascontiguousarray(halves).view(np.float16)[..., 0].astype(np.float32)


def _nibbles(packed: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(rows, groups, 16) bytes -> (rows, columns): the low halves of a group, then its high halves."""
    return np.concatenate([packed & np.uint8(15), packed >> np.uint8(4)], axis=-1).reshape(len(packed), -1)


def _q4_k(data: npt.NDArray[np.uint8]) -> Affine:
    """
    Blocks of 144 bytes for 256 values: two float16 factors, 8 scales and 8 offsets of 6 bits, 256 levels.

    Source: ggml, `block_q4_K`.
    """
    rows = len(data)
    blocks = np.ascontiguousarray(data).reshape(-1, 144)
    factors = np.ascontiguousarray(blocks[:, :4]).view(np.float16).astype(np.float32)
    scales, offsets = Q4_K.get_scale_min(np.ascontiguousarray(blocks[:, 4:16]))
    packed = blocks[:, 16:].reshape(-1, 4, 1, 32)  # low halves are one group, high halves the next
    levels = (packed >> np.array([0, 4], np.uint8).reshape(1, 1, 2, 1)) & np.uint8(15)
    return Affine(
        bits=4,
        levels=levels.reshape(rows, -1),
        scales=(factors[:, :1] * scales.astype(np.float32)).reshape(rows, -1),
        offsets=(-factors[:, 1:] * offsets.astype(np.float32)).reshape(rows, -1),
    )


def _rounded(tensor: ReaderTensor, columns: int) -> Affine:
    """256 even steps from the least to the greatest of each group."""
    parts = []
    for start in range(0, len(tensor.data), ROWS):
        values = dequantize(tensor.data[start : start + ROWS], tensor.tensor_type)
        groups = values.astype(np.float32).reshape(-1, columns // GROUP, GROUP)
        offsets = groups.min(-1)
        scales = np.maximum(groups.max(-1) - offsets, np.finfo(np.float32).tiny) / np.float32(255)
        levels = np.rint((groups - offsets[..., None]) / scales[..., None]).astype(np.uint8)
        parts.append((levels.reshape(-1, columns), scales, offsets))
    levels, scales, offsets = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Affine(bits=8, levels=levels, scales=scales, offsets=offsets)


_EXACT: dict[GGMLQuantizationType, Callable[[npt.NDArray[np.uint8]], Affine]] = {
    GGMLQuantizationType.Q8_0: _q8_0,
    GGMLQuantizationType.Q4_0: _q4_0,
    GGMLQuantizationType.Q4_1: _q4_1,
    GGMLQuantizationType.Q4_K: _q4_k,
}
