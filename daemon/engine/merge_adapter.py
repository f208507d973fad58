"""
Base model and adapter as one GGUF that any llama.cpp program runs; a process of its own: python -m daemon.engine.merge.

    {"model", "sha256", "out", "generation", "exact_types"} \\n adapter ──stdin──> merge ──> out
    {"type": "progress", "done", "total"} ...  {"type": "done", "bytes", "changed", "finer"}
    or {"type": "error", "message"} and exit code 1

Metadata, vocabulary, template and every tensor that the adapter leaves alone are copied byte by byte. A matrix that it
changes is read as numbers, gets alpha / rank * B A added, and is written in its own type, or, where that has less than
six bits, in Q6_K: rounding to four bits again loses a third of what was learned (docs/log.md).

Promises: `out` is whole or absent, and its owner's alone; a few rows of one matrix are in memory at a time.
"""

import hashlib
import json
import mmap
import os
import shutil
import signal
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from daemon.engine.gguf_file import Broken, Header, Tensor, read_header, tensor_bytes
from daemon.engine.tensor_types import F16, Q6_K, Q8_0, Floats, TensorTypes

ENOUGH_BITS = 6.0
ROWS = 1024  # at once
PIECE = 16 << 20  # bytes copied at once
NOTE = "tsubasa.private", "It has learned what one person told. It is not for others."

GENERATION = "tsubasa.generation"


class MergeError(Exception):
    """Base and adapter can't be made one file; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One tensor on its way from the base to the merged file."""

    tensor: Tensor
    kind: int  # that it will have
    size: int  # bytes then
    factors: tuple[Floats, Floats] | None  # scaled B and A; None: it is copied


