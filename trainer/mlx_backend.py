"""
The MLX backend: a model from a GGUF with a fresh LoRA on it, on the GPU of Apple silicon; elsewhere on the CPU, which
is slow and there for the tests. Not tried on Apple silicon by us: all tests of it run on Linux.

The base is stored as in the file (`mlx_model.py`) where it is large, and then computes in bfloat16; else whole, in
float32. AdamW corrects its bias, as torch's does and MLX's by default does not. MLX can't be asked to fail: where
memory runs out the process ends. So a batch that looks too large is refused by an estimate before it is begun, after
trying to keep one layer's activations only. The estimate is above what is used and below three times that.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import mlx.core as mx
import numpy as np
from mlx.optimizers import AdamW, clip_grad_norm

from trainer.backend import Floats, Sequences, Targets
from trainer.errors import OutOfMemory
from trainer.gguf_model import GgufModel, Shape
from trainer.loss import loss
from trainer.micro_batches import free_mb, peak_of_process_mb
from trainer.mlx_model import PackedModel, adapted, fresh_adapter
from trainer.recipe import Recipe

Array: TypeAlias = Any  # mlx.core.array
Adapter: TypeAlias = Mapping[str, Array]  # by PEFT's names
LARGE = 500e6  # parameters; from here on the base stays as in its file and computes in bfloat16
FLOAT = 4  # bytes; of logits, and of the adapter with its gradient and moments
CACHE = 1 << 30  # bytes of freed memory that MLX may keep; batches differ in size, so little is used again


def needed_mb(
    shape: Shape, lengths: Sequence[int], answers: int, *, rank: int, width: int, learn: bool, again: bool
) -> float:
    """
    What one batch needs besides the model, in MB.

    Args:
        lengths: tokens of each sequence.
        answers: answer tokens of all of them.
        width: bytes of one activation.
        learn: with a gradient; without one, a layer's activations are given back after it.
        again: activations are computed again, one layer at a time.
    """
    tokens = sum(lengths)
    heads = (2 * shape.heads + 3 * shape.kv_heads) * shape.head_dim
    per_token = width * (9 * shape.hidden + 2 * heads + 7 * shape.ffn + 8 * rank)
    layer = tokens * per_token + 3 * width * shape.heads * sum(length * length for length in lengths)
    logits = FLOAT * answers * shape.vocabulary
    if not learn:
        return (layer + 3 * logits) / 1e6
    updates = 5 * FLOAT * rank * sum(sum(size) for size in adapted(shape).values())
    kept = shape.layers * tokens * width * shape.hidden + layer if again else shape.layers * layer
    return (kept + layer + 6 * logits + updates) / 1e6


def room_mb() -> float | None:
    """How much more memory MLX may take here, in MB; None where the system does not say."""
    if mx.metal.is_available():
        return (int(mx.device_info()["max_recommended_working_set_size"]) - mx.get_active_memory()) / 1e6
    return free_mb()


class MlxBackend:
    """A base model, the adapter being trained on it, and the state of its optimiser."""

    def __init__(
        self,
        model: GgufModel,
        recipe: Recipe,
        seed: int,
        room: Callable[[], float | None] = room_mb,
    ) -> None:
        """`room`: how many MB a batch may take, asked before each."""
        self.base = model.base
        large = self.base.parameters >= LARGE
        held = recipe.base == "held" or (recipe.base == "auto" and large)
        half = recipe.precision == "bfloat16" or (recipe.precision == "auto" and large)
        self._shape = model.shape
        self._recipe = recipe
        self._room = room
        self._width = 2 if half else 4
        mx.set_cache_limit(CACHE)
        first = recipe.first_layer_for(model.base, model.shape.layers)
        with _memory_errors("loading the model", 0):
            self._model = PackedModel(
                model,
                dtype=mx.bfloat16 if half else mx.float32,
                held=held,
                scale=recipe.alpha_for(model.base) / recipe.rank_for(model.base),
                first=first,
            )
        fresh = fresh_adapter(model.shape, recipe.rank_for(model.base), seed, first)
        self._adapter = {name: mx.array(values) for name, values in fresh.items()}
        self._none = {name: mx.zeros_like(values) for name, values in self._adapter.items()}
        self._optimiser = AdamW(learning_rate=0.0, weight_decay=recipe.weight_decay, bias_correction=True)
        self._optimiser.init(self._adapter)
        device = "GPU" if mx.default_device().type == mx.DeviceType.gpu else "CPU"
        self.name = (
            f"mlx, {device}, {'bfloat16' if half else 'float32'}{', base as in the file' if held else ''}"
        )

    def read_ahead(self, batch: Sequences) -> None:
        """Nothing: all layers run at each step."""

    def teach(self, batch: Sequences, d: int) -> Targets:
        """What the base model expects, without the adapter."""
        with _memory_errors("asking the teacher", len(batch.lengths)):
            self._fits("asking the teacher", batch, learn=False)
            logp = _log_softmax(self._logits(self._none, batch))
            some = mx.argpartition(-logp, d - 1, axis=-1)[:, :d]
            order = mx.argsort(-mx.take_along_axis(logp, some, -1), axis=-1)
            tokens = mx.take_along_axis(some, order, -1)
            top, rest = _top_and_rest(logp, tokens)
            mx.eval(tokens, top, rest)
        return Targets(tokens=np.array(tokens).astype(np.int64), logp=np.array(top), rest=np.array(rest))

    def step(self, batch: Sequences, targets: Targets, learning_rate: float) -> float:
        """One update; the loss before it, in nats per answer token."""
        with _memory_errors("learning", len(batch.lengths)):
            again = self._fits("learning", batch, learn=True)
            value, gradients = mx.value_and_grad(self._loss)(self._adapter, batch, targets, again)
            mx.eval(value, gradients)  # all that needs memory; a failure here leaves adapter and optimiser be
            gradients, _ = clip_grad_norm(gradients, self._recipe.clip)
            self._optimiser.learning_rate = learning_rate
            self._adapter = self._optimiser.apply_gradients(gradients, self._adapter)
            mx.eval(self._adapter, self._optimiser.state)
        return float(value.item())

    def loss(self, batch: Sequences, targets: Targets) -> float:
        """The same loss without an update."""
        with _memory_errors("looking at the exam", len(batch.lengths)):
            self._fits("looking at the exam", batch, learn=False)
            return float(self._loss(self._adapter, batch, targets).item())

    def adapter(self) -> dict[str, Floats]:
        """A copy of the adapter: PEFT's tensor names, A (rank, in) and B (out, rank), float32."""
        return {name: np.array(values) for name, values in self._adapter.items()}

    def state(self) -> dict[str, Floats]:
        """A copy of the adapter and of AdamW's moments and steps, float32."""
        kept = {**self.adapter(), "steps": np.array(self._optimiser.step, np.float32)}
        for name in self._adapter:
            for moment, values in self._optimiser.state[name].items():
                kept[f"{moment}.{name}"] = np.array(values)
        return kept

    def restore(self, state: dict[str, Floats]) -> None:
        """Go on from what `state()` gave."""
        self._adapter = {name: mx.array(state[name]) for name in self._adapter}
        self._optimiser.state["step"] = mx.array(int(state["steps"]), mx.uint64)
        for name in self._adapter:
            moments = self._optimiser.state[name]
            self._optimiser.state[name] = {each: mx.array(state[f"{each}.{name}"]) for each in moments}

    def peak_mb(self) -> float:
        """The most memory ever taken, in MB: of this process, or of MLX where the process does not count it."""
        return max(peak_of_process_mb(), mx.get_peak_memory() / 1e6)

    def logits(self, tokens: list[int]) -> Floats:
        """(T, V) logits of base and adapter after each of `tokens`."""
        places = mx.arange(len(tokens))
        values: Floats = np.array(self._model.logits(self._adapter, mx.array(tokens), [len(tokens)], places))
        return values

    def _loss(self, adapter: Adapter, batch: Sequences, targets: Targets, again: bool = False) -> Array:
        logp = _log_softmax(self._logits(adapter, batch, again=again))
        top, rest = _top_and_rest(logp, mx.array(targets.tokens))
        return loss(self._recipe.loss, top, rest, mx.array(targets.logp), mx.array(targets.rest))

    def _logits(self, adapter: Adapter, batch: Sequences, *, again: bool = False) -> Array:
        """(A, V) float32 logits at the places that foretell answer tokens."""
        tokens, places = mx.array(batch.tokens), mx.array(batch.places)
        return self._model.logits(adapter, tokens, batch.lengths.tolist(), places, again=again)

    def _fits(self, doing: str, batch: Sequences, *, learn: bool) -> bool:
        """
        Whether activations must be computed again: so that the batch fits, or because the recipe asks for it.

        Raises:
            OutOfMemory: it does not fit even so.
        """
        room = self._room()
        ways = {"auto": (False, True), "off": (False,), "on": (True,)}[self._recipe.checkpointing]
        for again in ways:
            needed = needed_mb(
                self._shape,
                batch.lengths.tolist(),
                len(batch.answers),
                rank=self._recipe.rank_for(self.base),
                width=self._width,
                learn=learn,
                again=again,
            )
            if room is None or needed <= room:
                return again
        raise OutOfMemory(doing, len(batch.lengths))


