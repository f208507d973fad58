"""
`tsubasa chat`: talk in the terminal.
"""

from typing import Annotated

import typer
from rich.prompt import Prompt

from daemon.commands.shared import HomeFlag, daemon_at, out


def chat(
    question: Annotated[str | None, typer.Argument(help="Ask this one thing and leave.")] = None,
    model: Annotated[
        str, typer.Option(help="tsubasa, tsubasa@N, tsubasa:base or tsubasa:private.")
    ] = "tsubasa",
    home_flag: HomeFlag = None,
) -> None:
    """Talk to your assistant; an empty line or Ctrl-D ends."""
    messages: list[dict[str, str]] = []
    with daemon_at(home_flag) as client:
        while True:
            said = question or _ask()
            if not said:
                return
            messages.append({"role": "user", "content": said})
            answer = ""
            for piece in client.chat(messages, model=model):
                out.print(piece, end="", markup=False)
                answer += piece
            out.print()
            messages.append({"role": "assistant", "content": answer})
            if question:
                return


def _ask() -> str:
    try:
        return Prompt.ask("[bold]you[/]", console=out, default="", show_default=False).strip()
    except (EOFError, KeyboardInterrupt):
        return ""
