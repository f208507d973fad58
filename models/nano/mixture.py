"""
The training mixture: which tasks, how often, how hard, at each moment of a run; and items turned into tokens.

Promises: batches hold about the same number of tokens; rows of one batch are of similar length, so little is padding.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from models.nano import tasks
from models.nano.items import Messages
from models.nano.sessions import MANY
from prompts.load import load

SHARES = {"observe": 0.3, "evolve": 0.25, "ask": 0.04, "grounded": 0.31, "superseded": 0.05, "chat": 0.05}
LATER = 0.35  # of the run: from here on less of what is learnt by then, more of what is not
LATER_SHARES = {
    "observe": 0.4,
    "evolve": 0.2,
    "ask": 0.06,
    "grounded": 0.24,
    "superseded": 0.06,
    "chat": 0.04,
}
EMPHASIS = {
    "evolve": 3.0,
    "observe": 1.5,
    "recall": 1.5,
}  # few of their tokens are a choice, and those are the hardest
START, END = 1, 2  # <|im_start|>, <|im_end|>
DRILL = (0.02, 0.6)  # share of copying drills when copying is perfect, and when there is none


class Progress:
    """How far a run is; the run writes it, the mixture reads it."""

    share: float = 0.0  # of the run, 0 to 1
    copying: float = 0.0  # share of drill tokens that come out right
    practised: bool = False  # it began with a trained model: nothing is made easy at first


@dataclass(frozen=True, slots=True)
class Row:
    """One item as tokens; `weights` per token: 1 or more on the assistant's words and their end, `rest` elsewhere."""

    tokens: list[int]
    weights: list[float]


def item(rng: random.Random, progress: Progress) -> Messages:
    """One training item; short and easy ones come first, drills as long as copying fails."""
    drill = DRILL[0] + (DRILL[1] - DRILL[0]) * (1 - progress.copying)
    share = 1.0 if progress.practised else progress.share
    shares = SHARES if share < LATER else LATER_SHARES
    name = "drill" if rng.random() < drill else rng.choices(list(shares), list(shares.values()))[0]
    hard = min(1.0, share / 0.3)
    if name == "observe":
        n = rng.choice(MANY if hard == 1 else (0, 1, 1, 1, 2))
        return tasks.observe(rng, n=n)
    if name == "evolve":
        return tasks.evolve(rng, n=rng.randint(1, 2 + round(3 * hard)), rounds=rng.choice((2, 3, 4)))
    if name == "grounded":
        n = rng.randint(0 if rng.random() < 0.1 else 1, 3 + round(7 * hard))
        return tasks.grounded(rng, n=n, rounds=rng.choice((2, 3, 4)), unknown=0.24) if n else tasks.chat(rng)
    return {"ask": tasks.ask, "superseded": tasks.superseded, "chat": tasks.chat, "drill": tasks.drill}[name](
        rng
    )


def encode(tokenizer: Tokenizer, messages: Messages, *, rest: float = 0.1) -> Row:
    """ChatML tokens of an item and the weight of each."""
    emphasis = next((more for name, more in EMPHASIS.items() if _tells(messages, name)), 1.0)
    tokens: list[int] = []
    weights: list[float] = []
    for message in messages:
        head = [START, *tokenizer.encode(message["role"] + "\n", add_special_tokens=False).ids]
        body = [*tokenizer.encode(message["content"], add_special_tokens=False).ids, END]
        tail = tokenizer.encode("\n", add_special_tokens=False).ids
        own = emphasis if message["role"] == "assistant" else rest
        tokens += head + body + tail
        weights += [0.0] * len(head) + [own] * len(body) + [0.0] * len(tail)
    return Row(tokens, weights)


def batches(
    tokenizer: Tokenizer, rng: random.Random, progress: Progress, *, tokens: int, longest: int = 640
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Endless (tokens, weights) arrays of shape (rows, length), about `tokens` tokens each."""
    while True:
        pool = sorted(
            (encode(tokenizer, item(rng, progress)) for _ in range(600)),
            key=lambda row: len(row.tokens),
        )
        pool = [row for row in pool if len(row.tokens) <= longest]
        groups: list[list[Row]] = [[]]
        for row in pool:
            if (len(groups[-1]) + 1) * len(row.tokens) > tokens:
                groups.append([])
            groups[-1].append(row)
        rng.shuffle(groups)
        for group in groups:
            yield _padded(group)


def _padded(group: list[Row]) -> tuple[np.ndarray, np.ndarray]:
    length = -(-max(len(row.tokens) for row in group) // 8) * 8
    tokens = np.zeros((len(group), length), np.int64)
    weights = np.zeros((len(group), length), np.float32)
    for i, row in enumerate(group):
        tokens[i, : len(row.tokens)] = row.tokens
        weights[i, : len(row.tokens)] = row.weights
    return tokens, weights


def _tells(messages: Messages, name: str) -> bool:
    """Whether a system turn of this item opens with the prompt `name`."""
    return any(
        message["content"].startswith(load(name)) for message in messages if message["role"] == "system"
    )
