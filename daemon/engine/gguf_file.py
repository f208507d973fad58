"""
Look into a GGUF file before llama.cpp does: what it is, and whether it is whole.

llama.cpp ends the process over a key of the wrong type, and the `gguf` package takes seconds for a real vocabulary.
This reads the header alone, in milliseconds: any bytes at all give a `Header` or `Broken`, never another error.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import mmap
import struct
from dataclasses import dataclass
from math import prod

MAGIC = b"GGUF"
# type -> letter of `struct`
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_BLOCKS = {  # tensor type: (values, bytes) of one block
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
MOST_ITEMS = 10_000_000

Value = str | int | float | bool | None  # None stands for an array


class Broken(ValueError):
    """These bytes are no GGUF header; the message says why, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One entry of the tensor table."""

    name: str
    shape: tuple[int, ...]  # as in the file: fastest dimension first


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the file says of itself."""

    values: dict[str, Value]
    tensors: tuple[Tensor, ...]
    needed_bytes: int  # the file is at least this long when it is whole

    def text(self, key: str) -> str:
        """The string under `key`; "" when there is none."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""

    def limit(self, key: str, otherwise: float) -> float:
        """The positive number under `key`; `otherwise` when there is none."""
        value = self.values.get(key)
        return float(value) if isinstance(value, int | float) and value > 0 else otherwise


def read_header(data: bytes | mmap.mmap) -> Header:
    """The header of a GGUF file. Raises `Broken`."""
    if data[:4] != MAGIC:
        raise Broken("it does not begin with GGUF")
    cursor = _Cursor(data, 4)
    try:
        version = cursor.number("<I")
        if version not in (2, 3):
            raise Broken(f"its GGUF version is {version}, known are 2 and 3")
        n_tensors, n_values = cursor.count(), cursor.count()
        values: dict[str, Value] = {cursor.text(): cursor.value() for _ in range(n_values)}
        tensors, end = _tensors(cursor, n_tensors)
    except (struct.error, UnicodeDecodeError, OverflowError) as error:
        raise Broken("its header is damaged or cut short") from error
    alignment = values.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 65536:
        raise Broken(f"its alignment is {alignment!r}")
    start = -(-cursor.at // alignment) * alignment
    return Header(values=values, tensors=tensors, needed_bytes=start + end if tensors else cursor.at)


def _tensors(cursor: "_Cursor", count: int) -> tuple[tuple[Tensor, ...], int]:
    """The tensor table, and where the last tensor ends, counted from the first."""
    tensors: list[Tensor] = []
    end = 0
    for _ in range(count):
        name = cursor.text()
        n_dimensions = cursor.number("<I")
        if not 1 <= n_dimensions <= 4:
            raise Broken(f"a tensor has {n_dimensions} dimensions")
        shape = tuple(cursor.number("<Q") for _ in range(n_dimensions))
        kind, offset = cursor.number("<I"), cursor.number("<Q")
        tensors.append(Tensor(name=name, shape=shape))
        values, size = _BLOCKS.get(kind, (1, 0))  # a type that we don't know is left to llama.cpp
        end = max(end, offset + prod(shape) // values * size)
    return tuple(tensors), end


class _Cursor:
    """A place in the bytes, moved on by each read."""

    def __init__(self, data: bytes | mmap.mmap, at: int) -> None:
        self._data, self.at = data, at

    def number(self, form: str) -> int:
        return int(self._scalar(form))

    def count(self) -> int:
        count = self.number("<Q")
        if count > MOST_ITEMS:
            raise Broken(f"its header claims {count} entries")
        return count

    def text(self) -> str:
        return self._bytes(self.number("<Q")).decode()

    def value(self) -> Value:
        kind = self.number("<I")
        if kind == _ARRAY:
            self._skip_array()
            return None
        return self.text() if kind == _STRING else self._scalar(_form(kind))

    def _scalar(self, form: str) -> int | float | bool:
        (value,) = struct.unpack_from(form, self._data, self.at)
        self.at += struct.calcsize(form)
        return value  # type: ignore[no-any-return]

    def _skip_array(self) -> None:
        kind, count = self.number("<I"), self.count()
        if kind != _STRING:
            self._bytes(count * struct.calcsize(_form(kind)), keep=False)
            return
        unpack, at, data = struct.Struct("<Q").unpack_from, self.at, self._data
        for _ in range(count):  # a vocabulary: hundreds of thousands of them
            at += 8 + unpack(data, at)[0]
        self.at = at

    def _bytes(self, length: int, *, keep: bool = True) -> bytes:
        if length > len(self._data) - self.at:
            raise Broken("its header is damaged or cut short")
        self.at += length
        return self._data[self.at - length : self.at] if keep else b""


def _form(kind: int) -> str:
    if kind not in _SCALARS:
        raise Broken(f"a value has the unknown type {kind}")
    return f"<{_SCALARS[kind]}"
