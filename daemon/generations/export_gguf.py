"""
Export: base model and adapter as one GGUF file, merged in a child process (`engine/merge_adapter.py`).

The adapter goes through a pipe and is in no file but the one asked for; a child that fails leaves nothing.
"""

import json
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from daemon.errors import DaemonError
from daemon.processes.process import environment, module

NOTE = "tsubasa.private", "It has learned what one person told. It is not for others."
GENERATION = "tsubasa.generation"
Says = Mapping[str, str | int | bool]  # metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What one merge wrote."""

    bytes: int
    changed: int  # matrices that the adapter changed
    finer: int  # of those, written in another type than the base has


def of_generation(number: int) -> Says:
    """What the file of somebody's generation says of itself."""
    return {NOTE[0]: NOTE[1], GENERATION: number}


def merge(
    model: Path,
    adapter: bytes,
    out: Path,
    *,
    sha256: str,
    says: Says,
    types: Literal["finer", "same", "q8_0"] = "finer",
    on_progress: Callable[[int, int], None],
) -> Merged:
    """
    Write base and adapter as one file at `out`, which is replaced.

    Args:
        sha256: of the model that the adapter was trained on.
        says, types: as `engine/merge_adapter.py` has them.
        on_progress: bytes done, bytes in all.

    Raises:
        DaemonError: with the reason; nothing was left behind.
    """
    job = {
        "model": str(model.absolute()),
        "sha256": sha256,
        "out": str(out.absolute()),
        "says": dict(says),
        "types": types,
    }
    last, exit_code = _run(json.dumps(job).encode() + b"\n" + adapter, on_progress)
    if last.get("type") != "done":
        why = last.get("message") if last.get("type") == "error" else f"its process ended ({exit_code})"
        raise DaemonError(f"Can't write {str(out)!r}: {why}. Nothing was left behind.")
    return Merged(bytes=last["bytes"], changed=last["changed"], finer=last["finer"])


def _run(given: bytes, on_progress: Callable[[int, int], None]) -> tuple[dict[str, Any], int]:
    """Merge in a child process: the last line that it said, and its exit code."""
    last: dict[str, Any] = {}
    with subprocess.Popen(
        module("daemon.engine.merge_adapter"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    ) as child:
        assert child.stdin is not None and child.stdout is not None  # we asked for pipes
        try:
            with suppress(BrokenPipeError):  # it ended before it read all: its last words say why
                child.stdin.write(given)
                child.stdin.close()
            for line in child.stdout:
                last = json.loads(line)
                if last["type"] == "progress":
                    on_progress(last["done"], last["total"])
        except BaseException:  # Ctrl-C: it removes what it has begun
            child.terminate()
            raise
    return last, child.returncode
