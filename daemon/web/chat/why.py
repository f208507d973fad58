"""
Why an answer is as it is: what was recalled for it, which generation answered, what the base model would say.

It is looked up when it is opened, so that it says what holds now; a memory that was forgotten since is named as such.
"""

from collections.abc import Sequence
from datetime import date
from typing import TypeVar

from nicegui import ui

from daemon.client import calls
from daemon.client.calls import Call
from daemon.client.schemas.memories import MemoryDetail
from daemon.errors import Refused
from daemon.text import counted
from daemon.web.chat.actions import ChatActions
from daemon.web.chat.state import FORGOTTEN, AnswerInfo, Turn
from daemon.web.components import dom, icons
from daemon.web.components.markdown import markdown
from daemon.web.memories.detail import MARKS

GONE = 404
QUOTED = 240  # characters of a message

T = TypeVar("T")


class Why:
    """The button, and the panel that it opens."""

    def __init__(self, chat: ChatActions, turn: Turn) -> None:
        self._chat = chat
        self._turn = turn
        self._is_open = False
        n = len(turn.info.memories)
        used = f": {n or 'none'}" if turn.info.known else ""
        with dom.plain_button("why-button", self._toggle).props("aria-expanded=false") as self._button:
            icons.icon("why")
            dom.text(f"Memories used{used}", tag="span")

    def panel(self) -> None:
        """Place the panel here; it is closed at first."""
        self._panel = dom.box("why", tag="section", label="Why this answer")
        self._panel.set_visibility(False)

    async def _toggle(self) -> None:
        self._is_open = not self._is_open
        self._button.props["aria-expanded"] = "true" if self._is_open else "false"
        self._button.update()
        self._panel.set_visibility(self._is_open)
        self._panel.clear()  # what it shows may be forgotten when it is opened again
        if self._is_open:
            await self._fill()

    async def _fill(self) -> None:
        info = self._turn.info
        memories = [await self._unless_forgotten(calls.why(id)) for id in info.memories]
        messages = [await self._unless_forgotten(calls.message(id)) for id in info.messages]
        if not self._is_open:
            return
        self._panel.clear()
        with self._panel:
            if not memories and not messages:
                dom.text(_nothing(info), "soft")
            self._memories(memories)
            if messages:
                dom.text("Messages that were quoted", tag="h2")
            for found in messages:
                said = FORGOTTEN if found is None else found["message"]["text"]
                text = "A message that was forgotten since." if said == FORGOTTEN else said
                cut = text if len(text) <= QUOTED else text[: QUOTED - 1] + "…"
                dom.text(cut, "quoted", tag="blockquote")
            self._numbers()
            with dom.box("base") as self._base:
                dom.button("What would the base model say?", self._ask_base, picture="spark")

    def _memories(self, memories: Sequence[MemoryDetail | None]) -> None:
        if memories:
            dom.text("Memories that lay beside the question", tag="h2")
        with dom.box("why-list", tag="ul"):
            for id, found in zip(self._turn.info.memories, memories, strict=True):
                with ui.element("li"):
                    if found is None:
                        dom.text(f"Memory {id} was forgotten since.", "soft")
                    else:
                        memory = found["memory"]
                        dom.memory_link(memory["text"], id, classes="link")
                        if mark := MARKS.get(memory["kind"]):
                            dom.chip(mark, "good")
                        when = date.fromisoformat(memory["told_on"])
                        dom.text(f"told on {when.day} {when:%B %Y}", "soft small", tag="span")

    def _numbers(self) -> None:
        info = self._turn.info
        with dom.box("why-numbers"):
            if info.generation is not None:
                name = f"Generation {info.generation}" if info.generation else "Base model"
                dom.link(name, "/nights", picture="nights")
            if tokens := _tokens(info):
                dom.text(tokens, "soft small number", tag="span")
            if info.prompt_tokens and (status := self._chat.status):
                room = status["model"]["n_ctx"]
                left = max(0, room - info.prompt_tokens - info.answer_tokens)
                dom.text(f"{left:,} of {room:,} left in this chat", "soft small number", tag="span")

    async def _ask_base(self) -> None:
        self._base.clear()
        with self._base:
            dom.text("The base model, without memories", tag="h2")
            waiting = dom.text("Asking …", "soft")
        question = self._chat.state.question_of(self._turn)
        found = await self._chat.backend.ask(calls.ask(0, question))
        waiting.delete()
        with self._base:
            markdown(found["answer"], "base-answer")

    async def _unless_forgotten(self, call: Call[T]) -> T | None:
        """A memory or a message; None when it was forgotten."""
        try:
            return await self._chat.backend.ask(call)
        except Refused as error:
            if error.status == GONE:
                return None
            raise


def _nothing(info: AnswerInfo) -> str:
    """Why no memory and no message is named."""
    if not info.known:
        return "What lay beside this question was not kept at that time."
    if info.recall_tokens:
        return "What lay beside this question was forgotten since."
    return "Nothing that you told before was laid beside this question."


def _tokens(info: AnswerInfo) -> str:
    """What was read and written, as far as it is known."""
    if not info.prompt_tokens:
        return f"{counted(info.recall_tokens, 'token')} of memories" if info.recall_tokens else ""
    speed = f" · {info.answer_tokens / info.seconds:.0f} a second" if info.seconds > 0.05 else ""
    recalled = f", {info.recall_tokens:,} of them memories" if info.recall_tokens else ""
    return f"{info.prompt_tokens:,} tokens read{recalled} · {info.answer_tokens:,} written{speed}"
