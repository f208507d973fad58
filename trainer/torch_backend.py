"""
The one door to torch, transformers and peft: a Qwen3 from a GGUF with a fresh LoRA on it, on CUDA where there
is one, else CPU.

Promises: the base is never changed; the output head sees answer positions only (a vocabulary of 150,000 makes
full logits larger than the model); the same seed and thread count give the same adapter on a CPU.
Knows nothing of schedules, lessons or files.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from peft.utils import get_peft_model_state_dict
from transformers import Qwen3Config, Qwen3ForCausalLM
from transformers.models.qwen3.modeling_qwen3 import Qwen3RotaryEmbedding

from trainer import torch_attention
from trainer.backend import Floats, Sequences, Targets
from trainer.errors import OutOfMemory
from trainer.gguf_model import GgufModel, Shape
from trainer.loss import loss
from trainer.memory import peak_of_process_mb
from trainer.recipe import Recipe
from trainer.torch_attention import runs_of

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LARGE = 500e6  # parameters; from here on the base is held in bfloat16 where that is fast


class TorchBackend:
    """A base model on one device, the adapter being trained on it, and the state of its optimiser."""

    def __init__(self, model: GgufModel, recipe: Recipe, seed: int) -> None:
        self.parameters = model.parameters
        self._recipe = recipe
        self._device = _device(recipe)
        self._half = _bfloat16(recipe, self._device)
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        torch.manual_seed(seed)
        with _memory_errors("loading the model", recipe):
            large = self._half and self.parameters >= LARGE
            self._base = load_base(model, torch.bfloat16 if large else torch.float32, self._device)
            config = LoraConfig(
                r=recipe.rank,
                lora_alpha=recipe.alpha,  # type: ignore[arg-type, unused-ignore]  # a factor
                lora_dropout=0.0,
                bias="none",
                target_modules=LINEAR,
                task_type="CAUSAL_LM",
            )
            with warnings.catch_warnings():  # peft asks transformers for an attribute that has a new name
                warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
                self._peft = get_peft_model(self._base, config)
            trained = [weights for weights in self._peft.parameters() if weights.requires_grad]
            self._optimiser = torch.optim.AdamW(trained, lr=0.0, weight_decay=recipe.weight_decay)
        self._trained = trained
        held = "bfloat16" if large else "float32"
        self.name = f"torch, {self._device.type}, {held}"

    def teach(self, batch: Sequences, d: int) -> Targets:
        """What the base model expects, without the adapter."""
        with (
            _memory_errors("asking the teacher", self._recipe),
            torch.no_grad(),
            self._peft.disable_adapter(),
        ):
            logp = self._answer_logits(batch).log_softmax(-1)
            top = logp.topk(d, dim=-1)
            rest = logp.scatter(-1, top.indices, -torch.inf).logsumexp(-1)
        return Targets(tokens=_numpy(top.indices), logp=_numpy(top.values), rest=_numpy(rest))

    def step(self, batch: Sequences, targets: Targets, learning_rate: float) -> float:
        """One update; the loss before it, in nats per answer token."""
        with _memory_errors("learning", self._recipe):
            for group in self._optimiser.param_groups:
                group["lr"] = learning_rate
            value = self._loss(batch, targets)
            self._optimiser.zero_grad(set_to_none=True)
            value.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self._trained, self._recipe.clip)
            self._optimiser.step()
        return float(value.detach())

    def loss(self, batch: Sequences, targets: Targets) -> float:
        """The same loss without an update."""
        with _memory_errors("looking at the exam", self._recipe), torch.no_grad():
            return float(self._loss(batch, targets))

    def adapter(self) -> dict[str, Floats]:
        """A copy of the adapter: PEFT's tensor names, A (rank, in) and B (out, rank), float32."""
        state = get_peft_model_state_dict(self._peft)
        return {name: np.array(_numpy(values.float()), copy=True) for name, values in state.items()}

    def state(self) -> dict[str, Floats]:
        """A copy of the trained weights and of AdamW's moments, float32, in the order of the parameters."""
        kept: dict[str, Floats] = {}
        for index, weights in enumerate(self._trained):
            moments = self._optimiser.state.get(weights, {})
            for name, values in {"weights": weights, **moments}.items():
                kept[f"{name}.{index}"] = np.array(_numpy(values.float()), copy=True)
        return kept

    def restore(self, state: dict[str, Floats]) -> None:
        """Go on from what `state()` gave."""
        with torch.no_grad():
            for index, weights in enumerate(self._trained):
                weights.copy_(self._tensor(state[f"weights.{index}"]))
                moments = {name.partition(".")[0]: name for name in state if name.endswith(f".{index}")}
                del moments["weights"]
                for name, key in moments.items():
                    values = torch.from_numpy(state[key])
                    self._optimiser.state[weights][name] = (
                        values if name == "step" else values.to(self._device)
                    )

    def peak_mb(self) -> float:
        """The most memory ever held, in MB: of the card on CUDA, else of this process."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device) / 1e6
        return peak_of_process_mb()

    def logits(self, tokens: list[int]) -> Floats:
        """(T, V) logits of base and adapter after each of `tokens`."""
        count = len(tokens)
        batch = Sequences(
            tokens=np.array(tokens, np.int64),
            lengths=np.array([count]),
            places=np.arange(count),
            answers=np.zeros(count, np.int64),
        )
        with torch.no_grad():
            values: Floats = _numpy(self._answer_logits(batch))
        return values

    def _loss(self, batch: Sequences, targets: Targets) -> torch.Tensor:
        logp = self._answer_logits(batch).log_softmax(-1)
        tokens = self._tensor(targets.tokens)
        top = logp.gather(-1, tokens)
        rest = top[:, 0]
        if self._recipe.loss == "rest":  # summed from the others: 1 - top would be lost to rounding
            rest = logp.scatter(-1, tokens, -torch.inf).logsumexp(-1)
        teacher, teacher_rest = self._tensor(targets.logp), self._tensor(targets.rest)
        value: torch.Tensor = loss(self._recipe.loss, top, rest, teacher, teacher_rest)
        return value

    def _answer_logits(self, batch: Sequences) -> torch.Tensor:
        """(A, V) float32 logits at the places that foretell answer tokens."""
        lengths = batch.lengths.tolist()
        positions = np.concatenate([np.arange(length) for length in lengths])
        autocast = torch.autocast(self._device.type, torch.bfloat16) if self._half else nullcontext()
        with autocast:
            hidden = self._base.model(
                input_ids=self._tensor(batch.tokens)[None],
                attention_mask={"full_attention": None},  # the attention knows the sequences by `runs`
                position_ids=self._tensor(positions)[None],
                use_cache=False,
                runs=runs_of(lengths),
            ).last_hidden_state[0]
            logits: torch.Tensor = self._base.lm_head(hidden[self._tensor(batch.places)])
        return logits.float()

    def _tensor(self, values: Any) -> torch.Tensor:
        return torch.from_numpy(values).to(self._device)


def load_base(model: GgufModel, dtype: torch.dtype, device: torch.device) -> Qwen3ForCausalLM:
    """The frozen base model with the values of the GGUF."""
    config = _config(model.shape)
    config._attn_implementation = torch_attention.NAME
    with torch.device("meta"):  # no memory and no random numbers for weights that are about to be replaced
        base: Qwen3ForCausalLM = Qwen3ForCausalLM(config)
    weights = {name: torch.from_numpy(values).to(device, dtype) for name, values in model.tensors()}
    base.load_state_dict(weights, strict=False, assign=True)
    base.model.rotary_emb = Qwen3RotaryEmbedding(config).to(device)  # not stored in any file
    if model.shape.tied:
        base.lm_head.weight = base.model.embed_tokens.weight
    if empty := [name for name, values in base.named_parameters() if values.is_meta]:
        raise RuntimeError(f"weights without values: {empty}")  # a new transformers renamed something
    base.requires_grad_(False)
    base.train(False)
    return base


def why_not(model: GgufModel, recipe: Recipe) -> str | None:
    """Why this can't train here; None when it can."""
    if recipe.device == "mlx":
        return "the recipe asks for MLX"
    if recipe.device == "cuda" and not torch.cuda.is_available():
        return "the recipe asks for CUDA, and torch finds no CUDA device"
    return None


