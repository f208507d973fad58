"""
One turn of the chat as it is drawn: a question that can be edited, an answer that grows, with its tools below.

Knows nothing of how an answer is got: the chat does.
"""

import json
from typing import TYPE_CHECKING

from nicegui import ui

from daemon.web.chat.state import Said
from daemon.web.chat.why import Why
from daemon.web.components import basic, icons
from daemon.web.components.markdown import markdown, show

if TYPE_CHECKING:
    from daemon.web.chat.page import Chat


def turn_view(chat: "Chat", said: Said) -> None:
    """Draw one turn that is complete."""
    if said.role == "user":
        QuestionView(chat, said)
    elif said.role == "assistant":
        AnswerView(chat, said).finish()
    else:
        with basic.box("turn system"):
            basic.text(said.text, "soft small")


class QuestionView:
    """What the user said."""

    def __init__(self, chat: "Chat", said: Said) -> None:
        self._chat = chat
        self._said = said
        self._box = basic.box("turn user", tag="article")
        self._box.props["aria-label"] = said.speaker or "You"
        self._draw()

    def _draw(self) -> None:
        self._box.clear()
        with self._box:
            if self._said.speaker:
                basic.text(self._said.speaker, "speaker")
            basic.text(self._said.text, "bubble", tag="div")
            with basic.box("tools"):
                if not self._chat.talk.sealed:
                    basic.icon_button("Edit the question", self._edit, picture="edit")
                basic.icon_button("Copy the question", lambda: copy(self._said.text), picture="copy")

    def _edit(self) -> None:
        self._box.clear()
        with self._box, basic.box("editing"):
            field = basic.field("Your question, in other words", value=self._said.text, lines=2)
            with basic.box("actions"):
                basic.button("Cancel", self._draw)
                basic.button(
                    "Ask this instead", lambda: self._chat.ask_instead(self._said, field.value), kind="main"
                )


class AnswerView:
    """What the assistant says; `grow` it, then `finish` it."""

    def __init__(self, chat: "Chat", said: Said) -> None:
        self._chat = chat
        self._said = said
        with basic.box("turn assistant", tag="article") as box:
            box.props["aria-label"] = said.speaker or "Tsubasa"
            icons.icon("wing", classes="face")
            with basic.box("answer"):
                self._text = markdown(said.text)
                self._waiting = basic.box("waiting").props('role=img aria-label="Thinking"')
                with self._waiting:
                    for _ in range(3):
                        basic.box(tag="span")
                self._below = basic.box("below")
        self._box = box
        self._box.props["aria-busy"] = "true"

    def grow(self) -> None:
        """Show what there is by now."""
        if self._said.text:
            self._waiting.set_visibility(False)
            show(self._text, self._said.text)

    def finish(self) -> None:
        """Show all of it, and what can be done with it."""
        self.grow()
        self._waiting.set_visibility(False)
        self._box.props["aria-busy"] = "false"
        self._box.update()
        with self._below:
            if self._said.cut == "Stopped.":
                basic.text("Stopped.", "soft small")
            elif self._said.cut:
                basic.problem(self._said.cut)
            if not self._said.beside.kept:
                basic.text("Not kept.", "soft small")
            with basic.box("tools"):
                basic.icon_button("Copy the answer", lambda: copy(self._said.text), picture="copy")
                if not self._chat.talk.sealed:
                    basic.icon_button(
                        "Another answer", lambda: self._chat.ask_again(self._said), picture="retry"
                    )
                why = Why(self._chat, self._said)
            why.panel()


def copy(text: str) -> None:
    """Put `text` into the clipboard of the visitor."""
    ui.run_javascript(f"tsubasa.copy({json.dumps(text)})")
    basic.say("Copied.")