def merge(
    model: Path, adapter: bytes, out: Path, *, generation: int, exact_types: bool = False
) -> Iterator[dict[str, Any]]:
    """
    Write `out`; progress, and at last what was done.

    Args:
        exact_types: every tensor keeps the base's own type, also where that loses what was learned.

    Raises:
        MergeError: nothing was left at `out`.
    """
    part = out.with_name(f".{out.name}.part")
    try:
        with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as base:
            header = _whole_header(base, "the model")
            plans = _plans(header, adapter, TensorTypes(), exact_types)
            head = _head(base, header, plans, generation)
            needed = sum(
                size + -size % header.alignment for size in (len(head), *(one.size for one in plans))
            )
            if (free := shutil.disk_usage(out.parent).free) < needed:
                raise MergeError(f"it needs {needed / 1e6:,.0f} MB and there are {free / 1e6:,.0f} MB free")
            part.unlink(missing_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
                yield from _write(written, base, header, plans, head)
                written.flush()
                os.fsync(written.fileno())
                size = written.tell()
        os.replace(part, out)
    except (OSError, ValueError) as error:  # mmap's own for an empty file
        raise MergeError(getattr(error, "strerror", None) or str(error)) from error
    finally:
        part.unlink(missing_ok=True)
    changed = [plan for plan in plans if plan.factors]
    finer = sum(plan.kind != plan.tensor.kind for plan in changed)
    yield {"type": "done", "bytes": size, "changed": len(changed), "finer": finer}


def _plans(header: Header, adapter: bytes, types: TensorTypes, exact_types: bool) -> list[Plan]:
    factors = _factors(adapter, types)
    plans = []
    for tensor in header.tensors:
        size = tensor_bytes(tensor)
        if size == 0:
            raise MergeError(f"its tensor {tensor.name} is of a type that is not known here ({tensor.kind})")
        pair = factors.pop(tensor.name, None)
        kind = _kind(tensor, types, exact_types) if pair else tensor.kind
        if pair:
            columns, rows = tensor.shape
            if pair[0].shape[0] != rows or pair[1].shape[1] != columns:
                raise MergeError(f"the adapter was made for another model: {tensor.name} has another shape")
            size = rows * types.row_bytes(kind, columns)
        plans.append(Plan(tensor=tensor, kind=kind, size=size, factors=pair))
    if factors:
        raise MergeError(f"the adapter was made for another model: there is no {min(factors)}")
    return plans


def _kind(tensor: Tensor, types: TensorTypes, exact_types: bool) -> int:
    """The type that a changed matrix gets."""
    if exact_types:
        if not types.can_write(tensor.kind):
            name = types.name(tensor.kind)
            raise MergeError(
                f"{tensor.name} is of the type {name}, which can't be written again; leave --exact-types out"
            )
        return tensor.kind
    if types.bits(tensor.kind) >= ENOUGH_BITS and types.can_write(tensor.kind):
        return tensor.kind
    return next((kind for kind in (Q6_K, Q8_0) if types.row_bytes(kind, tensor.shape[0])), F16)


def _factors(adapter: bytes, types: TensorTypes) -> dict[str, tuple[Floats, Floats]]:
    """For each matrix that the adapter changes: B times alpha / rank, and A."""
    header = _whole_header(adapter, "the adapter")
    alpha = header.values.get("adapter.lora.alpha")
    if not isinstance(alpha, float):
        raise MergeError("the adapter does not say its alpha")
    data = np.frombuffer(adapter, np.uint8)
    halves = {}
    for tensor in header.tensors:
        start = header.data_at + tensor.offset
        piece = data[start : start + tensor_bytes(tensor)].copy()  # aligned
        halves[tensor.name] = types.read(piece, tensor.kind, tensor.shape[0])
    names = {name.removesuffix(".lora_a").removesuffix(".lora_b") for name in halves}
    if halves.keys() != {f"{name}.lora_{half}" for name in names for half in "ab"}:
        raise MergeError("the adapter is damaged: half of a pair is missing")
    pairs = {name: (halves[f"{name}.lora_b"], halves[f"{name}.lora_a"]) for name in names}
    return {name: (b * np.float32(alpha / a.shape[0]), a) for name, (b, a) in pairs.items()}


def _whole_header(data: bytes | mmap.mmap, what: str) -> Header:
    try:
        header = read_header(data)
    except Broken as error:
        raise MergeError(f"{what} is no GGUF file: {error}") from error
    if header.needed_bytes > len(data):
        raise MergeError(
            f"{what} was cut short: it has {len(data):,} bytes and needs {header.needed_bytes:,}"
        )
    return header


def _write(
    out: IO[bytes], base: mmap.mmap, header: Header, plans: list[Plan], head: bytes
) -> Iterator[dict[str, Any]]:
    out.write(head)
    types = TensorTypes()
    total, done = sum(plan.size for plan in plans), 0
    for plan in plans:
        out.write(bytes(-out.tell() % header.alignment))
        start = header.data_at + plan.tensor.offset
        if plan.factors is None:
            for at in range(start, start + plan.size, PIECE):
                out.write(base[at : min(at + PIECE, start + plan.size)])
        else:
            _write_changed(out, base, start, plan, types)
        done += plan.size
        yield {"type": "progress", "done": done, "total": total}
    out.write(bytes(-out.tell() % header.alignment))


def _write_changed(out: IO[bytes], base: mmap.mmap, start: int, plan: Plan, types: TensorTypes) -> None:
    assert plan.factors is not None
    b, a = plan.factors
    columns, rows = plan.tensor.shape
    row = types.row_bytes(plan.tensor.kind, columns)
    for first in range(0, rows, ROWS):
        last = min(first + ROWS, rows)
        data = np.frombuffer(base[start + first * row : start + last * row], np.uint8).copy()
        values = types.read(data, plan.tensor.kind, columns) + b[first:last] @ a
        if not np.isfinite(values).all():
            raise MergeError(f"{plan.tensor.name} would have numbers that are none; the adapter is damaged")
        out.write(types.write(values, plan.kind).tobytes())


def _head(base: mmap.mmap, header: Header, plans: list[Plan], generation: int) -> bytes:
    """
    Everything before the first tensor: the base's own metadata and two of ours, then the table of tensors.

    A base that was merged before has both already: they are written anew.
    """
    ours = _text(NOTE[0]) + struct.pack("<I", 8) + _text(NOTE[1])
    ours += _text(GENERATION) + struct.pack("<II", 4, generation)
    (values,) = struct.unpack_from("<Q", base, 16)
    kept, at = b"", 24
    for start, end in sorted(header.places[key] for key in (NOTE[0], GENERATION) if key in header.places):
        kept, at, values = kept + base[at:start], end, values - 1
    kept += base[at : header.table_at]
    table, offset = b"", 0
    for plan in plans:
        shape = plan.tensor.shape
        table += _text(plan.tensor.name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        table += struct.pack("<IQ", plan.kind, offset)
        offset += plan.size + -plan.size % header.alignment
    return base[:16] + struct.pack("<Q", values + 2) + kept + ours + table


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _check_model(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise MergeError(f"{path} is not the model that the adapter was trained on")


def main() -> int:
    """Do the one job on stdin; the exit code."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # `merge` removes what it has begun
    job = json.loads(sys.stdin.buffer.readline())
    model, out = Path(job["model"]), Path(job["out"])
    try:
        _check_model(model, job["sha256"])
        adapter = sys.stdin.buffer.read()
        merging = merge(model, adapter, out, generation=job["generation"], exact_types=job["exact_types"])
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
