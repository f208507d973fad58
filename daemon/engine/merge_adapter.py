"""
Base model and adapter as one GGUF that any llama.cpp program runs; a process of its own:

    {"model", "sha256", "out", "says", "types"} \\n adapter ──stdin──> merge ──> out
    {"type": "progress", "done", "total"} ...  {"type": "done", "bytes", "changed", "finer"}
    or {"type": "error", "message"} and exit code 1

Metadata, vocabulary, template and every tensor that the adapter leaves alone are copied. A matrix that it changes is
read as numbers, gets alpha / rank * B A added, and is written in its own type, or, where that has less than six bits,
in Q6_K: rounding to four bits again loses a third of what was learned (docs/log.md). With `types` "q8_0" all matrices
are written in Q8_0 instead, and all else in F32. The `gguf` package reads files and types and writes the header;
llama.cpp's own function writes the types, for the package knows no Q6_K.

`out` is whole or absent, and its owner's alone; a few rows of one matrix are in memory at a time.
"""

import ctypes
import hashlib
import json
import mmap
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Literal

import llama_cpp
import numpy as np
import numpy.typing as npt
from gguf import GGML_QUANT_SIZES, GGUFReader, GGUFValueType, GGUFWriter, ReaderTensor
from gguf import GGMLQuantizationType as Kind
from gguf.quants import dequantize

from daemon.engine.adapters import anonymous_file
from daemon.engine.gguf_file import Broken, read_header
from daemon.sandbox.memory_guard import forbid_dumps

Floats = npt.NDArray[np.float32]
FINER = (Kind.Q6_K, Kind.Q8_0)  # for a type with less than `ENOUGH_BITS`: the first whose blocks fill a row
ENOUGH_BITS = 6.0
ROWS = 1024  # at once
FILE_TYPE, MOSTLY_Q8_0 = "general.file_type", 7
Types = Literal["finer", "same", "q8_0"]  # of what the adapter changes; "q8_0": of all matrices


class MergeError(Exception):
    """Base and adapter can't be made one file; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One tensor on its way from the base to the merged file."""

    tensor: ReaderTensor
    kind: Kind  # that it will have
    size: int  # bytes then
    factors: tuple[Floats, Floats] | None  # scaled B and A; None: it is copied


def merge(
    model: Path, adapter: bytes, out: Path, *, says: Mapping[str, str | int | bool], types: Types = "finer"
) -> Iterator[dict[str, Any]]:
    """
    Write `out`; progress, and at last what was done.

    Args:
        says: metadata that is added, or takes the place of the base's.
        types: "same": every tensor keeps the base's own, also where that loses what was learned.

    Raises:
        MergeError: nothing was left at `out`.
    """
    part = out.with_name(f".{out.name}.part")
    try:
        base = _read_model(model)
        plans = _plans(base, adapter, types)
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _write_header(part, base, plans, {**says, FILE_TYPE: MOSTLY_Q8_0} if types == "q8_0" else says)
        needed = sum(GGUFWriter.ggml_pad(plan.size, base.alignment) for plan in plans)
        if (free := shutil.disk_usage(out.parent).free) < needed:
            raise MergeError(
                f"it needs {needed / 1e6:,.0f} MB and there are {free / 1e6:,.0f} MB free; make room"
            )
        with part.open("ab") as written:
            yield from _write_tensors(written, plans, base.alignment)
            written.flush()
            os.fsync(written.fileno())
            size = written.tell()
        os.replace(part, out)
    except (OSError, ValueError, KeyError, NotImplementedError) as error:  # the last three are the package's
        raise MergeError(getattr(error, "strerror", None) or str(error)) from error
    finally:
        part.unlink(missing_ok=True)
    changed = [plan for plan in plans if plan.factors]
    finer = sum(plan.kind != plan.tensor.tensor_type for plan in changed)
    yield {"type": "done", "bytes": size, "changed": len(changed), "finer": finer}


def _read_model(path: Path) -> GGUFReader:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        _check_whole(data, "the model")
    return GGUFReader(path)