def why_not(model: GgufModel, recipe: Recipe) -> str | None:
    """Why this can't train here; None when it can: where MLX loads, it runs."""
    if recipe.device not in ("auto", "mlx"):
        return f"the recipe asks for {recipe.device!r}"
    return "'base' of the recipe is nf4, which needs a CUDA device" if recipe.base == "nf4" else None


def open_backend(model: GgufModel, recipe: Recipe, seed: int) -> MlxBackend:
    """
    Load `model` and put a fresh adapter on it.

    Raises:
        OutOfMemory: the model does not fit.
    """
    return MlxBackend(model, recipe, seed)


def _log_softmax(logits: Array) -> Array:
    return logits - mx.logsumexp(logits, axis=-1, keepdims=True)


def _top_and_rest(logp: Array, tokens: Array) -> tuple[Array, Array]:
    """Log-probabilities (A, d) of `tokens`, and (A,) of all others, summed from those: 1 - top would be lost."""
    others = mx.put_along_axis(logp, tokens, mx.array(-mx.inf), axis=-1)
    return mx.take_along_axis(logp, tokens, -1), mx.logsumexp(others, axis=-1)


@contextmanager
def _memory_errors(doing: str, lessons: int) -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise OutOfMemory(doing, lessons) from error
    except RuntimeError as error:  # MLX has no class of its own for it
        if "allocate" in str(error) or "Insufficient Memory" in str(error):
            raise OutOfMemory(doing, lessons) from error
        raise
