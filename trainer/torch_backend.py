"""
The torch backend: a model from a GGUF with a fresh LoRA on it, by transformers and peft, on a CUDA card or the CPU.

Logits are made at answer positions only: a vocabulary of 150,000 makes full logits larger than the model. The same
seed and thread count give the same adapter on a CPU. Memory that runs out is an `OutOfMemory`, whichever of torch's
ways of saying it is met.
"""

import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from trainer.architectures import MATRICES
from trainer.backend import Floats, Sequences, Targets, join
from trainer.errors import OutOfMemory
from trainer.gguf_model import GgufModel
from trainer.layout import layout_of
from trainer.loss import loss
from trainer.micro_batches import MicroBatches, Part, free_mb, peak_of_process_mb
from trainer.recipe import Recipe
from trainer.torch_lower_layers import LowerLayers
from trainer.torch_model import base_mb, load_base, through_layers, way_of_holding

LINEAR = [name.rpartition(".")[2] for name in MATRICES.values()]
LARGE = 500e6  # parameters; from here on the base is stored in bfloat16 where that is fast
PART_MB = 2000.0  # of activations in memory at a time, at least; as much as the model where that is more
KEPT = 0.25  # of the free memory, for what the layers that don't learn make of the lessons
KEPT_MB = 2000.0  # for it where the system does not say how much is free

log = logging.getLogger(__name__)


