"""The messages of the chat as they are drawn: questions that can be edited, answers that grow, each with its tools."""

import json

from nicegui import ui

from daemon.web.chat.actions import ChatActions
from daemon.web.chat.state import Turn
from daemon.web.chat.why import Why
from daemon.web.components import dom, icons
from daemon.web.components.markdown import markdown, show


def draw_turn(chat: ChatActions, turn: Turn) -> None:
    """Draw one turn that is complete."""
    if turn.role == "user":
        QuestionView(chat, turn)
    elif turn.role == "assistant":
        AnswerView(chat, turn).finish()
    else:
        with dom.box("turn system"):
            dom.text(turn.text, "soft small")


class QuestionView:
    """What the user said."""

    def __init__(self, chat: ChatActions, turn: Turn) -> None:
        self._chat = chat
        self._turn = turn
        self._box = dom.box("turn user", tag="article", label=turn.speaker or "You")
        self._draw()

    def _draw(self) -> None:
        self._box.clear()
        with self._box:
            if self._turn.speaker:
                dom.text(self._turn.speaker, "speaker")
            dom.text(self._turn.text, "bubble", tag="div")
            with dom.box("tools"):
                if not self._chat.state.sealed:
                    dom.icon_button("Edit the question", self._edit, picture="edit")
                dom.icon_button("Copy the question", lambda: _copy(self._turn.text), picture="copy")

    def _edit(self) -> None:
        async def ask_this() -> None:
            await self._chat.ask_instead(self._turn, field.value)

        self._box.clear()
        with self._box, dom.box("editing"):
            field = dom.Field("Your question, in other words", value=self._turn.text, lines=2)
            with dom.box("actions"):
                dom.button("Cancel", self._draw)
                dom.button("Ask this instead", ask_this, kind="main")


class AnswerView:
    """What the assistant says; `grow` it, then `finish` it."""

    def __init__(self, chat: ChatActions, turn: Turn) -> None:
        self._chat = chat
        self._turn = turn
        with dom.box("turn assistant", tag="article", label=turn.speaker or "Tsubasa") as self._box:
            icons.icon("wing", classes="face")
            with dom.box("answer"):
                self._text = markdown(turn.text)
                with dom.box("waiting", label="Thinking").props("role=img") as self._waiting:
                    for _ in range(3):
                        dom.box(tag="span")
                self._below = dom.box("below")
        self._box.props["aria-busy"] = "true"

    def grow(self) -> None:
        """Show what there is by now."""
        if self._turn.text:
            self._waiting.set_visibility(False)
            show(self._text, self._turn.text)

    def finish(self) -> None:
        """Show all of it, and what can be done with it."""
        self.grow()
        self._waiting.set_visibility(False)
        self._box.props["aria-busy"] = "false"
        self._box.update()
        with self._below:
            if self._turn.cut == "Stopped.":
                dom.text("Stopped.", "soft small")
            elif self._turn.cut:
                dom.problem(self._turn.cut)
            if not self._turn.info.kept:
                dom.text("Not kept.", "soft small")
            with dom.box("tools"):
                dom.icon_button("Copy the answer", lambda: _copy(self._turn.text), picture="copy")
                if not self._chat.state.sealed:
                    dom.icon_button("Another answer", self._again, picture="retry")
                why = Why(self._chat, self._turn)
            why.panel()

    async def _again(self) -> None:
        await self._chat.ask_again(self._turn)


def _copy(text: str) -> None:
    """Put `text` into the clipboard of the visitor."""
    ui.run_javascript(f"tsubasa.copy({json.dumps(text)})")
    dom.notify("Copied.")
