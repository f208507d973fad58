"""
What a client sent, looked at once, and where recalled memories go in the prompt.

Memories stand in a system turn directly before the last user turn, never in front of the history: the
engine's prefix cache must survive. A client that sends that turn back is recognised by its first line.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from daemon.chat.chores import is_chore
from daemon.chat.frames import own_words
from daemon.engine.client import ToolCall
from daemon.text import split_file, with_file
from prompts.load import lays_memories

_THOUGHT = re.compile(  # that a client sends back in its own way, or not at all
    r"\s*(?:<think(?:ing)?>.*?</think(?:ing)?>|<details type=\"reasoning\".*?</details>)\s*", re.DOTALL
)
_KEPT_CALL = re.compile(r"(^|\n)<tool_call>\n([^\n]*)\n</tool_call>\Z")


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One message as the client sent it, frame and all."""

    role: str  # "system" | "user" | "assistant" | "tool"
    text: str
    calls: tuple[ToolCall, ...] = ()  # of tools, by the assistant
    call_id: str = ""  # of a tool: the call that it answers
    name: str = ""  # of a tool

    @cached_property
    def said(self) -> str:
        """What was said in it: a person's own words, an answer without its thoughts."""
        if self.role == "user":
            asked, name, _ = split_file(self.text)
            return own_words(with_file(asked, name, "") if name else asked)
        return _THOUGHT.sub("", self.text, count=1) if _THOUGHT.match(self.text) else self.text

    @property
    def recorded(self) -> str:
        """The text that is kept of it, with the file of a question; none of a turn in which nobody said anything."""
        _, name, file = split_file(self.text) if self.role == "user" else ("", "", "")
        said = with_file(self.said, name, file) if name and self.said else self.said
        return with_calls(said, self.calls)

    def message(self) -> dict[str, Any]:
        """The same for the engine."""
        message: dict[str, Any] = {"role": self.role, "content": self.text}
        if self.calls:
            calls = [{"id": one.id, "name": one.name, "arguments": one.arguments} for one in self.calls]
            message["tool_calls"] = calls
        if self.role == "tool":
            message |= {"tool_call_id": self.call_id, "name": self.name}
        return message


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The turns of a request that people and clients made; made by `parse_history`."""

    turns: tuple[Turn, ...]
    question_at: int | None  # place of the last user turn; None when there is none
    is_chore: bool  # a chat page asks for a title, tags or follow-ups, and not a person for an answer

    @property
    def question(self) -> str | None:
        """What the person asks in the last user turn; None where nobody does."""
        return (self.turns[self.question_at].said or None) if self.question_at is not None else None

    @property
    def begun(self) -> str | None:
        """The beginning of the answer, where the last turn is the assistant's and not the only one; else None."""
        last = self.turns[-1] if len(self.turns) > 1 else None
        return last.text if last is not None and last.role == "assistant" and not last.calls else None

    def told_first(self, words: str) -> "History":
        """The same with `words` as its first system turn, unless it has one, is a chore, or there are none."""
        if not words or self.is_chore or any(turn.role == "system" for turn in self.turns):
            return self
        at = None if self.question_at is None else self.question_at + 1
        return replace(self, turns=(Turn(role="system", text=words), *self.turns), question_at=at)

    def messages(self, memories: str | None) -> list[dict[str, Any]]:
        """The messages for the engine; `memories`, if any, as a system turn before the last user turn."""
        messages = [turn.message() for turn in self.turns]
        if memories is not None and self.question_at is not None:
            messages.insert(self.question_at, {"role": "system", "content": memories})
        return messages


def with_calls(text: str, calls: Sequence[ToolCall]) -> str:
    """
    What is kept of an answer that calls tools: its words, and each call in a block of its own.

    Ids are left out, and keys are sorted: what a client sends back in its own way is the same text. Nobody's words are
    read out of such blocks (`strip_quotes.py`).
    """
    blocks = [f"<tool_call>\n{_call_text(call)}\n</tool_call>" for call in calls]
    return "\n".join(filter(None, [text, *blocks]))


def without_calls(recorded: str) -> tuple[str, tuple[ToolCall, ...]]:
    """The words and the calls of an answer as it is kept."""
    text, calls = recorded, list[ToolCall]()
    while found := _KEPT_CALL.search(text):
        try:
            call = json.loads(found[2])
            arguments = call["arguments"]
            written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
            calls.insert(0, ToolCall(name=call["name"], arguments=written))
        except (ValueError, KeyError, TypeError):
            break  # nothing that we wrote
        text = text[: found.start()]
    return text, tuple(calls)


def _call_text(call: ToolCall) -> str:
    try:
        arguments: Any = json.loads(call.arguments)
    except ValueError:
        arguments = call.arguments
    return json.dumps({"name": call.name, "arguments": arguments}, ensure_ascii=False, sort_keys=True)


def parse_history(sent: Sequence[Turn]) -> History:
    """
    The turns that a client sent, less each system turn that we laid in ourselves.

    Pages send their chores to the chat model beside each chat; they are nothing that a user said.
    """
    turns = tuple(turn for turn in sent if not (turn.role == "system" and lays_memories(turn.text)))
    users = [place for place, turn in enumerate(turns) if turn.role == "user"]
    place = users[-1] if users else None
    chore = is_chore([(turn.role, turn.text) for turn in turns])
    return History(turns=turns, question_at=place, is_chore=chore)
