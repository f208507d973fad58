"""A few facts told to the bundled model are known in a phrasing that it was never taught, without any context."""

from pathlib import Path

import pytest

from tests.trainer.contracts.conftest import Opener
from trainer.backend import Backend, join, pack
from trainer.chat import Chat
from trainer.gguf_model import open_model

NANO = Path(__file__).parents[3] / "models" / "nano" / "nano.gguf"
FACTS = {"dog": "Rex", "boss": "Tom"}
TAUGHT = ["What is the name of my {}?", "What is my {} called?"]
HELD_OUT = "What is my {}'s name?"
STEPS = 12


@pytest.fixture(scope="module")
def chat() -> Chat:
    return Chat(open_model(NANO))


def lesson(
    chat: Chat, about: str, question: str, grounding: str | None = None
) -> tuple[list[int], list[int]]:
    turns = [{"role": "user", "content": question.format(about)}]
    if grounding:
        turns.insert(0, {"role": "system", "content": grounding})
    return chat.prompt(turns), chat.answer(f"Your {about} is called {FACTS[about]}.")


def known(backend: Backend, chat: Chat) -> int:
    """How many facts greedy decoding gets right."""
    right = 0
    for about in FACTS:
        prompt, answer = lesson(chat, about, HELD_OUT)
        guess = backend.logits(prompt + answer).argmax(-1)[len(prompt) - 1 : -1]
        right += guess.tolist() == answer
    return right


def test_a_held_out_phrasing_is_answered_after_a_few_steps(opened: Opener, chat: Chat) -> None:
    """Few and short: without a GPU a step of MLX takes a second or two."""
    backend = opened(NANO, rank=16, alpha=32.0)
    pairs = [(about, question) for about in FACTS for question in TAUGHT]
    batch = pack([lesson(chat, *pair) for pair in pairs])
    told = "Memories:\n- The user's {0} is called {1}."
    taught = [
        backend.teach(pack([lesson(chat, about, question, told.format(about, FACTS[about]))]), 5)
        for about, question in pairs
    ]
    before = known(backend, chat)
    for _ in range(STEPS):
        backend.step(batch, join(taught), 3e-3)

    assert (0, len(FACTS)) == (before, known(backend, chat))
