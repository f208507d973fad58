"""
mem0 beside us: the same turns, kept and searched by `mem0ai` as its documentation says.

Promises: its default local vector store (Qdrant in a folder), vectors of the very weights that our embedder loads,
`infer=False`: each turn is kept as it stands and no LLM is asked. One user per conversation; a result of another user
is an error. Its floor on the cosine is lowered to 0, so that its list is never cut short. Nothing goes out.
Off: full-text search needs fastembed and lemmas and entities need spaCy, and both then fetch models from the network;
lifting facts out of turns needs an LLM. So this is mem0's dense search, not all that mem0 can do.
Source: mem0ai 2.2.1, https://docs.mem0.ai
"""

import os
from importlib.metadata import version
from pathlib import Path

from bench.store_mem0 import check_mem0
from daemon.embedding.choices import BUNDLED
from daemon.embedding.model import bundled_folder


class WrongUser(Exception):
    """mem0 answered with a turn of another conversation: what it found can't be counted."""

    def __init__(self, *, wanted: str, found: str) -> None:
        super().__init__(
            f"Can't count what mem0 found: it was asked about {wanted!r} and answered with {found!r}."
        )


def mem0_version() -> str:
    """The installed version. Raises `Mem0Missing`."""
    check_mem0()
    return version("mem0ai")


class Mem0:
    """One mem0 memory in a folder of its own."""

    def __init__(self, folder: Path, *, embedder: str, dimension: int) -> None:
        check_mem0()
        os.environ |= {"MEM0_TELEMETRY": "False", "MEM0_DIR": str(folder), "OPENAI_API_KEY": "none"}
        os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
        from mem0 import Memory  # read only after its environment is set

        bundled = bundled_folder() if embedder == BUNDLED else None
        store = {"path": str(folder / "qdrant"), "embedding_model_dims": dimension, "on_disk": True}
        self._memory = Memory.from_config(
            {
                "embedder": {
                    "provider": "huggingface",
                    "config": {"model": str(bundled or embedder), "embedding_dims": dimension},
                },
                "vector_store": {"provider": "qdrant", "config": store},
            }
        )

    def add(self, user: str, id: int, text: str) -> None:
        """Keep one turn, as it stands."""
        self._memory.add(text, user_id=user, infer=False, metadata={"turn": id})

    def search(self, user: str, question: str, k: int) -> list[int]:
        """The `k` turns it finds, best first. Raises `WrongUser`."""
        found = self._memory.search(question, filters={"user_id": user}, top_k=k, threshold=0.0)["results"]
        for one in found:
            if one["user_id"] != user:
                raise WrongUser(wanted=user, found=one["user_id"])
        return [one["metadata"]["turn"] for one in found]
