"""
The state of one chat: its turns, which model is asked next, and what is known of each answer.

What is sent is what the daemon has kept, so that a chat goes on where it was. Off the record, nothing of another
chat is sent. No NiceGUI and no HTTP here.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from daemon.client.schemas.chats import Chat, ChatMessage, Chunk, Feedback, Noted, Recalled
from daemon.text import split_file

FORGOTTEN = "[forgotten]"
TOO_LONG = "It reached the longest answer that is allowed."
STOPPED = "Stopped."
PRIVATE = "tsubasa:private"  # no memories, nothing kept
_CALL = re.compile(r"(^|\n)<tool_call>\n([^\n]*)\n</tool_call>\Z")  # as the daemon keeps one
BASE = "tsubasa:base"  # the same, of the untrained model


@dataclass(slots=True, kw_only=True)
class AnswerInfo:
    """What an answer was made of, and what it took."""

    generation: int | None = None
    memories: tuple[int, ...] = ()  # recalled
    messages: tuple[int, ...] = ()  # quoted
    recall_tokens: int = 0
    prompt_tokens: int = 0  # 0: of an earlier chat, where this is not kept
    answer_tokens: int = 0
    seconds: float = 0.0  # from the question to the last word
    kept: bool = True  # False: the daemon keeps nothing of this turn
    chat: int | None = None  # the past chat that it is kept in, where the daemon has told
    known: bool = False  # False: of an answer from before this was kept

    def set_recall(self, found: Recalled) -> None:
        """Take over what the daemon says was recalled, with an answer or of an earlier one."""
        self.memories, self.messages = tuple(found["memories"]), tuple(found["messages"])
        self.recall_tokens = found["recall_tokens"]
        self.known = True


@dataclass(slots=True, kw_only=True)
class Turn:
    """One message of the chat."""

    role: str  # "system" | "user" | "assistant"
    text: str = ""
    thought: str = ""  # what the model thought before, while it streams; nothing of it is kept
    speaker: str = ""  # a name, in an imported chat
    info: AnswerInfo = field(default_factory=AnswerInfo)
    cut: str = ""  # why an answer ended early; empty: it did not
    id: int | None = None  # of the message that is kept of it, once that is known
    siblings: Sequence[int] = ()  # the messages in its place on all branches, itself among them
    noted: Sequence[Noted] = ()  # memories that were made of it
    feedback: Feedback | None = None  # what the user said of an answer


class ChatState:
    """The turns so far, and the model that is asked next."""

    def __init__(self, *, private: bool = False, model: str = "tsubasa") -> None:
        self.turns: list[Turn] = []
        self.private = private
        self.chosen = model
        self.chat_id: int | None = None  # the past chat that it continues
        self.title = ""  # that chat's, once it is known
        self.sealed = False  # a part was forgotten: it can be read, not continued
        self._asked_base = False  # it holds what was said off the record, to the base model

    @property
    def model(self) -> str:
        """The name that the next question goes to."""
        return PRIVATE if self.private else self.chosen

    @property
    def first_question(self) -> str:
        """What the user said first; empty before that."""
        return next((split_file(turn.text)[0] for turn in self.turns if turn.role == "user"), "")

    def may_go_on_with(self, model: str) -> bool:
        """Whether asking `model` next keeps nothing that was said off the record."""
        return model == BASE or not self._asked_base

    def ask(self, question: str) -> Turn:
        """Add a question; the answer to it, still empty."""
        self.turns.append(Turn(role="user", text=question))
        return self._answer()

    def ask_again(self, answer: Turn) -> Turn:
        """Drop an answer and all after it; the new one, still empty."""
        del self.turns[self._place(answer) :]
        return self._answer()

    def go_on(self, answer: Turn) -> None:
        """Have an answer that ended early go on where it stopped; all after it is dropped."""
        del self.turns[self._place(answer) + 1 :]
        answer.cut, answer.id, answer.siblings = "", None, ()

    def ask_instead(self, question: Turn, text: str) -> Turn:
        """Put a question in other words, and drop all after it; the answer, still empty."""
        del self.turns[self._place(question) :]
        return self.ask(text)

    def to_send(self, *, going_on: bool = False) -> list[dict[str, str]]:
        """The messages of the request, up to the last question; `going_on`: with the answer that it goes on with."""
        ends_with_answer = self.turns and self.turns[-1].role == "assistant" and not going_on
        return _to_messages(self.turns[:-1] if ends_with_answer else self.turns)

    def settle(self, answer: Turn, kept: Sequence[ChatMessage]) -> None:
        """
        Let `answer`, which ended early, be what was kept of it: more may have been said than arrived here.

        Nothing changes if `kept`, the messages of the past chat, holds no answer here that begins like it.
        """
        before = _to_messages(self.turns[: self._place(answer)])
        messages = [{"role": message["role"], "content": message["text"]} for message in kept]
        if messages[: len(before)] == before and len(messages) > len(before):
            reply = messages[len(before)]
            if reply["role"] == "assistant" and reply["content"].startswith(answer.text):
                answer.text = reply["content"]

    @property
    def last_id(self) -> int | None:
        """The last message that is kept of what is shown, as far as that is known."""
        return next((turn.id for turn in reversed(self.turns) if turn.id is not None), None)

    def catch_up(self, chat: Chat) -> list[Turn] | None:
        """
        Learn which messages are kept of the turns, what stands beside each, and what was said since elsewhere.

        The turns that are new here; None, and nothing is learned, where `chat` holds another branch than is shown.
        """
        shown = [turn for turn in self.turns if turn.text or not turn.cut]
        messages = chat["messages"]
        if len(messages) < len(shown) or not all(map(_is_kept_as, shown, messages)):
            return None
        for turn, message in zip(shown, messages, strict=False):
            turn.id, turn.siblings, turn.noted = message["id"], message["siblings"], message["noted"]
            turn.feedback = message["feedback"]
        new = [_turn(message) for message in messages[len(shown) :]]
        self.turns += new
        self.title = chat["title"]
        return new

    def question_of(self, answer: Turn) -> str:
        """The question that `answer` answers."""
        before = self.turns[: self._place(answer)]
        return next((turn.text for turn in reversed(before) if turn.role == "user"), "")

    def _answer(self) -> Turn:
        self._asked_base = self._asked_base or self.model == BASE
        self.turns.append(Turn(role="assistant"))
        return self.turns[-1]

    def _place(self, turn: Turn) -> int:
        return next(place for place, one in enumerate(self.turns) if one is turn)


def continue_chat(chat: Chat, *, model: str = "tsubasa") -> ChatState:
    """The state that goes on with a past chat."""
    state, messages = ChatState(model=model), chat["messages"]
    state.chat_id, state.title = chat["id"], chat["title"]
    state.sealed = any(message["text"] == FORGOTTEN for message in messages)
    state.turns = [_turn(message) for message in messages]
    return state


def _turn(message: ChatMessage) -> Turn:
    """A message as it is kept."""
    info = AnswerInfo(generation=_generation(message["model"]))
    if message["beside"] is not None:
        info.set_recall(message["beside"])
    return Turn(
        role=message["role"],
        text=message["text"],
        speaker=message["speaker"],
        info=info,
        id=message["id"],
        siblings=message["siblings"],
        noted=message["noted"],
        feedback=message["feedback"],
    )


def _is_kept_as(turn: Turn, message: ChatMessage) -> bool:
    """Whether this message is what is kept of a turn."""
    if turn.id is not None:
        return turn.id == message["id"] and turn.text == message["text"]
    return (turn.role, turn.text.strip()) == (message["role"], message["text"].strip())


def parts_of(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The words of an answer, and the tools that it calls behind them: their names, and how."""
    calls: list[tuple[str, str]] = []
    while found := _CALL.search(text):
        try:
            call = json.loads(found[2])
            name, arguments = str(call["name"]), call["arguments"]
        except (ValueError, KeyError, TypeError):  # nothing that the daemon wrote
            break
        calls.insert(0, (name, json.dumps(arguments, ensure_ascii=False, indent=1)))
        text = text[: found.start()]
    return text, calls


def add_chunk(answer: Turn, chunk: Chunk) -> None:
    """Add one chunk of the stream to `answer`."""
    info = answer.info
    if "tsubasa" in chunk:
        ours = chunk["tsubasa"]
        info.set_recall(ours)
        info.generation = ours["generation"]
        info.kept, info.chat = ours["kept"], ours["chat"]
    for choice in chunk["choices"]:
        answer.thought += choice["delta"].get("reasoning_content") or ""
        answer.text += choice["delta"].get("content") or ""
        if choice["finish_reason"] == "length":
            answer.cut = TOO_LONG
    if chunk.get("usage"):
        info.prompt_tokens = chunk["usage"]["prompt_tokens"]
        info.answer_tokens = chunk["usage"]["completion_tokens"]


def _to_messages(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """The turns as messages, without answers that ended before their first word: of these nothing is kept."""
    return [{"role": turn.role, "content": turn.text} for turn in turns if turn.text or not turn.cut]


def _generation(model: str | None) -> int | None:
    """Of "tsubasa@3": 3."""
    _, _, number = (model or "").partition("@")
    return int(number) if number.isdigit() else None
