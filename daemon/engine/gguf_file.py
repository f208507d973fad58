"""
Look into a GGUF file before llama.cpp does: what it is, and whether it is whole.

llama.cpp ends the process over a key of the wrong type, and the `gguf` package takes seconds for a real vocabulary.
This reads the header alone, in milliseconds: any bytes at all give a `Header` or `Broken`, never another error.
`checked_header` says plainly when a model can't be served.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import hashlib
import mmap
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

from daemon.config.default_model import LITTLE_FILE
from daemon.engine.errors import EngineError, ModelUnfit
from trainer.model_parts import parts

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
_RANK = 4  # of the kinds of pooling. Source: llama.h, enum llama_pooling_type
_ENCODERS = ("bert", "t5encoder", "gemma-embedding")  # how names of architectures end that only read

Value = str | int | float | bool | None  # None stands for an array
SMALL_MODEL = 64 * 1024 * 1024  # bytes of the file
CHUNK = 1 << 20  # bytes read at once
TEMPLATE_KEY = "tokenizer.chat_template"


class Broken(ValueError):
    """These bytes are no GGUF header; the message says why, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One entry of the tensor table."""

    name: str
    shape: tuple[int, ...]  # as in the file: fastest dimension first
    kind: int = 0  # of its numbers. Source: ggml.h, enum ggml_type
    offset: int = 0  # bytes from where the tensors begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the file says of itself."""

    values: dict[str, Value]
    tensors: tuple[Tensor, ...]
    needed_bytes: int  # the file is at least this long when it is whole
    lengths: dict[str, int] = field(default_factory=dict)  # of the arrays, by key
    start: int = 0  # where the tensors begin, in bytes

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
        values: dict[str, Value] = {}
        lengths: dict[str, int] = {}
        for _ in range(n_values):
            name = cursor.text()
            values[name] = cursor.value()
            if values[name] is None:
                lengths[name] = cursor.length
        tensors, end = _tensors(cursor, n_tensors)
    except (struct.error, UnicodeDecodeError, OverflowError) as error:
        raise Broken("its header is damaged or cut short") from error
    alignment = values.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 65536:
        raise Broken(f"its alignment is {alignment!r}")
    start = -(-cursor.at // alignment) * alignment
    needed = start + end if tensors else cursor.at
    return Header(values=values, tensors=tensors, needed_bytes=needed, lengths=lengths, start=start)


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
        tensors.append(Tensor(name=name, shape=shape, kind=kind, offset=offset))
        values, size = _BLOCKS.get(kind, (1, 0))  # a type that we don't know is left to llama.cpp
        end = max(end, offset + prod(shape) // values * size)
    return tuple(tensors), end


class _Cursor:
    """A place in the bytes, moved on by each read."""

    def __init__(self, data: bytes | mmap.mmap, at: int) -> None:
        self._data, self.at = data, at
        self.length = 0  # of the array that was passed last

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
        self.length = count
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


def size_of(path: Path) -> int:
    """Bytes of the model at `path`, in all its parts; an `OSError` when one is not there."""
    return sum(part.stat().st_size for part in parts(path))


def checked_header(path: Path, chat_template: str = "") -> Header:
    """
    The header of a model that can be served, with the tensors of all its parts.

    Args:
        chat_template: the setting; "" when the model must have a template of its own.

    Raises:
        ModelUnfit: it is no GGUF file, not whole, or contradicts itself.
        EngineError: a file is not there or can't be read, or has no chat template.
    """
    headers = [_whole_header(part) for part in parts(path)]
    header = replace(headers[0], tensors=tuple(tensor for one in headers for tensor in one.tensors))
    if unfit := _why_unfit(header, len(headers)):
        raise ModelUnfit(path=str(path), reason=unfit[0], advice=unfit[1])
    if not chat_template and not header.text(TEMPLATE_KEY):
        raise EngineError(
            f"Can't chat with the model {str(path)!r}: it has no chat template ({TEMPLATE_KEY}). Choose an instruct "
            f'version of it, or try it as it is with the setting chat_template = "chatml".'
        )
    return header


def _whole_header(path: Path) -> Header:
    """The header of one file that is as long as it says."""
    name, again = str(path), "Make it again: tsubasa pull little" if path.name == LITTLE_FILE else ""
    if not path.is_file():
        raise EngineError(
            f"Can't load the model {name!r}: there is no such file. Check the path in the configuration, "
            f"or download a model with `tsubasa pull`."
        )
    try:
        header, size = _header(path)
    except Broken as error:
        reason = f"it is not a GGUF file ({error})"
        advice = again or "Give a file that ends in .gguf, or download it again"
        raise ModelUnfit(path=name, reason=reason, advice=advice) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    if size < header.needed_bytes:
        needs = f"needs at least {header.needed_bytes}, so it was cut short"
        raise ModelUnfit(
            path=name, reason=f"the file has {size} bytes and {needs}", advice=again or "Download it again"
        )
    return header


def _why_unfit(header: Header, n_parts: int) -> tuple[str, str] | None:
    """What is wrong with a model of whole files, and what to do about it."""
    wanted = int(header.limit("split.count", 1))
    if wanted != n_parts:
        advice = f"Put all {wanted} into one folder, under their own names (…-00001-of-{wanted:05}.gguf)"
        return f"it is one of {wanted} parts of a model", advice
    if known := _not_a_chat_model(header.values):
        return known
    n_tokens = header.lengths.get("tokenizer.ggml.tokens")
    rows = next((tensor.shape[-1] for tensor in header.tensors if tensor.name == "token_embd.weight"), None)
    if n_tokens is not None and rows is not None and n_tokens != rows:
        reason = f"its vocabulary has {n_tokens} tokens, and its embedding {rows}"
        return reason, "Take another conversion of the model"
    return None


def _not_a_chat_model(values: Mapping[str, object]) -> tuple[str, str] | None:
    """What a file is that holds no model to chat with, and what to do; None where it may be one."""
    name, kind = str(values.get("general.architecture", "")), values.get("general.type")
    pooling = values.get(f"{name}.pooling_type", 0)
    if kind == "adapter" or "adapter.type" in values:
        return "it is an adapter (LoRA), not a model", "Give the model that the adapter was made for"
    if kind == "mmproj" or name == "clip":
        return "it is the part of a model that sees or hears (mmproj)", "Give the model's main file"
    if kind == "imatrix" or name == "imatrix":
        return "it holds statistics for quantizing (imatrix), no model", "Give the model's main file"
    if pooling == _RANK:
        return "it is a reranker, which can't chat", "Choose an instruct or chat model"
    if pooling or name.endswith(_ENCODERS):
        return "it is a model for embeddings, which can't chat", "Choose an instruct or chat model"
    return None


def identity(path: Path, known: dict[str, Any] | None) -> dict[str, Any]:
    """
    Size, time and sha256 of the model's file; of several, one after the other.

    The hash is `known`'s when size and time are the same.
    """
    try:
        files = parts(path)
        found = [file.stat() for file in files]
        times = [one.st_mtime_ns for one in found]
        same = {
            "size": sum(one.st_size for one in found),
            "mtime_ns": times[0] if len(times) == 1 else str(times),
        }
        if known and same.items() <= known.items():
            return known
        return {**same, "sha256": _sha256(files)}
    except OSError as error:
        raise _unreadable(path, error) from error


def _sha256(files: list[Path]) -> str:
    hashed = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while data := file.read(CHUNK):
                hashed.update(data)
    return hashed.hexdigest()


def fitting_threads(path: Path) -> int:
    """
    Threads that a model profits from: one for each physical core, a small one a single thread.

    llama.cpp's threads wait for each other by spinning: with nano two threads gain nothing on an idle machine and
    are many times slower than one as soon as another process wants a core.
    """
    return 1 if size_of(path) < SMALL_MODEL else physical_cores()


def physical_cores() -> int:
    """Cores that this process may use, hyper-threads not counted: more threads make llama.cpp slower."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = set()
    for cpu in usable:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.add(siblings.read_text() if siblings.exists() else str(cpu))
    return max(len(cores), 1)


def _header(path: Path) -> tuple[Header, int]:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise Broken("it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return read_header(data), size


def _unreadable(path: Path, error: OSError) -> EngineError:
    reason = error.strerror or str(error)
    return EngineError(f"Can't read the model {str(path)!r}: {reason}. Check the file and its permissions.")
