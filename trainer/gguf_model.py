"""
The one reader of model files: a GGUF as a shape and tensors with the names, and in the order, of Hugging Face.

Every quantisation that the gguf package can undo is read; all numbers come from the file. The file must not change
while a `GgufModel` is in use: tensors are read when asked for. Where file and transformers store a tensor differently
(`architectures.py`), what is given out is as transformers has it.
"""

import mmap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, GGUFReader, ReaderTensor
from gguf.quants import dequantize

from trainer.architectures import ARCHITECTURES, MATRICES, Architecture, why_not
from trainer.errors import TrainerError, cannot_learn, model_damaged, model_unsupported, one_line
from trainer.model_parts import parts
from trainer.recipe import Base

WHOLE_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The numbers that make a model of its architecture."""

    architecture: Architecture
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
    rope_factors: tuple[
        float, ...
    ] = ()  # what each of the head_dim / 2 frequencies is divided by; none: by 1
    window: int = 0  # tokens that a sliding layer sees, the last one included
    sliding: tuple[bool, ...] = ()  # of each layer, whether it is one; none: none is
    sliding_rope_base: float = 10_000.0  # of these layers, whose frequencies are not divided
    query_scalar: int = 0  # queries are divided by its root; 0: by that of head_dim

    def expected(self) -> dict[str, tuple[int, ...]]:
        """Every tensor that must be in the file, by GGUF name without ".weight", with its NumPy shape."""
        whole: dict[str, tuple[int, ...]] = {
            "token_embd": (self.vocabulary, self.hidden)
        }  # largest, so first
        layer = self._layer()
        whole |= {f"blk.{n}.{name}": size for n in range(self.layers) for name, size in layer.items()}
        whole |= {"output_norm": (self.hidden,)}
        return whole if self.tied else whole | {"output": (self.vocabulary, self.hidden)}

    def _layer(self) -> dict[str, tuple[int, ...]]:
        query, key = self.heads * self.head_dim, self.kv_heads * self.head_dim
        matrices = {
            "attn_q": (query, self.hidden),
            "attn_k": (key, self.hidden),
            "attn_v": (key, self.hidden),
            "attn_output": (self.hidden, query),
            "ffn_gate": (self.ffn, self.hidden),
            "ffn_up": (self.ffn, self.hidden),
            "ffn_down": (self.hidden, self.ffn),
        }
        biases = {f"{name}.bias": matrices[name][:1] for name in self.architecture.biased}
        of_heads = ("attn_q_norm", "attn_k_norm")
        norms = {
            name: (self.head_dim if name in of_heads else self.hidden,) for name in self.architecture.norms
        }
        return {**matrices, **biases, **norms}

    def rows_in_file(self, name: str) -> npt.NDArray[np.int64] | None:
        """
        Which of Hugging Face's rows each row of the file's matrix `name` (such as "blk.0.attn_q") is; None: its own.

        Hugging Face turns the first half of a head's rows against the second, llama.cpp each pair of neighbours.
        """
        part = name.rpartition(".")[2]
        if part not in self.architecture.permuted:
            return None
        heads = self.heads if part == "attn_q" else self.kv_heads
        rows = np.arange(heads * self.head_dim).reshape(heads, 2, self.head_dim // 2)
        return rows.swapaxes(1, 2).ravel()


class GgufModel:
    """An open model file: `path`, `shape`, what a recipe goes by, and its tensors one by one."""

    def __init__(
        self,
        path: Path,
        shape: Shape,
        base: Base,
        tensors: dict[str, ReaderTensor],
        pages: Sequence[mmap.mmap] = (),
    ) -> None:
        self.path = path
        self.shape = shape
        self.base = base
        self._tensors = tensors
        self._pages = pages

    def tensors(self) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
        """
        Each tensor as (Hugging Face name, float32 values of its own), one at a time.

        Raises:
            TrainerError: a quantisation that cannot be undone.
        """
        for name in self.shape.expected():
            yield hugging_face_name(name, self.shape.architecture), self._values(name)
            self._give_back()

    def read(self, how: Callable[[ReaderTensor], Any]) -> Iterator[tuple[str, Any]]:
        """Each tensor as (Hugging Face name, what `how` makes of it in its type in the file), one at a time."""
        for name in self.shape.expected():
            yield hugging_face_name(name, self.shape.architecture), how(self._tensor(name))
            self._give_back()

    def _tensor(self, name: str) -> ReaderTensor:
        """A tensor with the rows, or the numbers, that transformers has; of any type: a row is a row of bytes."""
        tensor, less = self._tensors[name], self.shape.architecture.norms_less
        if (rows := self.shape.rows_in_file(name)) is not None:
            return tensor._replace(data=tensor.data[np.argsort(rows)])
        if less and (name == "output_norm" or name.rpartition(".")[2] in self.shape.architecture.norms):
            values = dequantize(tensor.data, tensor.tensor_type) - np.float32(less)
            return tensor._replace(data=values, tensor_type=GGMLQuantizationType.F32)
        return tensor

    def _values(self, name: str) -> npt.NDArray[np.float32]:
        tensor = self._tensor(name)
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
        for pages in self._pages:
            if hasattr(pages, "madvise"):  # not on Windows
                pages.madvise(mmap.MADV_DONTNEED)


def open_model(path: Path) -> GgufModel:
    """
    Read the headers of the GGUF that `path` is, or is a part of; check that it can be trained and is whole.

    Raises:
        TrainerError: it can't, or is not.
    """
    opened = [_opened(part) for part in parts(path)]
    keys = opened[0][1]
    if reason := why_not(keys, (tensor.name for reader, _ in opened for tensor in reader.tensors)):
        raise cannot_learn(path, reason)
    if len(opened) != (count := keys.get("split.count") or 1):
        raise model_damaged(
            path, f"it is one of {count} files, but is not named so (-00001-of-{count:05}.gguf)"
        )
    tensors = {
        tensor.name.removesuffix(".weight"): tensor for reader, _ in opened for tensor in reader.tensors
    }
    try:
        shape = _shape(keys, tensors)
    except KeyError as error:
        raise model_damaged(path, f"it lacks {error.args[0]!r}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise model_damaged(path, f"its metadata make no sense ({one_line(error)})") from error
    _check(path, shape, tensors)
    pages = [getattr(reader.data, "_mmap", None) for reader, _ in opened]
    base = Base(
        parameters=sum(int(tensor.n_elements) for tensor in tensors.values()),
        pretrained=not keys.get("tsubasa.tiny", False),
    )
    return GgufModel(path, shape, base, tensors, [each for each in pages if each is not None])


def _opened(path: Path) -> tuple["_WholeReader", dict[str, Any]]:
    """One file and its metadata."""
    try:
        reader = _WholeReader(path)
        return reader, {name: field.contents() for name, field in reader.fields.items() if field.types}
    except OSError as error:
        raise TrainerError(
            "model_missing",
            f"Can't open the model {str(path)!r}: {error.strerror or error}. Check the path, or download the model "
            f"again.",
        ) from error
    except (ValueError, LookupError, TypeError, OverflowError, MemoryError) as error:
        raise model_damaged(path, f"it is no whole GGUF file ({one_line(error)})") from error


def hugging_face_name(name: str, architecture: Architecture) -> str:
    """`blk.0.attn_q` -> `model.layers.0.self_attn.q_proj.weight`."""
    if name in WHOLE_NAMES:
        return f"{WHOLE_NAMES[name]}.weight"
    _, layer, part, *kind = name.split(".")
    inner = MATRICES.get(part) or architecture.norms[part]
    return f"model.layers.{layer}.{inner}.{kind[0] if kind else 'weight'}"


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


def _shape(keys: dict[str, Any], tensors: dict[str, ReaderTensor]) -> Shape:
    architecture = ARCHITECTURES[keys["general.architecture"]]
    before = f"{architecture.name}."
    own = {key.removeprefix(before): value for key, value in keys.items() if key.startswith(before)}
    heads, hidden, layers = own["attention.head_count"], own["embedding_length"], own["block_count"]
    head_dim = int(own.get("attention.key_length", hidden // heads))
    shape = Shape(
        architecture=architecture,
        layers=int(layers),
        hidden=int(hidden),
        ffn=int(own["feed_forward_length"]),
        heads=int(heads),
        kv_heads=int(own.get("attention.head_count_kv", heads)),
        head_dim=head_dim,
        vocabulary=int(tensors["token_embd"].shape[1]),
        context=int(own["context_length"]),
        norm_eps=float(own["attention.layer_norm_rms_epsilon"]),
        rope_base=float(own.get("rope.freq_base", 10_000.0)),
        rope_factors=_rope_factors(own, tensors, head_dim // 2),
        tied="output" not in tensors,
    )
    return _with_windows(shape, own) if architecture.name == "gemma3" else shape


def _rope_factors(own: dict[str, Any], tensors: dict[str, ReaderTensor], count: int) -> tuple[float, ...]:
    """Linear scaling, and what a Llama 3.1 has in a tensor. Source: llama.cpp, `ggml_rope_ext`."""
    scale = float(own.get("rope.scaling.factor", 0) or own.get("rope.scale_linear", 0) or 1)
    factors = np.full(count, scale, np.float32)
    if "rope_freqs" in tensors:
        factors *= dequantize(tensors["rope_freqs"].data, tensors["rope_freqs"].tensor_type)
    return tuple(factors.tolist()) if (factors != 1).any() else ()


def _with_windows(shape: Shape, own: dict[str, Any]) -> Shape:
    """What a Gemma 3 has besides. Source: llama.cpp, `src/models/gemma3.cpp`."""
    window = int(own.get("attention.sliding_window", 0))
    pattern = own.get("attention.sliding_window_pattern", 6)  # every so manieth layer sees everything
    if isinstance(pattern, int):
        pattern = [(layer + 1) % pattern != 0 for layer in range(shape.layers)]
    scalar = shape.hidden // shape.heads if shape.layers == 62 else 0  # the one of 27 billion parameters
    return replace(
        shape,
        window=window,
        sliding=tuple(bool(each) for each in pattern[: shape.layers]) if window else (),
        sliding_rope_base=float(own.get("rope.freq_base_swa", 10_000.0)),
        query_scalar=scalar,
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
        raise model_damaged(path, f"the tensor {min(unknown)} belongs to no layer of it")
