"""
`tsubasa forget`: take memories, and all that came of them, out of everything that is kept.
"""

from typing import Annotated

import typer
from rich.markup import escape

from daemon.commands.shared import HomeFlag, daemon_at, out


def forget(
    memory_ids: Annotated[list[int], typer.Argument(help="Numbers from `tsubasa memories`.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    home_flag: HomeFlag = None,
) -> None:
    """Forget memories for good: rows, vectors, lessons, and every generation that learned them."""
    with daemon_at(home_flag) as client:
        for memory_id in memory_ids:
            out.print(f"{memory_id:>4}  {escape(client.why(memory_id)['memory']['narrative'])}")
        if not yes and not typer.confirm("Forget this for good?"):
            out.print("Nothing was forgotten.")
            return
        done = client.forget(memory_ids)
    report = done["report"]
    counted = ("memories", "messages", "vectors", "events", "lessons")
    out.print("Forgotten: " + ", ".join(_counted(report[name], name) for name in counted) + ".")
    if report["generations"]:
        learned = ", ".join(str(number) for number in report["generations"])
        now = done["now_live"] or "the base model"
        out.print(f"Generation {learned} had learned it and is gone; {now} answers until the next night.")
    for file in done["files"]:
        out.print(f"An export of yours still tells it; delete it too: {escape(file)}")


def _counted(number: int, name: str) -> str:
    """ "2 memories", "1 memory"."""
    one = "memory" if name == "memories" else name.removesuffix("s")
    return f"{number} {one if number == 1 else name}"
