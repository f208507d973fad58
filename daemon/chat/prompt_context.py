"""
What a client sent, looked at once, and where recalled memories go in the prompt.

Memories stand in a system turn directly before the last user turn, never in front of the history: the
engine's prefix cache must survive. A client that sends that turn back is recognised by its first line.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prompts.load import lays_memories


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message as the client sent it."""

    role: str  # "system" | "user" | "assistant" | "tool"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The turns of a request that people and clients made; made by `parse_history`."""

    turns: tuple[Turn, ...]
    question_at: int | None  # place of the last user turn; None when there is none
    is_chore: bool  # a chat page asks for a title, tags or follow-ups, and not a person for an answer

    @property
    def question(self) -> str | None:
        """The text of the last user turn."""
        return None if self.question_at is None else self.turns[self.question_at].text

    @property
    def begun(self) -> str | None:
        """The beginning of the answer, where the last turn is the assistant's and not the only one; else None."""
        last = self.turns[-1] if len(self.turns) > 1 else None
        return last.text if last is not None and last.role == "assistant" else None

    def messages(self, memories: str | None) -> list[dict[str, str]]:
        """The messages for the engine; `memories`, if any, as a system turn before the last user turn."""
        messages = [{"role": turn.role, "content": turn.text} for turn in self.turns]
        if memories is not None and self.question_at is not None:
            messages.insert(self.question_at, {"role": "system", "content": memories})
        return messages


def parse_history(sent: Sequence[Turn]) -> History:
    """
    The turns that a client sent, less each system turn that we laid in ourselves.

    Open WebUI sends its chores to the chat model beside each chat; they are nothing that a user said.
    """
    turns = tuple(turn for turn in sent if not (turn.role == "system" and lays_memories(turn.text)))
    users = [place for place, turn in enumerate(turns) if turn.role == "user"]
    place = users[-1] if users else None
    is_chore = place is not None and turns[place].text.lstrip().startswith("### Task:")
    return History(turns=turns, question_at=place, is_chore=is_chore)
