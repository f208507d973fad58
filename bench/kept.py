"""
What a long bench has measured, row by row in a file, so that a run that was broken off goes on from there.

Promises: rows are given back only to a run of the same model, recipe and lessons (`fingerprint`); a row that was cut
short is passed over, and spoils no other. Knows nothing of what a row means.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DECIDES = (  # what changes the numbers of a night
    "models/nano/nano.gguf",
    "trainer/recipe.py",
    "trainer/loss.py",
    "daemon/lessons/dataset.py",
    "bench/users.py",
    "bench/users.toml",
    "bench/user_lessons.py",
)


def fingerprint(*settings: object) -> str:
    """A name for the model, the lessons' code and the recipe as they are, with the settings of this run."""
    known = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for name in DECIDES:
        known.update((ROOT / name).read_bytes())
    return known.hexdigest()[:16]


class Kept:
    """Rows of one fingerprint in a file that may hold others'; without a file nothing is kept."""

    def __init__(self, file: Path | None, of: str) -> None:
        self._file, self._of = file, of

    def rows(self) -> list[Any]:
        """All whole rows of this fingerprint, in the order they came."""
        if self._file is None or not self._file.exists():
            return []
        found = []
        for line in self._file.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, TypeError, KeyError):  # cut short
                row = json.loads(line)
                if row["of"] == self._of:
                    found.append(row["row"])
        return found

    def add(self, row: Any) -> None:
        """Append one; on a line of its own, whatever stood at the end."""
        if self._file is None:
            return
        cut = self._file.exists() and not self._file.read_bytes().endswith(b"\n")
        with self._file.open("a", encoding="utf-8") as lines_of:
            lines_of.write("\n" * cut + json.dumps({"of": self._of, "row": row}) + "\n")
