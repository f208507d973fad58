"""
One chat as the page has it: who said what, whom the next question goes to, and what lay beside an answer.

Promises: what is sent is what the daemon has kept, so that a chat goes on where it was; off the record nothing
of another chat is sent. Pure; knows nothing of NiceGUI or HTTP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FORGOTTEN = "[forgotten]"
PRIVATE = "tsubasa:private"  # no memories, nothing kept
BASE = "tsubasa:base"  # the same, of the untrained model


@dataclass(slots=True, kw_only=True)
class Beside:
    """What lay beside a question, and what the answer took."""

    generation: int | None = None
    memories: tuple[int, ...] = ()
    messages: tuple[int, ...] = ()
    recall_tokens: int = 0
    prompt_tokens: int = 0  # 0: of an earlier chat, where this is not kept
    answer_tokens: int = 0
    seconds: float = 0.0  # from the question to the last word
    kept: bool = True  # False: the daemon keeps nothing of this turn
    known: bool = False  # False: of an answer from before this was kept

    def lay(self, told: Mapping[str, Any]) -> None:
        """Take over what the daemon tells of it, with an answer or of an earlier one."""
        self.memories, self.messages = tuple(told["memories"]), tuple(told["messages"])
        self.recall_tokens = told["recall_tokens"]
        self.known = True


@dataclass(slots=True, kw_only=True)
class Said:
    """One turn."""

    role: str  # "system" | "user" | "assistant"
    text: str = ""
    speaker: str = ""  # a name, in an imported chat
    beside: Beside = field(default_factory=Beside)
    cut: str = ""  # why an answer ended early; empty: it did not


class Talk:
    """The turns so far, and the model that is asked next."""

    def __init__(self, *, private: bool = False, model: str = "tsubasa") -> None:
        self.turns: list[Said] = []
        self.private = private
        self.chosen = model
        self.chat_id: int | None = None  # the past chat that it continues
        self.sealed = False  # a part was forgotten: it can be read, not continued
        self._told_base = False  # it holds what was said off the record, to the base model

    @property
    def model(self) -> str:
        """The name that the next question goes to."""
        return PRIVATE if self.private else self.chosen

    def may_go_on_with(self, model: str) -> bool:
        """Whether asking `model` next keeps nothing that was said off the record."""
        return model == BASE or not self._told_base

    def ask(self, question: str) -> Said:
        """Say something; the answer to it, still empty."""
        self.turns.append(Said(role="user", text=question))
        return self._answer()

    def ask_again(self, answer: Said) -> Said:
        """Drop an answer and all after it; the new one, still empty."""
        del self.turns[self._place(answer) :]
        return self._answer()

    def ask_instead(self, question: Said, text: str) -> Said:
        """Put a question in other words, and drop all after it; the answer, still empty."""
        del self.turns[self._place(question) :]
        return self.ask(text)

    def sent(self) -> list[dict[str, str]]:
        """The messages of the request, up to the last question."""
        return _sent(self.turns[:-1] if self.turns and self.turns[-1].role == "assistant" else self.turns)

    def settle(self, answer: Said, kept: Sequence[Mapping[str, Any]]) -> None:
        """
        Let `answer`, which ended early, be what was kept of it: more may have been said than was heard here.

        Nothing changes if `kept`, the messages of the past chat, holds no answer here that begins like it.
        """
        before = _sent(self.turns[: self._place(answer)])
        held = [{"role": message["role"], "content": message["text"]} for message in kept]
        if held[: len(before)] == before and len(held) > len(before):
            reply = held[len(before)]
            if reply["role"] == "assistant" and reply["content"].startswith(answer.text):
                answer.text = reply["content"]

    def question_of(self, answer: Said) -> str:
        """The question that `answer` answers."""
        before = self.turns[: self._place(answer)]
        return next((turn.text for turn in reversed(before) if turn.role == "user"), "")

    def _answer(self) -> Said:
        self._told_base = self._told_base or self.model == BASE
        self.turns.append(Said(role="assistant"))
        return self.turns[-1]

    def _place(self, turn: Said) -> int:
        return next(place for place, one in enumerate(self.turns) if one is turn)


def continued(chat_id: int, messages: Sequence[Mapping[str, Any]], *, model: str = "tsubasa") -> Talk:
    """The talk that goes on with a past chat."""
    talk = Talk(model=model)
    talk.chat_id = chat_id
    talk.sealed = any(message["text"] == FORGOTTEN for message in messages)
    talk.turns = [
        Said(
            role=message["role"],
            text=message["text"],
            speaker=message["speaker"],
            beside=_beside(message),
        )
        for message in messages
    ]
    return talk


def take(answer: Said, chunk: Mapping[str, Any]) -> None:
    """Add one chunk of the stream to `answer`."""
    beside = answer.beside
    if "tsubasa" in chunk:
        ours = chunk["tsubasa"]
        beside.lay(ours)
        beside.generation = ours["generation"]
        beside.kept = ours["kept"]
    for choice in chunk["choices"]:
        answer.text += choice["delta"].get("content") or ""
        if choice["finish_reason"] == "length":
            answer.cut = "It reached the longest answer that is allowed (max_tokens)."
    if chunk.get("usage"):
        beside.prompt_tokens = chunk["usage"]["prompt_tokens"]
        beside.answer_tokens = chunk["usage"]["completion_tokens"]


def _sent(turns: Sequence[Said]) -> list[dict[str, str]]:
    """The turns as messages, without answers that ended before their first word: of these nothing is kept."""
    return [{"role": turn.role, "content": turn.text} for turn in turns if turn.text or not turn.cut]


def _beside(message: Mapping[str, Any]) -> Beside:
    """What is known of an earlier answer."""
    made = Beside(generation=_generation(message["model"]))
    if message["beside"] is not None:
        made.lay(message["beside"])
    return made


def _generation(model: str | None) -> int | None:
    """Of "tsubasa@3": 3."""
    _, _, number = (model or "").partition("@")
    return int(number) if number.isdigit() else None
