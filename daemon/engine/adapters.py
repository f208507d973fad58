"""
The adapters that are loaded into the model, by the sha256 of their bytes.

The bytes never touch a disk in plain sight; they are checked by hash and by header before llama.cpp
sees them, because a few kinds of damage would end the process there.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from daemon.engine.errors import AdapterRefused, AdapterUnknown
from daemon.engine.gguf_file import Broken, Header, read_header
from daemon.engine.llama import LlamaRefused, Model


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
        with anonymous_file(data) as path:
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
