"""
The second door to llama.cpp's library: its tensor types, to numbers and back.

Promises: what is written in a type is what llama.cpp itself would write in it, without an importance matrix.
Knows nothing of files and models. A type that is in no GGUF must not be asked for: `gguf_file.py` knows those that are.
"""

import ctypes
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
F32, F16, Q8_0, Q6_K = 0, 1, 8, 14
_ToFloat = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)


class _Traits(ctypes.Structure):
    """`ggml_type_traits`. Source: ggml.h of the pinned release."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("block", ctypes.c_int64),
        ("block_interleaved", ctypes.c_int64),
        ("block_bytes", ctypes.c_size_t),
        ("is_quantized", ctypes.c_bool),
        ("to_float", _ToFloat),
        ("from_float", ctypes.c_void_p),
    ]


class TensorTypes:
    """The types that this llama.cpp knows, by their numbers in a GGUF file."""

    def __init__(self) -> None:
        folder = Path(str(llama_cpp.__file__)).parent / "lib"
        found = sorted(folder.glob("*ggml-base*"), key=lambda file: len(file.name))
        library: Any = ctypes.CDLL(str(found[0]))
        library.ggml_get_type_traits.restype = ctypes.POINTER(_Traits)
        library.ggml_get_type_traits.argtypes = [ctypes.c_int]
        library.ggml_quantize_requires_imatrix.restype = ctypes.c_bool
        library.ggml_quantize_requires_imatrix.argtypes = [ctypes.c_int]
        chunk = library.ggml_quantize_chunk
        chunk.restype = ctypes.c_size_t
        chunk.argtypes = [ctypes.c_int, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 3, ctypes.c_void_p]
        self._library = library

    def name(self, kind: int) -> str:
        """ "q4_K", as llama.cpp calls it."""
        return bytes(self._library.ggml_get_type_traits(kind).contents.name).decode()

    def can_write(self, kind: int) -> bool:
        """Whether numbers can be put into this type without anything beside them."""
        traits = self._library.ggml_get_type_traits(kind).contents
        return traits.block > 0 and not self._library.ggml_quantize_requires_imatrix(kind)

    def bits(self, kind: int) -> float:
        """Bits of one number."""
        traits = self._library.ggml_get_type_traits(kind).contents
        return 8.0 * float(traits.block_bytes) / float(traits.block)

    def row_bytes(self, kind: int, columns: int) -> int:
        """Bytes of one row; 0 when a row is no whole number of blocks."""
        traits = self._library.ggml_get_type_traits(kind).contents
        return int(columns // traits.block * traits.block_bytes) if columns % traits.block == 0 else 0

    def read(self, data: Bytes, kind: int, columns: int) -> Floats:
        """(rows, columns) numbers out of their bytes."""
        rows = len(data) // self.row_bytes(kind, columns)
        if kind == F32:
            return data.view(np.float32).reshape(rows, columns)
        made = np.empty((rows, columns), np.float32)
        traits = self._library.ggml_get_type_traits(kind).contents
        traits.to_float(data.ctypes.data, made.ctypes.data, made.size)
        return made

    def write(self, values: Floats, kind: int) -> Bytes:
        """The bytes of (rows, columns) numbers."""
        rows, columns = values.shape
        values = np.ascontiguousarray(values, np.float32)
        made = np.empty(rows * self.row_bytes(kind, columns), np.uint8)
        self._library.ggml_quantize_chunk(kind, values.ctypes.data, made.ctypes.data, 0, rows, columns, None)
        return made
