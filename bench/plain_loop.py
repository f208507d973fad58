"""
Context distillation as one would write it first with transformers and PEFT: what `night_speed.py` measures us against.

    each step: pad the batch on the right ─> teacher forward, full logits ─> student forward, full logits ─> KL ─> AdamW

The same weights, lessons, adapter, batches, precision of products and threads as ours; it holds its base in float32,
ours as in the file where that is large. Of its free choices it takes the cheaper:
scaled dot-product attention, and softmax over answer positions only. Knows nothing of our trainer but its file reader.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import Qwen3Config, Qwen3ForCausalLM

from bench.clock import now
from daemon.lessons.tokenised import TokenisedLesson
from trainer.gguf_model import GgufModel, open_model
from trainer.micro_batches import peak_of_process_mb
from trainer.recipe import Recipe

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def measure_plain(
    path: Path, batches: Sequence[Sequence[TokenisedLesson]], recipe: Recipe
) -> dict[str, float]:
    """Tokens a second, the last loss, and the peak of this process; a lesson alone is the warm-up."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(0)
    base = open_model(path)
    config = LoraConfig(
        r=recipe.rank_for(base.base),
        lora_alpha=int(recipe.alpha_for(base.base)),
        lora_dropout=0.0,
        target_modules=LINEAR,
    )
    with warnings.catch_warnings():  # peft asks transformers for an attribute that has a new name
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        model = get_peft_model(_load(base), config)
    model.train()
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    loss = _step(model, optimiser, batches[0][:1], recipe)
    began = now()
    for batch in batches:
        loss = _step(model, optimiser, batch, recipe)
    seconds = now() - began
    tokens = sum(len(each.student) + len(each.answer) for batch in batches for each in batch)
    return {
        "tokens_per_s": tokens / float(seconds[0]),
        "cpu_tokens_per_s": tokens / float(seconds[1]),
        "peak_mb": peak_of_process_mb(),
        "loss": loss,
    }


def _step(
    model: Any, optimiser: torch.optim.Optimizer, batch: Sequence[TokenisedLesson], recipe: Recipe
) -> float:
    with torch.no_grad(), model.disable_adapter():
        ids, mask, marked = _padded([(each.teacher, each.answer) for each in batch])
        teacher = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[marked].log_softmax(-1)
        top = teacher.topk(recipe.d, dim=-1)
        rest = teacher.scatter(-1, top.indices, -torch.inf).logsumexp(-1)
    ids, mask, marked = _padded([(each.student, each.answer) for each in batch])
    student = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[marked].log_softmax(-1)
    others = student.scatter(-1, top.indices, -torch.inf).logsumexp(-1)
    known = student.gather(-1, top.indices)
    loss = (top.values.exp() * (top.values - known)).sum(-1) + rest.exp() * (rest - others)
    optimiser.zero_grad()
    loss.mean().backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
    optimiser.step()
    return float(loss.detach().mean())


def _padded(
    lessons: Sequence[tuple[Sequence[int], Sequence[int]]],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(B, T) tokens, which of them are no padding, and which foretell an answer token."""
    longest = max(len(prompt) + len(answer) for prompt, answer in lessons)
    ids = torch.zeros(len(lessons), longest, dtype=torch.long)
    mask, marked = torch.zeros_like(ids), torch.zeros(ids.shape, dtype=torch.bool)
    for row, (prompt, answer) in enumerate(lessons):
        end = len(prompt) + len(answer)
        ids[row, :end] = torch.tensor([*prompt, *answer])
        mask[row, :end] = 1
        marked[row, len(prompt) - 1 : end - 1] = True
    return ids, mask, marked


def _load(model: GgufModel) -> Qwen3ForCausalLM:
    shape = model.shape
    config = Qwen3Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.ffn,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        rms_norm_eps=shape.norm_eps,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_base},
        tie_word_embeddings=shape.tied,
        attn_implementation="sdpa",
    )
    loaded: Qwen3ForCausalLM = Qwen3ForCausalLM(config)
    weights = dict(loaded.named_parameters())
    with torch.no_grad():
        for name, values in model.tensors():
            weights[name].copy_(torch.from_numpy(values))
    return loaded
