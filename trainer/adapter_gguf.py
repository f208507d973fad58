"""
The one writer, and reader, of adapter files: a LoRA with PEFT's tensor names becomes a GGUF that llama.cpp loads.

The file at `path` is whole or absent, readable by its owner only, and on the disk when `write_adapter` returns. After
a kill -9 the next run of the same `path` removes what was left.
"""

import hashlib
import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import numpy as np
import numpy.typing as npt
from gguf import GGUF_DEFAULT_ALIGNMENT, GGUFReader, GGUFWriter

from trainer.architectures import MATRICES
from trainer.backend import Floats
from trainer.errors import TrainerError
from trainer.gguf_model import Shape

GGUF_PARTS = {theirs: ours for ours, theirs in MATRICES.items()}


def write_adapter(
    path: Path,
    adapter: Mapping[str, Floats],
    shape: Shape,
    *,
    alpha: float,
    half: bool = False,
    says: Mapping[str, str | int] = {},
) -> str:
    """
    Write the adapter and give its sha256.

    Args:
        path: appears under this name once it is whole.
        adapter: `base_model.model.model.layers.N.<module>.lora_A|lora_B.weight`, A (rank, in), B (out, rank).
        shape: of the base model; the rows of B are put in the order of its file.
        alpha: the adapter is scaled by alpha / rank.
        half: in half precision.
        says: more of its header: texts, and numbers of 32 bits without a sign.
    Raises:
        TrainerError: the disk is full, the folder is gone or not writable.
    """
    part = path.with_name(path.name + ".part")
    try:
        with _removed_on_terminate(part):
            _write(part, _in_file(adapter, shape, "<f2" if half else "<f4"), shape, alpha, says)
            digest = _sync_and_hash(part)
            os.replace(part, path)
            _sync_folder(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        size = sum(values.nbytes for values in adapter.values())
        raise TrainerError(
            "adapter_not_written",
            f"Can't write the adapter {str(path)!r}: {error.strerror or error}. Nothing was left behind; make room "
            f"for {size / 1e6:.1f} MB there, or choose another folder.",
        ) from error
    return digest


def read_adapter(path: Path, names: Iterable[str], shape: Shape) -> dict[str, Floats]:
    """
    What `write_adapter` wrote, as it got it.

    Args:
        names: PEFT's, of all tensors that are wanted.
    Raises:
        TrainerError: it is no adapter, or not one of this base and rank.
    """
    try:
        held = {one.name: one.data for one in GGUFReader(path).tensors}
        found = {name: held[gguf_name(name)].astype(np.float32) for name in names}
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise TrainerError(
            "adapter_not_read",
            f"Can't go on from {str(path)!r}: it is no adapter of this base, with as many layers. Choose another "
            f"file, or begin without one.",
        ) from error
    rows = {name: _rows(gguf_name(name), shape) for name in found}
    return {
        name: values if (order := rows[name]) is None else values[np.argsort(order)]
        for name, values in found.items()
    }


def _rows(name: str, shape: Shape) -> npt.NDArray[np.int64] | None:
    """Which of PEFT's rows each row of the file's tensor `name` is; None: its own. Rows of A have no order to keep."""
    matrix, _, side = name.rpartition(".weight.")
    return shape.rows_in_file(matrix) if side == "lora_b" else None


def gguf_name(peft_name: str) -> str:
    """`base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight` -> `blk.0.attn_q.weight.lora_a`."""
    inner = peft_name.removeprefix("base_model.model.model.layers.")
    layer, rest = inner.split(".", 1)
    module, side = rest.removesuffix(".weight").rsplit(".", 1)
    return f"blk.{layer}.{GGUF_PARTS[module]}.weight.{side.lower()}"


def _write(
    part: Path,
    tensors: Mapping[str, npt.NDArray[np.floating]],
    shape: Shape,
    alpha: float,
    says: Mapping[str, str | int],
) -> None:
    """GGUFWriter writes the header only: its tensors go through `ndarray.tofile`, which hides a full disk."""
    # GGUFWriter keeps the mode of a file
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    writer = GGUFWriter(part, shape.architecture.name)
    try:
        writer.add_type("adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", alpha)
        for key, value in says.items():
            if isinstance(value, str):
                writer.add_string(key, value)
            else:
                writer.add_uint32(key, value)
        for name, values in tensors.items():
            writer.add_tensor_info(name, values.shape, values.dtype, values.nbytes)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
    finally:
        writer.close()
    with part.open("ab") as file:
        for values in tensors.values():
            file.write(bytes(-file.tell() % GGUF_DEFAULT_ALIGNMENT))
            file.write(values.tobytes())
        file.write(bytes(-file.tell() % GGUF_DEFAULT_ALIGNMENT))


def _in_file(adapter: Mapping[str, Floats], shape: Shape, kind: str) -> dict[str, npt.NDArray[np.floating]]:
    """Each A and B as llama.cpp multiplies it: what a permuted matrix gives lies in another order there."""
    found = {}
    for peft_name, values in sorted(adapter.items()):
        name = gguf_name(peft_name)
        rows = _rows(name, shape)
        found[name] = np.ascontiguousarray(values if rows is None else values[rows], kind)
    return found


def _sync_and_hash(part: Path) -> str:
    with part.open("rb+") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    if (
        os.name == "posix"
    ):  # a renamed file is safe once its folder is on the disk; Windows can't open folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _removed_on_terminate(part: Path) -> Iterator[None]:
    """While inside, SIGTERM removes `part` before it ends the process; outside, it ends the process at once."""

    def leave(number: int, frame: FrameType | None) -> None:
        part.unlink(missing_ok=True)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
