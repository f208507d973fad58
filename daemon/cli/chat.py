"""
`tsubasa chat`: talk in the terminal, or ask one thing in a script.
"""

import sys
from typing import Annotated

import typer

from daemon.chat import model_names
from daemon.cli.output import HomeFlag, daemon_at


def chat(
    question: Annotated[
        str | None, typer.Argument(help="Ask this one thing and leave.", show_default=False)
    ] = None,
    model: Annotated[
        str, typer.Option(help="tsubasa, tsubasa@N (generation N), tsubasa:base or tsubasa:private.")
    ] = "tsubasa",
    private: Annotated[
        bool, typer.Option("--private", help="Keep nothing of it; the same as --model tsubasa:private.")
    ] = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Talk to your assistant.

    Without a question it is a conversation: /help lists what can be typed in it, Ctrl-C stops an answer, Ctrl-D leaves.
    The arrow keys bring back what you typed before, out of the encrypted store. What is piped in is one question.

    For example: tsubasa chat "Where did I leave my bicycle?"
    """
    from daemon.cli.talk import Talk  # with all that a conversation needs, and no help text

    if private and model not in ("tsubasa", "tsubasa:private"):
        raise typer.BadParameter("--private goes with no other model: it is one, tsubasa:private.")
    if not model_names.parse_model_name(model).known:
        raise typer.BadParameter(
            f"{model!r} is no model. There are: tsubasa, tsubasa@N, tsubasa:base, tsubasa:private."
        )
    if question is None and not sys.stdin.isatty():
        question = sys.stdin.read()
    with daemon_at(home_flag) as client:
        talk = Talk(client, "tsubasa:private" if private else model)
        if question is None:
            talk.converse()
        elif question.strip():
            talk.answer(question)