def open_backend(model: GgufModel, recipe: Recipe, seed: int) -> TorchBackend:
    """
    Load `model` and put a fresh adapter on it.

    Raises:
        NoBackend: the recipe asks for a device that is not here.
        OutOfMemory: the model does not fit.
    """
    return TorchBackend(model, recipe, seed)


def _config(shape: Shape) -> Qwen3Config:
    return Qwen3Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.ffn,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        max_position_embeddings=shape.context,
        rms_norm_eps=shape.norm_eps,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_base},
        tie_word_embeddings=shape.tied,
    )


def _device(recipe: Recipe) -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() and recipe.device != "cpu" else "cpu")


def _bfloat16(recipe: Recipe, device: torch.device) -> bool:
    if recipe.precision != "auto":
        return recipe.precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False  # not Linux: float32 is right everywhere
    return "avx512_bf16" in flags or "amx_bf16" in flags


@contextmanager
def _memory_errors(doing: str, recipe: Recipe) -> Iterator[None]:
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemory(doing, recipe.batch) from error
    except RuntimeError as error:  # the CPU allocator has no class of its own
        if "allocate memory" in str(error):
            raise OutOfMemory(doing, recipe.batch) from error
        raise


def _numpy(values: torch.Tensor) -> Any:
    return values.detach().cpu().numpy()