def _check_whole(data: bytes | mmap.mmap, what: str) -> None:
    try:
        needed = read_header(data).needed_bytes
    except Broken as error:
        raise MergeError(f"{what} is no GGUF file: {error}") from error
    if needed > len(data):
        raise MergeError(f"{what} was cut short: it has {len(data):,} bytes and needs {needed:,}")


def _plans(base: GGUFReader, adapter: bytes, types: Types) -> list[Plan]:
    factors = _factors(adapter)
    plans = []
    for tensor in base.tensors:
        pair, kind = factors.pop(tensor.name, None), tensor.tensor_type
        columns, rows = int(tensor.shape[0]), int(np.prod(tensor.shape[1:]))
        if pair and (pair[0].shape[0] != rows or pair[1].shape[1] != columns):
            raise MergeError(f"the adapter was made for another model: {tensor.name} has another shape")
        if types == "q8_0":
            kind = _coarsest_allowed(tensor)
        elif pair:
            kind = _kind_to_write(tensor, types == "same")
        size = tensor.n_bytes if kind == tensor.tensor_type else rows * row_bytes(kind, columns)
        plans.append(Plan(tensor=tensor, kind=kind, size=size, factors=pair))
    if factors:
        raise MergeError(f"the adapter was made for another model: there is no {min(factors)}")
    return plans


def _factors(adapter: bytes) -> dict[str, tuple[Floats, Floats]]:
    """For each matrix that the adapter changes: B times alpha / rank, and A."""
    _check_whole(adapter, "the adapter")
    with anonymous_file(adapter) as path:
        reader = GGUFReader(path)
    alpha = reader.get_field("adapter.lora.alpha")
    if alpha is None or alpha.types != [GGUFValueType.FLOAT32]:
        raise MergeError("the adapter does not say its alpha")
    halves = {tensor.name: dequantize(tensor.data, tensor.tensor_type) for tensor in reader.tensors}
    names = {name.removesuffix(".lora_a").removesuffix(".lora_b") for name in halves}
    if halves.keys() != {f"{name}.lora_{half}" for name in names for half in "ab"}:
        raise MergeError("the adapter is damaged: half of a pair is missing")
    pairs = {name: (halves[f"{name}.lora_b"], halves[f"{name}.lora_a"]) for name in names}
    scale = float(alpha.contents())
    return {name: (b * np.float32(scale / a.shape[0]), a) for name, (b, a) in pairs.items()}


def _kind_to_write(tensor: ReaderTensor, exact_types: bool) -> Kind:
    """The type that a changed matrix gets."""
    kind, writable = tensor.tensor_type, not _ggml().ggml_quantize_requires_imatrix(tensor.tensor_type)
    if exact_types and not writable:
        raise MergeError(
            f"{tensor.name} is of the type {kind.name}, which can't be written again; leave --exact-types out"
        )
    values, size = GGML_QUANT_SIZES[kind]
    if writable and (exact_types or 8 * size / values >= ENOUGH_BITS):
        return kind
    return next((finer for finer in FINER if row_bytes(finer, int(tensor.shape[0]))), Kind.F16)


def _coarsest_allowed(tensor: ReaderTensor) -> Kind:
    """The type where all matrices are to be in Q8_0: norms and biases are in F32."""
    if len(tensor.shape) == 1:
        return Kind.F32
    return Kind.Q8_0 if row_bytes(Kind.Q8_0, int(tensor.shape[0])) else Kind.F16


def row_bytes(kind: Kind, columns: int) -> int:
    """Bytes of one row; 0 when a row is no whole number of blocks."""
    values, size = GGML_QUANT_SIZES[kind]
    return 0 if columns % values else columns // values * size


