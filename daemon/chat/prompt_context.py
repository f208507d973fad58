"""
Where memories go in a prompt, and how they are told from what people said.

Memories stand in a system turn directly before the last user turn, never in front of the history: the
engine's prefix cache must survive. A client that sends that turn back is recognised by its first line.
Knows nothing of the store or the engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prompts.load import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message as the client sent it."""

    role: str  # "system" | "user" | "assistant" | "tool"
    text: str


def without_memories(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The turns that people and clients made: less each system turn that we laid in ourselves."""
    mark = load("recall").splitlines()[0]
    return tuple(turn for turn in turns if not (turn.role == "system" and turn.text.startswith(mark)))


def with_memories(turns: Sequence[Turn], memories: str | None) -> list[dict[str, str]]:
    """The messages for the engine; `memories`, if any, as a system turn before the last user turn."""
    messages = [{"role": turn.role, "content": turn.text} for turn in turns]
    place = last_question(turns)
    if memories is not None and place is not None:
        messages.insert(place, {"role": "system", "content": memories})
    return messages


def last_question(turns: Sequence[Turn]) -> int | None:
    """Where the last user turn stands; None when there is none."""
    return next((place for place in reversed(range(len(turns))) if turns[place].role == "user"), None)


def is_chore(turns: Sequence[Turn]) -> bool:
    """
    Whether a chat page asks for a title, tags or follow-ups of a chat, and not a person for an answer.

    Open WebUI sends such requests to the chat model beside each chat; they are nothing that a user told.
    """
    place = last_question(turns)
    return place is not None and turns[place].text.lstrip().startswith("### Task:")
