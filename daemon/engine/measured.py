"""
How quick each model was on this machine when it was looked at: models.json in the home, one entry a file.

An entry counts as long as the file has the size and the time of change that it had then.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from daemon.atomic_file import replacing
from daemon.engine.model_facts import ModelFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What looking at one model found."""

    facts: ModelFacts
    tokens_per_s: float  # of one short answer


def note(file: Path, model: Path, measured: Measured) -> None:
    """Write down what was found of `model`, in `file`; raises `OSError`."""
    known = _read(file)
    known[str(model)] = {
        "stamp": _stamp(model),
        "tokens_per_s": round(measured.tokens_per_s, 2),
        "facts": asdict(measured.facts),
    }
    with replacing(file) as written:
        written.write(json.dumps(known, indent=1).encode() + b"\n")


def of(file: Path, model: Path) -> Measured | None:
    """What `file` says of `model`; None when nothing, or of another file of that name."""
    try:
        found = _read(file)[str(model)]
        if found["stamp"] != _stamp(model):
            return None
        return Measured(facts=ModelFacts(**found["facts"]), tokens_per_s=float(found["tokens_per_s"]))
    except (KeyError, TypeError, ValueError, OSError):
        return None


def _stamp(model: Path) -> list[int]:
    found = model.stat()
    return [found.st_size, found.st_mtime_ns]


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
