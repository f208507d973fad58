"""
The one reader of model files: a Qwen3 GGUF as a shape and float32 tensors with Hugging Face names.

Every quantisation that the gguf package can undo is read; all numbers come from the file. The file must not change
while a `GgufModel` is in use: tensors are read when asked for.
"""

import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, GGUFReader, ReaderTensor
from gguf.quants import dequantize

from trainer.errors import TrainerError, model_damaged, model_unsupported, one_line

LAYER_NAMES = {  # GGUF name inside blk.N. -> Hugging Face name inside model.layers.N.
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The numbers that make a Qwen3."""

    layers: int
    hidden: int
    ffn: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int  # tokens
    norm_eps: float
    rope_base: float
    tied: bool  # the output head is the embedding

    def expected(self) -> dict[str, tuple[int, ...]]:
        """Every tensor that must be in the file, by GGUF name without ".weight", with its NumPy shape."""
        query, key = self.heads * self.head_dim, self.kv_heads * self.head_dim
        layer: dict[str, tuple[int, ...]] = {
            "attn_norm": (self.hidden,),
            "attn_q": (query, self.hidden),
            "attn_k": (key, self.hidden),
            "attn_v": (key, self.hidden),
            "attn_output": (self.hidden, query),
            "attn_q_norm": (self.head_dim,),
            "attn_k_norm": (self.head_dim,),
            "ffn_norm": (self.hidden,),
            "ffn_gate": (self.ffn, self.hidden),
            "ffn_up": (self.ffn, self.hidden),
            "ffn_down": (self.hidden, self.ffn),
        }
        whole: dict[str, tuple[int, ...]] = {
            "token_embd": (self.vocabulary, self.hidden)
        }  # largest, so first
        whole |= {f"blk.{n}.{name}": shape for n in range(self.layers) for name, shape in layer.items()}
        whole |= {"output_norm": (self.hidden,)}
        return whole if self.tied else whole | {"output": (self.vocabulary, self.hidden)}


class GgufModel:
    """An open model file: `path`, `shape`, and its tensors one by one."""

    def __init__(
        self,
        path: Path,
        shape: Shape,
        tensors: dict[str, ReaderTensor],
        pages: mmap.mmap | None = None,
    ) -> None:
        self.path = path
        self.shape = shape
        self._tensors = tensors
        self._pages = pages

    @property
    def parameters(self) -> int:
        """How many numbers the model has."""
        return sum(int(tensor.n_elements) for tensor in self._tensors.values())

    def tensors(self) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
        """
        Each tensor as (Hugging Face name, float32 values of its own), one at a time.

        Raises:
            TrainerError: a quantisation that cannot be undone.
        """
        for name in self.shape.expected():
            yield hugging_face_name(name), self._values(name)
            self._give_back()

    def read(self, how: Callable[[ReaderTensor], Any]) -> Iterator[tuple[str, Any]]:
        """Each tensor as (Hugging Face name, what `how` makes of it as it lies in the file), one at a time."""
        for name in self.shape.expected():
            yield hugging_face_name(name), how(self._tensors[name])
            self._give_back()

    def _values(self, name: str) -> npt.NDArray[np.float32]:
        tensor = self._tensors[name]
        try:
            values = dequantize(tensor.data, tensor.tensor_type)
        except NotImplementedError as error:
            feature = f"tensors of the type {tensor.tensor_type.name}"
            known = "F32, F16, BF16, Q8_0, Q4_K and most others"
            raise model_unsupported(self.path, feature, known) from error
        if tensor.tensor_type == GGMLQuantizationType.F32:
            values = np.array(values)  # it lies in the file
        return np.asarray(values, np.float32).reshape(self.shape.expected()[name])

    def _give_back(self) -> None:
        """Let the system take back the pages of the file that were read: they count as this process's memory."""
        if self._pages is not None and hasattr(self._pages, "madvise"):  # not on Windows
            self._pages.madvise(mmap.MADV_DONTNEED)


def open_model(path: Path) -> GgufModel:
    """Read the header of the GGUF at `path` and check that its tensors are those of a Qwen3; else `TrainerError`."""
    try:
        reader = _WholeReader(path)
        keys = {name: field.contents() for name, field in reader.fields.items() if field.types}
    except OSError as error:
        raise TrainerError(
            "model_missing",
            f"Can't open the model {str(path)!r}: {error.strerror or error}. Check the path, or download the model "
            f"again.",
        ) from error
    except (ValueError, LookupError, TypeError, OverflowError, MemoryError) as error:
        raise model_damaged(path, f"it is no whole GGUF file ({one_line(error)})") from error
    if keys.get("general.architecture") != "qwen3" or keys.get("general.type", "model") != "model":
        found = f"{keys.get('general.architecture')} {keys.get('general.type', '')}".strip()
        raise TrainerError(
            "not_qwen3",
            f"Can't train on {str(path)!r}: its architecture is {found!r}, only 'qwen3' can be trained.",
        )
    tensors = {tensor.name.removesuffix(".weight"): tensor for tensor in reader.tensors}
    try:
        shape = _shape(path, keys, tensors)
    except KeyError as error:
        raise model_damaged(path, f"it lacks {error.args[0]!r}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise model_damaged(path, f"its metadata make no sense ({one_line(error)})") from error
    _check(path, shape, tensors)
    return GgufModel(path, shape, tensors, getattr(reader.data, "_mmap", None))


def hugging_face_name(name: str) -> str:
    """`blk.0.attn_q` -> `model.layers.0.self_attn.q_proj.weight`."""
    whole = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
    if name in whole:
        return f"{whole[name]}.weight"
    _, layer, part = name.split(".")
    return f"model.layers.{layer}.{LAYER_NAMES[part]}.weight"


class _WholeReader(GGUFReader):  # type: ignore[misc, unused-ignore]  # where mypy skips gguf
    """GGUFReader without memmap's slow slices, and strict about the end of the file."""

    _bytes: npt.NDArray[np.uint8] | None = None

    def _get(
        self,
        offset: int,
        dtype: npt.DTypeLike,
        count: int = 1,
        override_order: None | Literal["I", "S", "<"] = None,
    ) -> npt.NDArray[Any]:
        if self._bytes is None:
            self._bytes = self.data.view(np.ndarray)
        size = np.dtype(dtype).itemsize * int(count)
        if int(offset) + size > len(self._bytes):
            raise ValueError(f"it ends at byte {len(self._bytes):,}, but goes on to {int(offset) + size:,}")
        values = self._bytes[int(offset) : int(offset) + size].view(dtype)
        return values.view(values.dtype.newbyteorder(override_order or self.byte_order))


def _shape(path: Path, keys: dict[str, Any], tensors: dict[str, ReaderTensor]) -> Shape:
    scaling = keys.get("qwen3.rope.scaling.type", "none")
    if scaling != "none":
        raise model_unsupported(path, f"{scaling!r} rope scaling", "no rope scaling")
    heads = int(keys["qwen3.attention.head_count"])
    hidden = int(keys["qwen3.embedding_length"])
    return Shape(
        layers=int(keys["qwen3.block_count"]),
        hidden=hidden,
        ffn=int(keys["qwen3.feed_forward_length"]),
        heads=heads,
        kv_heads=int(keys.get("qwen3.attention.head_count_kv", heads)),
        head_dim=int(keys.get("qwen3.attention.key_length", hidden // heads)),
        vocabulary=int(tensors["token_embd"].shape[-1]),
        context=int(keys["qwen3.context_length"]),
        norm_eps=float(keys["qwen3.attention.layer_norm_rms_epsilon"]),
        rope_base=float(keys.get("qwen3.rope.freq_base", 10_000.0)),
        tied="output" not in tensors,
    )


def _check(path: Path, shape: Shape, tensors: dict[str, ReaderTensor]) -> None:
    expected = shape.expected()
    for name, wanted in expected.items():
        if name not in tensors:
            raise model_damaged(path, f"it lacks the tensor {name}.weight")
        found = tuple(int(size) for size in reversed(tensors[name].shape))
        if found != wanted:
            raise model_damaged(path, f"the tensor {name}.weight is {found}, not {wanted}")
    if unknown := tensors.keys() - expected.keys() - {"rope_freqs"}:
        raise model_unsupported(path, f"the tensor {min(unknown)}", "the tensors of a plain Qwen3")