class TorchBackend:
    """A base model on one device, the adapter being trained on it, and the state of its optimiser."""

    def __init__(
        self,
        model: GgufModel,
        recipe: Recipe,
        seed: int,
        free: Callable[[], float | None] | None = None,
        part_mb: float | None = None,
    ) -> None:
        self.base = model.base
        self._recipe = recipe
        self._device = device_for(recipe)
        self._half = in_bfloat16(recipe, self._device, self.base.parameters)
        free = free or partial(free_on, self._device)
        on_cpu = self._device.type == "cpu"
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        torch.manual_seed(seed)
        large = self._half and self.base.parameters >= LARGE
        dtype = torch.bfloat16 if large else torch.float32
        way = way_of_holding(recipe, self.base.parameters, self._device, self._half)
        with memory_errors("loading the model", 0):
            if on_cpu and base_mb(model, dtype, way) > (free() or math.inf):
                raise MemoryError  # before it is tried: the system would kill a process, maybe not ours
            self._base = load_base(model, dtype, self._device, way)
            self._peft = _with_adapter(self._base, recipe, model)
            self._trained = [weights for weights in self._peft.parameters() if weights.requires_grad]
            # Fused: torch's other ways take memory between one change and the next, and a step that runs out of it
            # half way would look like none. For the same reason the moments are made now.
            self._optimiser = torch.optim.AdamW(
                self._trained, lr=0.0, weight_decay=recipe.weight_decay, fused=True
            )
            for weights in self._trained:
                self._optimiser.state[weights] = {
                    "step": torch.zeros((), device=self._device),
                    "exp_avg": torch.zeros_like(weights),
                    "exp_avg_sq": torch.zeros_like(weights),
                }
        self._first = recipe.first_layer_for(model.base, model.shape.layers)
        self._lower = LowerLayers(
            self._base, self._first, dtype=dtype, device=self._device, room_mb=KEPT * (free() or KEPT_MB)
        )
        if part_mb is None:
            part_mb = max(PART_MB, sum(weights.nbytes for weights in self._base.parameters()) / 1e6)
        itemsize = 2 if self._half else 4
        learning = replace(model.shape, layers=model.shape.layers - self._first)
        self._room = MicroBatches(learning, itemsize=itemsize, part_mb=part_mb, free_mb=free, refuse=on_cpu)
        precision = "bfloat16" if self._half else "float32"
        held = {"whole": "", "held": ", base as in the file", "nf4": ", base in nf4"}[way]
        self.name = f"torch, {self._device.type}, {precision}{held}"
        if recipe.checkpointing == "auto":
            self._room.may_keep_less(self._keep_less)
        if recipe.checkpointing == "on":
            self._room.twice = True
            self._keep_less("the recipe asks for it")

    def read_ahead(self, batch: Sequences) -> None:
        """Let the layers that don't learn read what the student will read."""
        doing = "reading ahead"

        def read(cut: list[Part]) -> None:
            autocast = torch.autocast(self._device.type, torch.bfloat16) if self._half else nullcontext()
            with memory_errors(doing, len(batch.lengths)), autocast:
                for part, _ in cut:
                    self._lower.enter(part, layout_of(part), keep=True)

        if self._first:
            self._room.in_parts(doing, batch, read, learn=False)

    def teach(self, batch: Sequences, d: int) -> Targets:
        """What the base model expects, without the adapter."""

        def read(cut: list[Part]) -> list[Targets]:
            with memory_errors("asking the teacher", len(batch.lengths)), torch.no_grad():
                return [self._expected(part, d) for part, _ in cut]

        with self._peft.disable_adapter():
            return join(self._room.in_parts("asking the teacher", batch, read, learn=False))

    def step(self, batch: Sequences, targets: Targets, learning_rate: float) -> float:
        """One update; the loss before it, in nats per answer token."""
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate

        def gather(cut: list[Part]) -> float:
            total = 0.0
            with memory_errors("learning", len(batch.lengths)):
                self._optimiser.zero_grad(set_to_none=True)
                for part, mine in cut:
                    value = self._loss(part, targets.part(mine)) * (len(part.answers) / len(batch.answers))
                    value.backward()  # type: ignore[no-untyped-call]
                    total += float(value.detach())
                torch.nn.utils.clip_grad_norm_(self._trained, self._recipe.clip)
            return total

        total = self._room.in_parts("learning", batch, gather, learn=True)
        with memory_errors("learning", len(batch.lengths)):
            self._optimiser.step()
        return total

    def loss(self, batch: Sequences, targets: Targets) -> float:
        """The same loss without an update."""

        def look(cut: list[Part]) -> float:
            with memory_errors("looking at the exam", len(batch.lengths)), torch.no_grad():
                sums = [float(self._loss(part, targets.part(mine))) * len(part.answers) for part, mine in cut]
            return sum(sums) / len(batch.answers)

        return self._room.in_parts("looking at the exam", batch, look, learn=False)

    def adapter(self) -> dict[str, Floats]:
        """A copy of the adapter: PEFT's tensor names, A (rank, in) and B (out, rank), float32."""
        state = get_peft_model_state_dict(self._peft)
        return {name: np.array(_numpy(values.float()), copy=True) for name, values in state.items()}

    def state(self) -> dict[str, Floats]:
        """A copy of the trained weights and of AdamW's moments, float32, in the order of the parameters."""
        kept: dict[str, Floats] = {}
        for index, weights in enumerate(self._trained):
            for name, values in {"weights": weights, **self._optimiser.state[weights]}.items():
                kept[f"{name}.{index}"] = np.array(_numpy(values.float()), copy=True)
        return kept

    def restore(self, state: dict[str, Floats]) -> None:
        """Go on from what `state()` gave."""
        with torch.no_grad():
            for index, weights in enumerate(self._trained):
                for name, values in {"weights": weights, **self._optimiser.state[weights]}.items():
                    values.copy_(torch.from_numpy(state[f"{name}.{index}"]))

    def begin_with(self, adapter: Mapping[str, Floats]) -> None:
        """
        Put these weights in the place of fresh ones; the optimiser begins anew.

        Args:
            adapter: as `adapter()` gives it.
        Raises:
            ValueError: it is of another rank.
        """
        for name, values in self.adapter().items():
            if values.shape != adapter[name].shape:
                raise ValueError(f"{name} is {adapter[name].shape}, here it would be {values.shape}")
        weights = {name: torch.from_numpy(values) for name, values in adapter.items()}
        set_peft_model_state_dict(self._peft, weights)

    def peak_mb(self) -> float:
        """The most memory ever taken, in MB: of the card on CUDA, else of this process."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device) / 1e6
        return peak_of_process_mb()

    def logits(self, tokens: list[int]) -> Floats:
        """(T, V) logits of base and adapter after each of `tokens`."""
        batch = Sequences(
            tokens=np.array(tokens, np.int64),
            lengths=np.array([len(tokens)]),
            places=np.arange(len(tokens)),
            answers=np.zeros(len(tokens), np.int64),
        )
        with torch.no_grad():
            values: Floats = _numpy(self._answer_logits(batch, keep=False))
        return values

    def _expected(self, batch: Sequences, d: int) -> Targets:
        logp = self._answer_logits(batch, keep=False).log_softmax(-1)
        top = logp.topk(d, dim=-1)
        rest = logp.scatter_(-1, top.indices, -torch.inf).logsumexp(-1)
        return Targets(tokens=_numpy(top.indices), logp=_numpy(top.values), rest=_numpy(rest))

    def _loss(self, batch: Sequences, targets: Targets) -> torch.Tensor:
        logp = self._answer_logits(batch, keep=True).log_softmax(-1)
        tokens = self._tensor(targets.tokens)
        top = logp.gather(-1, tokens)
        rest = top[:, 0]
        if self._recipe.loss == "rest":  # summed from the others: 1 - top would be lost to rounding
            rest = logp.scatter(-1, tokens, -torch.inf).logsumexp(-1)
        teacher, teacher_rest = self._tensor(targets.logp), self._tensor(targets.rest)
        value: torch.Tensor = loss(self._recipe.loss, top, rest, teacher, teacher_rest)
        return value

    def _answer_logits(self, batch: Sequences, *, keep: bool) -> torch.Tensor:
        """(A, V) float32 logits at the places that foretell answer tokens; `keep` as `LowerLayers.enter` has it."""
        layout = layout_of(batch)
        layers = range(self._first, len(self._base.model.layers))
        autocast = torch.autocast(self._device.type, torch.bfloat16) if self._half else nullcontext()
        with autocast:
            hidden = self._lower.enter(batch, layout, keep=keep)
            hidden = through_layers(self._base, hidden, layout, layers)
            chosen = self._base.model.norm(hidden[0, self._tensor(layout.where[batch.places])])
            logits: torch.Tensor = self._base.lm_head(chosen)
        return logits.float()

    def _keep_less(self, why: str) -> None:
        self.name += ", checkpointing"
        log.info("activations are computed twice instead of kept: %s", why)
        for layer in self._base.model.layers:  # transformers' own switch has changed its name
            layer.forward = partial(checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False)

    def _tensor(self, values: Any) -> torch.Tensor:
        return torch.from_numpy(values).to(self._device)


def why_not(model: GgufModel, recipe: Recipe) -> str | None:
    """Why this can't train here; None when it can."""
    if recipe.device == "mlx":
        return "the recipe asks for MLX"
    if recipe.base == "held" and "cuda" in (recipe.device, device_for(recipe).type):
        return "'base' of the recipe is held, which is for a CPU"
    if recipe.device == "cuda" and not torch.cuda.is_available():
        return "torch finds no CUDA device"
    if recipe.base == "nf4" and find_spec("bitsandbytes") is None:
        return "'base' of the recipe is nf4, which needs the library bitsandbytes"
    if recipe.base == "nf4" and device_for(recipe).type != "cuda":
        return "'base' of the recipe is nf4, which needs a CUDA device"
    return None


