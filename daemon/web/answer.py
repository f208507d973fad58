"""
One turn of the chat as it is drawn: a question that can be edited, an answer that grows, with its tools below.

Knows nothing of how an answer is got: the chat does.
"""

import json
from typing import TYPE_CHECKING

from nicegui import ui

from daemon.web import icons, parts
from daemon.web.markdown import markdown, show
from daemon.web.talk import Said
from daemon.web.why import Why

if TYPE_CHECKING:
    from daemon.web.chat import Chat


def turn_view(chat: "Chat", said: Said) -> None:
    """Draw one turn that is complete."""
    if said.role == "user":
        QuestionView(chat, said)
    elif said.role == "assistant":
        AnswerView(chat, said).finish()
    else:
        with parts.box("turn system"):
            parts.text(said.text, "soft small")


class QuestionView:
    """What the user said."""

    def __init__(self, chat: "Chat", said: Said) -> None:
        self._chat = chat
        self._said = said
        self._box = parts.box("turn user", tag="article")
        self._box.props["aria-label"] = said.speaker or "You"
        self._draw()

    def _draw(self) -> None:
        self._box.clear()
        with self._box:
            if self._said.speaker:
                parts.text(self._said.speaker, "speaker")
            parts.text(self._said.text, "bubble", tag="div")
            with parts.box("tools"):
                if not self._chat.talk.sealed:
                    parts.icon_button("Edit the question", self._edit, picture="edit")
                parts.icon_button("Copy the question", lambda: copy(self._said.text), picture="copy")

    def _edit(self) -> None:
        self._box.clear()
        with self._box, parts.box("editing"):
            field = parts.field("Your question, in other words", value=self._said.text, lines=2)
            with parts.box("actions"):
                parts.button("Cancel", self._draw)
                parts.button(
                    "Ask this instead", lambda: self._chat.ask_instead(self._said, field.value), kind="main"
                )


class AnswerView:
    """What the assistant says; `grow` it, then `finish` it."""

    def __init__(self, chat: "Chat", said: Said) -> None:
        self._chat = chat
        self._said = said
        with parts.box("turn assistant", tag="article") as box:
            box.props["aria-label"] = said.speaker or "Tsubasa"
            icons.icon("wing", classes="face")
            with parts.box("answer"):
                self._text = markdown(said.text)
                self._waiting = parts.box("waiting").props('role=img aria-label="Thinking"')
                with self._waiting:
                    for _ in range(3):
                        parts.box(tag="span")
                self._below = parts.box("below")
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
                parts.text("Stopped.", "soft small")
            elif self._said.cut:
                parts.problem(self._said.cut)
            if not self._said.beside.kept:
                parts.text("Not kept.", "soft small")
            with parts.box("tools"):
                parts.icon_button("Copy the answer", lambda: copy(self._said.text), picture="copy")
                if not self._chat.talk.sealed:
                    parts.icon_button(
                        "Another answer", lambda: self._chat.ask_again(self._said), picture="retry"
                    )
                why = Why(self._chat, self._said)
            why.panel()


def copy(text: str) -> None:
    """Put `text` into the clipboard of the visitor."""
    ui.run_javascript(f"tsubasa.copy({json.dumps(text)})")
    parts.say("Copied.")
