"""
What an empty chat says: a question, what could be asked, and how much is known by now.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from daemon.text import counted
from daemon.web.chat.state import Talk
from daemon.web.components import basic

IDEAS = ("What do you remember about me?", "What did I tell you last week?", "Help me plan tomorrow.")
FIRST_IDEAS = ("Let me tell you about myself.", "What can you do for me?", "Help me plan tomorrow.")


def greeting(talk: Talk, status: Mapping[str, Any] | None, ask: Callable[[str], Awaitable[None]]) -> None:
    """Draw it; `status` is None until it is known."""
    with basic.box("greeting"):
        if talk.private:
            basic.text("Between us, and gone after.", "greeting-words")
            basic.text("Close this chat, and nobody can bring it back.", "soft")
            return
        basic.text("What is on your mind?", "greeting-words")
        if status:
            _ideas(status, ask)


def _ideas(status: Mapping[str, Any], ask: Callable[[str], Awaitable[None]]) -> None:
    n_memories = status["held"]["memories"]
    with basic.box("ideas"):
        for idea in IDEAS if n_memories else FIRST_IDEAS:
            basic.button(idea, lambda idea=idea: ask(idea), classes="idea")
    with basic.box("facts soft"):
        basic.text(_known(n_memories, status["generation"]))
        if is_nano(status):
            basic.text(
                "The bundled nano answers: a stand-in, fit for trying things out. A real model comes with "
                "tsubasa pull."
            )


def is_nano(status: Mapping[str, Any]) -> bool:
    """Whether no model was chosen, so that the bundled stand-in answers."""
    return any(one["key"] == "model" and not one["value"] for one in status["settings"])


def _known(n_memories: int, generation: int) -> str:
    if not n_memories:
        return "Nothing is remembered yet. What you tell here stays on this machine."
    held = counted(n_memories, "memory", "memories")
    learned = f"generation {generation} answers" if generation else "nothing is trained yet"
    return f"{held} held, {learned}. All of it stays on this machine."
