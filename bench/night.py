"""
What a night costs and what it teaches, with one command: `python -m bench.night [--json]`.

    speed_ratio, memory_ratio   ours beside a plain loop of transformers and PEFT, at the shape of Qwen3-0.6B
    facts                       held-out questions answered word by word without any memory, by facts of a user, percent
    grounded_after              the same questions with memories beside (`grounded_base`: before the night), percent
    abstain_after               things never told: still "I don't know", memories beside (`abstain_base`), percent
    other_user                  placebo: another user's questions, percent

Promises: every number is measured in this run; one that misses its target is named at the end. Takes about an hour on
two cores; `--quick` a few minutes, with small users and without the large shape. The parts alone: `bench.night_speed`
and `bench.night_facts`.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import night_facts, night_speed

LARGE = "qwen3-0.6b"
FASTER = 3.0  # times the plain loop's tokens a second
LEANER = 0.5  # of the plain loop's peak memory
LEARNED = 95.0  # percent of held-out questions, up to `night_facts.TARGET_SIZE` facts
DRIFT = 1.0  # points below the base
PLACEBO = 5.0  # percent


def measure(
    *, quick: bool, seeds: int, threads: int, kept: Path | None, log: Console | None
) -> dict[str, Any]:
    """
    Both parts as one object; speed at nano's own shape stands under "nano".

    Args:
        kept: a file of nights that were measured already; new ones are added.
    """
    shapes = ["nano"] if quick else [LARGE, "nano"]
    speed = {shape: night_speed.measure(shape, threads=threads) for shape in shapes}
    sizes = night_facts.QUICK if quick else night_facts.SIZES
    taught = asyncio.run(night_facts.measure(sizes=sizes, seeds=1 if quick else seeds, kept=kept, log=log))
    first = speed[shapes[0]]
    return {
        "shape": shapes[0],
        "speed_ratio": first["speed_ratio"],
        "memory_ratio": first["memory_ratio"],
        **taught,
        "speed": speed,
    }


def shortfalls(found: Mapping[str, Any]) -> list[str]:
    """A line for each target that was missed; those of speed and memory hold at the large shape."""
    said = []
    if found["shape"] == LARGE and found["speed_ratio"] < FASTER:
        said.append(f"speed: {found['speed_ratio']:.2f} times the plain loop, wanted {FASTER:g}")
    if found["shape"] == LARGE and found["memory_ratio"] > LEANER:
        said.append(f"memory: {found['memory_ratio']:.2f} of the plain loop's, wanted {LEANER:g}")
    for size, share in found["facts"].items():
        if int(size) <= night_facts.TARGET_SIZE and share < LEARNED:
            said.append(f"{size} facts: {share:.1f} % learned, wanted {LEARNED:g}")
    for what in ("grounded", "abstain"):
        lost = found[f"{what}_base"] - found[f"{what}_after"]
        if lost > DRIFT:
            said.append(f"{what}: {lost:.1f} points below the base, wanted at most {DRIFT:g}")
    if found["other_user"] > PLACEBO:
        said.append(f"another user's adapter: {found['other_user']:.1f} %, wanted at most {PLACEBO:g}")
    return said


def table(found: Mapping[str, Any]) -> Table:
    """The numbers for a person."""
    shown = Table("what", "measured", title="One night")
    for shape, one in found["speed"].items():
        shown.add_row(f"tokens/s, {shape}", f"{one['speed_ratio']:.2f} times the plain loop")
        shown.add_row(f"peak memory, {shape}", f"{one['memory_ratio']:.2f} of the plain loop's")
    for size, share in found["facts"].items():
        low, high = found["intervals"]["facts"][size]
        shown.add_row(f"{size} facts, held-out wording", f"{share:.1f} % ({low:.1f} to {high:.1f})")
    for what in ("grounded", "abstain"):
        shown.add_row(what, f"{found[f'{what}_after']:.1f} %, before {found[f'{what}_base']:.1f} %")
    shown.add_row("another user's adapter", f"{found['other_user']:.1f} %")
    return shown


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--quick", action="store_true", help="small users, nano's shape only")
    parser.add_argument("--seeds", type=int, default=3, help="users of each size up to 200 facts")
    parser.add_argument(
        "--threads", type=int, default=1, help="processor threads of each side of the speed part"
    )
    parser.add_argument("--kept", type=Path, help="a file of measured nights, to go on from")
    given = parser.parse_args()
    log = Console(stderr=True, width=400)
    found = measure(quick=given.quick, seeds=given.seeds, threads=given.threads, kept=given.kept, log=log)
    missed = shortfalls(found)
    if given.json:
        sys.stdout.write(json.dumps({**found, "missed": missed}) + "\n")
        return
    out = Console()
    out.print(table(found))
    for line in missed:
        out.print(f"[yellow]missed[/] {line}")


if __name__ == "__main__":
    main()