def open_backend(model: GgufModel, recipe: Recipe, seed: int) -> TorchBackend:
    """
    Load `model` and put a fresh adapter on it.

    Raises:
        OutOfMemory: the model does not fit.
    """
    return TorchBackend(model, recipe, seed)


def _with_adapter(base: PreTrainedModel, recipe: Recipe, model: GgufModel) -> PeftModel:
    layers = model.shape.layers
    config = LoraConfig(
        r=recipe.rank_for(model.base),
        lora_alpha=recipe.alpha_for(model.base),  # type: ignore[arg-type, unused-ignore]  # a factor
        lora_dropout=0.0,
        bias="none",
        target_modules=LINEAR,
        layers_to_transform=list(range(recipe.first_layer_for(model.base, layers), layers)),
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():  # peft asks transformers for an attribute that has a new name
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        return get_peft_model(base, config)


def _numpy(values: torch.Tensor) -> Any:
    return values.detach().cpu().numpy()


def device_for(recipe: Recipe) -> torch.device:
    """The card where there is one, unless the recipe asks for the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() and recipe.device != "cpu" else "cpu")


def in_bfloat16(recipe: Recipe, device: torch.device, parameters: float) -> bool:
    """
    Whether products are made in bfloat16: as the recipe says, else where that is fast.

    On a processor it gains a tenth on a small base and takes three times the memory: oneDNN keeps something for every
    shape of a product, and each batch has another one.
    """
    if recipe.precision != "auto":
        return recipe.precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if parameters < LARGE:
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False  # not Linux: float32 is right everywhere
    return "avx512_bf16" in flags or "amx_bf16" in flags


def free_on(device: torch.device) -> float | None:
    """MB that may still be taken there; None: the system does not say."""
    if device.type != "cuda":
        return free_mb()
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return (torch.cuda.mem_get_info(device)[0] + unused) / 1e6


@contextmanager
def memory_errors(doing: str, batch: int) -> Iterator[None]:
    """What torch says of memory that ran out becomes an `OutOfMemory` of so many lessons."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemory(doing, batch) from error
    except RuntimeError as error:  # the CPU allocator has no class of its own
        if "allocate memory" in str(error):
            raise OutOfMemory(doing, batch) from error
        raise
