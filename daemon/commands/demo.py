"""
`tsubasa demo`: one night, end to end, on this machine, in a few minutes.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from daemon.commands.shared import out
from daemon.demo.run import run


def demo(
    model: Annotated[
        Path | None, typer.Option(help="A Qwen3 GGUF file; without it the bundled nano.")
    ] = None,
) -> None:
    """Show one night, end to end: chats, memories, distillation, hot swap, forgetting."""
    result = run(model, out)
    out.print("RESULT " + json.dumps(result), markup=False)
