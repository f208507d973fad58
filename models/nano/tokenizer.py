"""
Nano's tokenizer: byte-level BPE with Qwen's ChatML tokens, trained on the recipe's own items.

Promises: 2,048 tokens; the pre-tokenizer is GPT-2's, which llama.cpp knows as `gpt-2`.
"""

import random
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from models.nano import tasks

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
VOCABULARY = 2048
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def train_tokenizer(seed: int, *, items: int = 30_000) -> Tokenizer:
    """A new tokenizer; the same seed gives the same one."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(seed, items), trainer)
    return tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer that a training run kept."""
    return Tokenizer.from_file(str(path))


def _texts(seed: int, items: int) -> Iterator[str]:
    rng = random.Random(seed)
    makers = (tasks.observe, tasks.evolve, tasks.grounded, tasks.chat, tasks.drill, tasks.ask)
    for i in range(items):
        for message in makers[i % len(makers)](rng):
            yield message["role"] + "\n" + message["content"]
