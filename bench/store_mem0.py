"""
mem0 beside our store: the same sentences and vectors in its default local vector store (Qdrant in a folder).

Promises: the vectors are ours, handed over, for sentences and questions alike, so that no time of an embedder is in
the numbers. Rows go directly into its vector store, in batches, as `add(..., infer=False)` would have put them one by
one: that takes a tenth of a second each. Searching is its own `search`. Nothing goes out.
Off: full text needs fastembed, lemmas and entities need spaCy, and both fetch models. So this is its dense search.
Source: mem0ai 2.2.1, `Memory._create_memory`.
"""

import hashlib
import os
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from daemon.embedding.model import bundled_folder

USER = "bench"
BATCH = 1000


class Mem0Missing(Exception):
    """mem0 is not installed here."""

    def __init__(self) -> None:
        super().__init__(
            "Can't measure mem0: it is not installed. Run: pip install 'tsubasa[bench]', or leave it out: --no-mem0."
        )


class _Given:
    """An embedder that knows the vectors already."""

    def __init__(self, vectors: dict[str, list[float]]) -> None:
        self._vectors = vectors

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        return self._vectors[text]


class Mem0:
    """One mem0 memory in `folder`."""

    def __init__(self, folder: Path, dimension: int) -> None:
        check_mem0()
        os.environ |= {"MEM0_TELEMETRY": "False", "MEM0_DIR": str(folder), "OPENAI_API_KEY": "none"}
        os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
        from mem0 import Memory  # read only after its environment is set

        store = {"path": str(folder / "qdrant"), "embedding_model_dims": dimension, "on_disk": True}
        weights = {"model": str(bundled_folder()), "embedding_dims": dimension}
        self._memory = Memory.from_config(
            {
                "embedder": {"provider": "huggingface", "config": weights},
                "vector_store": {"provider": "qdrant", "config": store},
            }
        )

    def fill(self, texts: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        """Put in all rows."""
        now = datetime.now(UTC).isoformat()
        for start in range(0, len(texts), BATCH):
            chosen = texts[start : start + BATCH]
            payloads = [
                {
                    "user_id": USER,
                    "data": text,
                    "hash": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
                    "created_at": now,
                    "updated_at": now,
                    "text_lemmatized": text.lower(),
                }
                for text in chosen
            ]
            self._memory.vector_store.insert(
                vectors=vectors[start : start + BATCH].tolist(),
                payloads=payloads,
                ids=[str(uuid.uuid4()) for _ in chosen],
            )

    def search_ms(self, questions: Sequence[str], vectors: npt.NDArray[np.float32], k: int) -> list[float]:
        """Milliseconds of each search for the `k` nearest."""
        self._memory.embedding_model = _Given(dict(zip(questions, vectors.tolist(), strict=True)))
        taken = []
        for question in questions:
            began = time.perf_counter()
            self._memory.search(question, filters={"user_id": USER}, top_k=k, threshold=0.0)
            taken.append(1000 * (time.perf_counter() - began))
        return taken


def check_mem0() -> None:
    """Raise `Mem0Missing` unless it is installed."""
    if find_spec("mem0") is None:
        raise Mem0Missing