def _write_header(
    part: Path, base: GGUFReader, plans: list[Plan], says: Mapping[str, str | int | bool]
) -> None:
    """The base's own metadata and ours, then the table of tensors."""
    architecture = base.get_field("general.architecture")
    writer = GGUFWriter(part, "" if architecture is None else architecture.contents())
    writer.data_alignment = int(base.alignment)
    for field in base.fields.values():
        ours = field.name.startswith("GGUF.") or field.name in ("general.architecture", *says)
        if not ours and field.data:  # an array without an item is the same as none, and can't be written
            is_array = field.types[0] == GGUFValueType.ARRAY
            sub_type = field.types[-1] if is_array else None
            writer.add_key_value(field.name, field.contents(), field.types[0], sub_type)
    kinds = {str: GGUFValueType.STRING, int: GGUFValueType.UINT32, bool: GGUFValueType.BOOL}
    for name, value in says.items():
        writer.add_key_value(name, value, kinds[type(value)])
    for plan in plans:
        shape = [int(side) for side in reversed(plan.tensor.shape)]
        writer.add_tensor_info(plan.tensor.name, shape, np.dtype(np.float32), plan.size, plan.kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()


def _write_tensors(out: IO[bytes], plans: list[Plan], alignment: int) -> Iterator[dict[str, Any]]:
    total, done = sum(plan.size for plan in plans), 0
    for plan in plans:
        out.write(bytes(-out.tell() % alignment))
        if plan.factors is None and plan.kind == plan.tensor.tensor_type:
            out.write(plan.tensor.data)
        else:
            _write_changed(out, plan)
        done += plan.size
        yield {"type": "progress", "done": done, "total": total}
    out.write(bytes(-out.tell() % alignment))


def _write_changed(out: IO[bytes], plan: Plan) -> None:
    data = np.atleast_2d(plan.tensor.data)
    data = data.reshape(-1, data.shape[-1])
    for first in range(0, len(data), ROWS):
        rows = slice(first, first + ROWS)
        values = dequantize(data[rows], plan.tensor.tensor_type)
        if plan.factors:
            values = values + plan.factors[0][rows] @ plan.factors[1]
        if not np.isfinite(values).all():
            raise MergeError(f"{plan.tensor.name} would have numbers that are none; the adapter is damaged")
        out.write(_quantised(values, plan.kind).data)


def _quantised(values: Floats, kind: Kind) -> npt.NDArray[np.uint8]:
    """The bytes of (rows, columns) numbers, as llama.cpp itself writes them without an importance matrix."""
    rows, columns = values.shape
    values = np.ascontiguousarray(values, np.float32)
    written = np.empty(rows * row_bytes(kind, columns), np.uint8)
    _ggml().ggml_quantize_chunk(kind, values.ctypes.data, written.ctypes.data, 0, rows, columns, None)
    return written


@cache
def _ggml() -> Any:
    """llama.cpp's library of tensor types."""
    found = (Path(str(llama_cpp.__file__)).parent / "lib").glob("*ggml-base*")
    library = ctypes.CDLL(str(min(found, key=lambda file: len(file.name))))
    library.ggml_quantize_requires_imatrix.restype = ctypes.c_bool
    library.ggml_quantize_requires_imatrix.argtypes = [ctypes.c_int]
    chunk = library.ggml_quantize_chunk
    chunk.restype = ctypes.c_size_t
    chunk.argtypes = [ctypes.c_int, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 3, ctypes.c_void_p]
    return library


def _check_model(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise MergeError(f"{path} is not the model that the adapter was trained on")


def main() -> int:
    """Do the one job on stdin; the exit code."""
    forbid_dumps()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # `merge` removes what it has begun
    job = json.loads(sys.stdin.buffer.readline())
    model, out = Path(job["model"]), Path(job["out"])
    try:
        _check_model(model, job["sha256"])
        adapter = sys.stdin.buffer.read()
        merging = merge(model, adapter, out, says=job["says"], types=job["types"])
        for said in merging:
            _say(said)
    except OSError as error:
        _say({"type": "error", "message": f"{model} can't be read ({error.strerror or error})"})
        return 1
    except MergeError as error:
        _say({"type": "error", "message": str(error)})
        return 1
    return 0


def _say(said: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
