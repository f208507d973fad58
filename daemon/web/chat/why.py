"""
Under each answer: what lay beside the question, which generation answered, and what the base model would say.

Promises: looked up when it is opened, so that it tells what holds now; a memory that was forgotten since is said
to be. Knows nothing of how recall works.
"""

from datetime import date
from typing import TYPE_CHECKING, Any

from nicegui import ui

from daemon.errors import Refused
from daemon.text import counted
from daemon.web.chat.state import FORGOTTEN, Beside, Said
from daemon.web.components import basic, icons
from daemon.web.components.markdown import markdown

if TYPE_CHECKING:
    from daemon.web.chat.page import Chat

GONE = 404
QUOTED = 240  # characters of a message


class Why:
    """The button, and the panel that it opens."""

    def __init__(self, chat: "Chat", said: Said) -> None:
        self._chat = chat
        self._said = said
        self._is_open = False
        self._button = ui.element("button").classes("why-button").props("type=button aria-expanded=false")
        with self._button:
            icons.icon("why")
            basic.text(self._line(), tag="span")
        basic.on(self._button, "click", self._toggle)

    def panel(self) -> None:
        """Where the reasons will be; closed at first."""
        self._panel = basic.box("why", tag="section")
        self._panel.props["aria-label"] = "Why this answer"
        self._panel.set_visibility(False)

    def _line(self) -> str:
        beside = self._said.beside
        if not beside.known:
            return "Why"
        n = len(beside.memories)
        used = counted(n, "memory", "memories") if n else "no memories"
        return f"Why: {used}"

    async def _toggle(self) -> None:
        self._is_open = not self._is_open
        self._button.props["aria-expanded"] = "true" if self._is_open else "false"
        self._button.update()
        self._panel.set_visibility(self._is_open)
        self._panel.clear()  # what it told may be forgotten when it is opened again
        if self._is_open:
            await self._fill()

    async def _fill(self) -> None:
        beside = self._said.beside
        memories = [await self._memory(number) for number in beside.memories]
        messages = [await self._message(number) for number in beside.messages]
        if not self._is_open:
            return
        self._panel.clear()
        with self._panel:
            self._told(memories, messages)
            self._numbers()
            self._base = basic.box("base")
            with self._base:
                basic.button("What would the base model say?", self._ask_base, picture="spark")

    def _told(self, memories: list[dict[str, Any] | None], messages: list[dict[str, Any] | None]) -> None:
        if not self._said.beside.known:
            basic.text("What lay beside this question was not kept at that time.", "soft")
        elif not memories and not messages and self._said.beside.recall_tokens:
            basic.text("What lay beside this question was forgotten since.", "soft")
        elif not memories and not messages:
            basic.text("Nothing that you told before was laid beside this question.", "soft")
        if memories:
            basic.text("Memories that lay beside the question", tag="h2")
        with basic.box("why-list", tag="ul"):
            for number, memory in zip(self._said.beside.memories, memories, strict=True):
                with ui.element("li"):
                    if memory is None:
                        basic.text(f"Memory {number} was forgotten since.", "soft")
                    else:
                        basic.link(memory["text"], f"/memories?memory={number}")
                        basic.text(_told_on(memory["told_on"]), "soft small", tag="span")
        if messages:
            basic.text("Messages that were quoted", tag="h2")
        for message in messages:
            text = message["text"] if message else "A message that was forgotten since."
            basic.text(text if len(text) <= QUOTED else text[: QUOTED - 1] + "…", "quoted", tag="blockquote")

    def _numbers(self) -> None:
        beside = self._said.beside
        with basic.box("why-numbers"):
            if beside.generation is not None:
                name = f"Generation {beside.generation}" if beside.generation else "Base model"
                basic.link(name, "/nights", picture="nights")
            if told := _tokens(beside):
                basic.text(told, "soft small number", tag="span")

    async def _ask_base(self) -> None:
        self._base.clear()
        with self._base:
            basic.text("The base model, without memories", tag="h2")
            waiting = basic.text("Asking …", "soft")
        question = self._chat.talk.question_of(self._said)
        told = await self._chat.desk.ask(lambda client: client.ask(0, question))
        waiting.delete()
        with self._base:
            markdown(told["answer"], "base-answer")

    async def _memory(self, number: int) -> dict[str, Any] | None:
        try:
            return dict((await self._chat.desk.ask(lambda client: client.why(number)))["memory"])
        except Refused as error:
            if error.status == GONE:
                return None
            raise

    async def _message(self, number: int) -> dict[str, Any] | None:
        try:
            found = dict((await self._chat.desk.ask(lambda client: client.message(number)))["message"])
            return None if found["text"] == FORGOTTEN else found
        except Refused as error:
            if error.status == GONE:
                return None
            raise


def _told_on(day: str) -> str:
    when = date.fromisoformat(day)
    return f"told on {when.day} {when:%B %Y}"


def _tokens(beside: Beside) -> str:
    """What was read and written, as far as it is known."""
    if not beside.prompt_tokens:
        return f"{counted(beside.recall_tokens, 'token')} of memories" if beside.recall_tokens else ""
    speed = f" · {beside.answer_tokens / beside.seconds:.0f} a second" if beside.seconds > 0.05 else ""
    recalled = f", {beside.recall_tokens:,} of them memories" if beside.recall_tokens else ""
    return f"{beside.prompt_tokens:,} tokens read{recalled} · {beside.answer_tokens:,} written{speed}"
