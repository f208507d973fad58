"""
The adapters that are loaded into the model, by the sha256 of their bytes.

The bytes never touch a disk in plain sight; they are checked by hash and by header before llama.cpp
sees them, because a few kinds of damage would end the process there.
"""

import hashlib
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from daemon.engine.errors import AdapterRefused, AdapterUnknown
from daemon.engine.gguf_file import Broken, Header, read_header
from daemon.engine.llama import LlamaRefused, Model

STEP = 32
ALIGNMENT = 32  # bytes; of a GGUF file that names no other
_NUMBERS = {0: "<f4", 1: "<f2"}  # that an adapter may have, by the type of a tensor


class Adapters:
    """Loaded adapters of one model."""

    def __init__(self, model: Model, base: Header) -> None:
        self._model = model
        self._architecture = base.text("general.architecture")
        self._shapes = {tensor.name: tensor.shape for tensor in base.tensors}
        self._loaded: dict[str, Any] = {}

    def load(self, sha256: str, data: bytes) -> None:
        """Make an adapter ready; once is enough. Raises `AdapterRefused`."""
        if sha256 in self._loaded:
            return
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise AdapterRefused(
                sha256=sha256, reason=f"its bytes have the sha256 {found[:12]}…, they are damaged"
            )
        if reason := self._why_not(data):
            raise AdapterRefused(sha256=sha256, reason=reason)
        with anonymous_file(data if self._model.on_gpu else filled_up(data)) as path:
            try:
                self._loaded[sha256] = self._model.load_adapter(path)
            except LlamaRefused as error:
                raise AdapterRefused(sha256=sha256, reason=str(error)) from error

    def handle(self, sha256: str | None) -> Any:
        """What `Context.use` takes; None for the base model. Raises `AdapterUnknown`."""
        if sha256 is not None and sha256 not in self._loaded:
            raise AdapterUnknown(sha256=sha256)
        return None if sha256 is None else self._loaded[sha256]

    def unload(self, sha256: str) -> None:
        """Free an adapter that no context is using."""
        if (handle := self._loaded.pop(sha256, None)) is not None:
            self._model.free_adapter(handle)

    def _why_not(self, data: bytes) -> str | None:
        try:
            header = read_header(data)
        except Broken as error:
            return f"it is not a GGUF file: {error}"
        if header.needed_bytes > len(data):
            return f"it has {len(data)} bytes and needs {header.needed_bytes}, it was cut short"
        if header.text("general.type") != "adapter" or header.text("adapter.type") != "lora":
            return "it is not a LoRA adapter"
        if (made_for := header.text("general.architecture")) != self._architecture:
            return f"it was made for {made_for!r}, the model is {self._architecture!r}"
        if not isinstance(header.values.get("adapter.lora.alpha"), float):
            return "it does not say its alpha"
        if not header.tensors:
            return "it has no tensors"
        return self._wrong_tensor(header)

    def _wrong_tensor(self, header: Header) -> str | None:
        for tensor in header.tensors:
            base, _, half = tensor.name.rpartition(".lora_")
            if half not in ("a", "b") or base not in self._shapes:
                return f"its tensor {tensor.name!r} belongs to no tensor of this model"
            side, own = (0, 0) if half == "a" else (1, 1)
            shape = self._shapes[base]
            if len(shape) != 2 or len(tensor.shape) != 2 or shape[side] != tensor.shape[own]:
                made_for = f"{tensor.shape} does not fit the model's {shape}"
                return f"its tensor {tensor.name!r} of shape {made_for}: it was made for another model"
        return None


def filled_up(data: bytes) -> bytes:
    """
    The same adapter with zeros up to a rank that processors multiply at once.

    llama.cpp takes 32 numbers a step and the rest one by one, so that a rank of 16 costs more than one of 32.
    """
    header = read_header(data)
    ranks = {tensor.shape[1] for tensor in header.tensors if tensor.name.endswith("lora_a")}
    kinds = {tensor.kind for tensor in header.tensors}
    rank = max(ranks, default=STEP)
    if len(ranks) != 1 or rank % STEP == 0 or not kinds <= _NUMBERS.keys():
        return data
    wide = -(-rank // STEP) * STEP
    table, rows = bytearray(), bytearray()
    for tensor in header.tensors:
        kind = np.dtype(_NUMBERS[tensor.kind])
        begin, (columns, lines) = header.start + tensor.offset, tensor.shape
        numbers = np.frombuffer(data, kind, columns * lines, begin).reshape(lines, columns)
        is_a = tensor.name.endswith("lora_a")
        full = np.pad(numbers, ((0, wide - rank if is_a else 0), (0, 0 if is_a else wide - rank)))
        table += _text(tensor.name) + struct.pack("<I2QIQ", 2, *full.shape[::-1], tensor.kind, len(rows))
        rows += full.tobytes().ljust(-(-full.nbytes // ALIGNMENT) * ALIGNMENT, b"\0")
    alpha = float(header.values["adapter.lora.alpha"] or 0) * wide / rank
    texts = {key: header.text(key) for key in ("general.architecture", "general.type", "adapter.type")}
    keys = b"".join(_text(key) + struct.pack("<I", 8) + _text(text) for key, text in texts.items())
    keys += _text("adapter.lora.alpha") + struct.pack("<If", 6, alpha)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(header.tensors), len(texts) + 1) + keys + bytes(table)
    return head.ljust(-(-len(head) // ALIGNMENT) * ALIGNMENT, b"\0") + bytes(rows)


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


@contextmanager
def anonymous_file(data: bytes) -> Iterator[str]:
    """A path to a file that has no name in any folder and is gone at the end."""
    if hasattr(os, "memfd_create"):
        with open(os.memfd_create("adapter"), "wb") as file:
            file.write(data)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
        return
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        file.seek(0)
        yield f"/dev/fd/{file.fileno()}"
