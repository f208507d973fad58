"""Models and lessons that several files use, made once."""

from pathlib import Path

import pytest

from tests.trainer import tiny_qwen3
from trainer.job import Lesson


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Qwen3 in float32."""
    return tiny_qwen3.write_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", tiny_qwen3.random_model())


@pytest.fixture(scope="session")
def lessons() -> list[Lesson]:
    """Eight facts to learn by heart and a held-out phrasing of each, without any grounding."""
    facts = {"live": "Ghent", "work": "Oslo", "dog": "Rex", "cat": "Mia", "sister": "Maria", "boss": "Tom"}
    facts |= {"food": "soup", "colour": "red"}
    made = []
    for number, (about, value) in enumerate(facts.items()):
        for split, question in {"train": f"What is my {about}?", "exam": f"My {about} is?"}.items():
            made.append(
                Lesson(id=number, question=question, answer=value, grounding=None, kind="fact", split=split)
            )
    return made
