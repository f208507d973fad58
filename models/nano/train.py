"""
Train nano from scratch: `python -m models.nano.train --run FOLDER`, under two hours on two cores.

    tokenizer -> mixture of coined items -> Muon and AdamW -> FOLDER/nano.pt -> export.py -> nano.gguf

Promises: a run that is killed goes on from its last checkpoint when started again; the held-out values are never seen.
"""

import argparse
import json
import logging
import os
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from models.nano import tasks
from models.nano.mixture import SHARES, Progress, batches, encode
from models.nano.model import Nano, Shape
from models.nano.muon import Muon
from models.nano.tokenizer import load_tokenizer, train_tokenizer
from models.nano.words import real

log = logging.getLogger("nano")
BATCH_TOKENS = 6144
REST_SHARE = 0.1  # of the tokens that are not the assistant's, this share is learnt too
SAVE_EVERY_S = 150
LOOK_EVERY_S = 600
DRILL_EVERY_S = 45
RATES = (0.02, 3e-3)  # of Muon and of AdamW


def train(
    run: Path,
    *,
    tokens: float,
    minutes: float,
    seed: int,
    threads: int,
    start: Path | None = None,
    rate: float = 1.0,
) -> None:
    """
    Train until `tokens` are seen or `minutes` have passed; the learning rate ends at zero there.

    Args:
        start: folder of an earlier run whose tokenizer and weights this one begins with.
        rate: share of the usual learning rates; lower ones suit a model that was trained before.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    run.mkdir(parents=True, exist_ok=True)
    if start is not None and not (run / "tokenizer.json").exists():
        shutil.copy(start / "tokenizer.json", run)
    tokenizer = _tokenizer(run, seed)
    model = Nano(Shape(vocabulary=tokenizer.get_vocab_size()))
    fast: Callable[[torch.Tensor], torch.Tensor] = torch.compile(model, dynamic=True)
    optimizers = _optimizers(model)
    progress = Progress()
    seen, spent, steps = _resume(run, model, optimizers)
    if start is not None and not steps:
        model.load_state_dict(torch.load(start / "nano.pt", weights_only=True)["model"])
    progress.practised = start is not None
    rates = [rate * usual for usual in RATES]
    began, saved, looked, drilled, losses = time.monotonic() - spent, 0.0, 0.0, 0.0, [0.0]
    source = batches(tokenizer, random.Random(seed + steps), progress, tokens=BATCH_TOKENS)
    while progress.share < 1.0:
        spent = time.monotonic() - began
        progress.share = min(1.0, max(seen / tokens, spent / 60 / minutes))
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * _schedule(progress.share, steps)
        ids, weights = (torch.from_numpy(array) for array in next(source))
        losses = [*losses[-49:], _step(model, fast, ids, weights, optimizers)]
        seen, steps = seen + ids.numel(), steps + 1
        if spent - saved > SAVE_EVERY_S or progress.share >= 1.0:
            saved = spent
            _save(run, model, optimizers, seen, spent, steps)
        if spent - drilled > DRILL_EVERY_S:
            drilled, progress.copying = spent, copied(model, tokenizer)
        if spent - looked > LOOK_EVERY_S or progress.share >= 1.0:
            looked = spent
            scores = json.dumps({name: round(look(model, tokenizer, name), 3) for name in SHARES})
            told = (steps, seen / 1e6, spent / 60, sum(losses) / len(losses), progress.copying, scores)
            log.info("step %d  tokens %.2fM  minutes %.1f  loss %.3f  copying %.2f  %s", *told)


def look(model: Nano, tokenizer: Tokenizer, name: str, *, items: int = 40) -> float:
    """Share of held-out items whose every answer token is the model's first choice: greedy decoding would write it."""
    rng = random.Random(99)
    right = 0
    for _ in range(items):
        row = encode(tokenizer, getattr(tasks, name)(rng, real), rest=0.0)
        ids = torch.tensor([row.tokens])
        own = torch.tensor(row.weights[1:]) > 0
        with torch.no_grad():
            best = model.logits(model(ids)[0, :-1][own]).argmax(-1)
        right += bool((best == ids[0, 1:][own]).all())
    return right / items


def copied(model: Nano, tokenizer: Tokenizer, *, items: int = 24) -> float:
    """Share of the tokens of held-out copying drills that are the model's first choice."""
    rng = random.Random(98)
    right = total = 0
    for _ in range(items):
        row = encode(tokenizer, tasks.drill(rng, real), rest=0.0)
        ids = torch.tensor([row.tokens])
        own = torch.tensor(row.weights[1:]) > 0
        with torch.no_grad():
            best = model.logits(model(ids)[0, :-1][own]).argmax(-1)
        right += int((best == ids[0, 1:][own]).sum())
        total += int(own.sum())
    return right / total


def _optimizers(model: Nano) -> list[torch.optim.Optimizer]:
    """Muon for the matrices, AdamW for everything else."""
    matrices = [p for p in model.layers.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if not any(p is m for m in matrices)]
    return [
        Muon(matrices, lr=RATES[0]),
        torch.optim.AdamW(others, lr=RATES[1], betas=(0.9, 0.95), weight_decay=0.0),
    ]


def _step(
    model: Nano,
    fast: Callable[[torch.Tensor], torch.Tensor],
    ids: torch.Tensor,
    weights: torch.Tensor,
    optimizers: list[torch.optim.Optimizer],
) -> float:
    weights = weights[:, 1:]
    keep = (weights >= 1) | ((weights > 0) & (torch.rand_like(weights) < REST_SHARE))
    scores = model.logits(fast(ids)[:, :-1][keep])
    per_token = F.cross_entropy(scores, ids[:, 1:][keep], reduction="none")
    own = weights[keep] >= 1
    loss = (per_token * weights[keep].clamp(min=1.0)).sum() / own.sum().clamp(min=1)
    loss.backward()  # type: ignore[no-untyped-call]
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    return per_token.detach()[own].mean().item()


def _schedule(share: float, steps: int) -> float:
    """Warm up over 60 steps, hold, fall linearly to zero over the second half."""
    return min(1.0, (steps + 1) / 60) * min(1.0, (1.0 - share) / 0.5)


def _tokenizer(run: Path, seed: int) -> Tokenizer:
    path = run / "tokenizer.json"
    if not path.exists():
        train_tokenizer(seed).save(str(path))
    return load_tokenizer(path)


def _save(
    run: Path, model: Nano, optimizers: list[torch.optim.Optimizer], seen: int, spent: float, steps: int
) -> None:
    state = {
        "model": model.state_dict(),
        "shape": asdict(model.shape),
        "optimizers": [o.state_dict() for o in optimizers],
        "seen": seen,
        "spent_s": spent,
        "steps": steps,
    }
    torch.save(state, run / "nano.pt.new")
    os.replace(run / "nano.pt.new", run / "nano.pt")


def _resume(run: Path, model: Nano, optimizers: list[torch.optim.Optimizer]) -> tuple[int, float, int]:
    path = run / "nano.pt"
    if not path.exists():
        return 0, 0.0, 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    for optimizer, held in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(held)
    return int(state["seen"]), float(state["spent_s"]), int(state["steps"])


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--run", type=Path, default=Path("models/nano/run"), help="folder of tokenizer and checkpoints"
    )
    parser.add_argument("--tokens", type=float, default=26e6)
    parser.add_argument("--minutes", type=float, default=103.0, help="the longest it may take")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--start", type=Path, help="folder of an earlier run to begin with")
    parser.add_argument("--rate", type=float, default=1.0, help="share of the usual learning rates")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(**vars(given))


if __name__ == "__main__":
    main()
