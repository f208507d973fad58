"""
`tsubasa demo`: one night, end to end, on this machine, in a few minutes.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from daemon.cli.demo_run.run import run
from daemon.cli.output import out


def demo(
    model: Annotated[
        Path | None, typer.Option(help="A Qwen3 GGUF file; without it the bundled nano.")
    ] = None,
) -> None:
    """Show one night, end to end: chats, memories, distillation, hot swap, forgetting. For example: tsubasa demo"""
    result = run(model, out)
    missing = shortcomings(result)
    for one in missing:
        out.print(f"[red]Not as promised:[/] {one}")
    out.print("RESULT " + json.dumps(result), markup=False)
    if missing:
        raise typer.Exit(1)


def shortcomings(result: Mapping[str, Any]) -> list[str]:
    """What the demo was to show and did not; a night that was not adopted has ended it before."""
    correct = result["correct"]
    found = []
    if correct["generation"] <= correct["base"]:
        found.append("the new generation knows no more than the base model")
    if result["forgotten"] is not True:
        found.append("what was forgotten was still said")
    return found
