"""
`tsubasa forget`: take memories, or messages, and all that came of them, out of everything that is kept.
"""

from typing import Annotated, Any

import typer
from rich.markup import escape

from daemon.commands.shared import HomeFlag, daemon_at, out

MOST_SHOWN = 100  # characters of a message


def forget(
    memory_ids: Annotated[
        list[int] | None, typer.Argument(help="Numbers from `tsubasa memories`.", show_default=False)
    ] = None,
    messages: Annotated[
        list[int] | None,
        typer.Option(
            "--message", help="Or the number of a message, from an answer's recall; may be repeated."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    home_flag: HomeFlag = None,
) -> None:
    """Forget memories, or messages, for good: rows, vectors, lessons, and every generation that learned them."""
    memory_ids, messages = memory_ids or [], messages or []
    if not (memory_ids or messages):
        raise typer.BadParameter("Name a memory, or a message with --message.")
    with daemon_at(home_flag) as client:
        for memory_id in memory_ids:
            out.print(f"{memory_id:>4}  {escape(client.why(memory_id)['memory']['narrative'])}")
        for message_id in messages:
            out.print(f"{message_id:>4}  {escape(_shortened(client.message(message_id)['message']))}")
        if not yes and not typer.confirm("Forget this for good?"):
            out.print("Nothing was forgotten.")
            return
        done = client.forget(memory_ids, messages=messages)
    report = done["report"]
    counted = ("memories", "messages", "vectors", "events", "lessons")
    out.print("Forgotten: " + ", ".join(_counted(report[name], name) for name in counted) + ".")
    if report["generations"]:
        learned = ", ".join(str(number) for number in report["generations"])
        now = done["now_live"] or "the base model"
        out.print(f"Generation {learned} had learned it and is gone; {now} answers until the next night.")
    if report["kept_memories"]:
        kept = " ".join(str(number) for number in report["kept_memories"])
        out.print(f"Held on, though drawn from what was forgotten: {kept}. Them too: tsubasa forget {kept}")
    for file in done["files"]:
        out.print(f"An export of yours still tells it; delete it too: {escape(file)}")


def _shortened(message: dict[str, Any]) -> str:
    """ "(message) user: I live in…", in one line."""
    text = " ".join(message["text"].split())
    shown = text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"
    return f"(message) {message['speaker'] or message['role']}: {shown}"


def _counted(number: int, name: str) -> str:
    """ "2 memories", "1 memory"."""
    one = "memory" if name == "memories" else name.removesuffix("s")
    return f"{number} {one if number == 1 else name}"
