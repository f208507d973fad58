"""The messages of the chat as they are drawn: questions that can be edited, answers that grow, each with its tools."""

import json
from collections.abc import Sequence
from typing import Protocol

from nicegui import ui

from daemon.client.schemas.chats import Noted
from daemon.text import counted, split_file, with_file
from daemon.web.chat.actions import ChatActions
from daemon.web.chat.feedback import Thumbs
from daemon.web.chat.state import STOPPED, TOO_LONG, Turn, parts_of
from daemon.web.chat.why import Why
from daemon.web.components import dom, icons
from daemon.web.components.markdown import markdown, show
from daemon.web.memories.noted import show_noted


class View(Protocol):
    """One turn as it is drawn."""

    def show_news(self) -> None:
        """Show what became known of it: what else stands in its place, and what was noted of it."""


def draw_turn(chat: ChatActions, turn: Turn) -> View | None:
    """Draw one turn that is complete."""
    if turn.role == "user":
        return QuestionView(chat, turn)
    if turn.role == "assistant":
        view = AnswerView(chat, turn)
        view.finish()
        return view
    with dom.box(f"turn {'result' if turn.role == 'tool' else 'system'}"):
        if turn.role == "tool":
            with dom.details("What a tool gave back", "folded"):
                dom.text(turn.text, "mono small", tag="pre")
        else:
            dom.text(turn.text, "soft small")
        arrows = Branches(chat, turn)
    arrows.show_news()
    return arrows


class Branches:
    """Arrows to what else was said in the place of a turn: ‹ 1 / 2 ›."""

    def __init__(self, chat: ChatActions, turn: Turn) -> None:
        self._chat = chat
        self._turn = turn
        self._shown: tuple[int | None, list[int]] = (None, [])
        self._box = dom.box("branches", label="Versions").props("role=group")
        self._box.set_visibility(False)

    def show_news(self) -> None:
        """Draw them, where there is anything else."""
        turn, ids = self._turn, list(self._turn.siblings)
        if self._shown == (turn.id, ids):
            return
        self._shown = (turn.id, ids)
        self._box.clear()
        self._box.set_visibility(len(ids) > 1)
        if turn.id not in ids:
            return
        at = ids.index(turn.id)
        with self._box:
            self._arrow("The version before", "before", ids[at - 1] if at else None)
            dom.text(f"{at + 1}/{len(ids)}", "soft small number", tag="span")
            self._arrow("The next version", "after", ids[at + 1] if at + 1 < len(ids) else None)

    def _arrow(self, name: str, picture: str, to: int | None) -> None:
        async def go() -> None:
            if to is not None and self._chat.state.chat_id is not None:
                await self._chat.continue_with(self._chat.state.chat_id, branch=to)

        button = dom.icon_button(name, go, picture=picture)
        if to is None:
            button.props["disabled"] = True


class QuestionView:
    """What the user said."""

    def __init__(self, chat: ChatActions, turn: Turn) -> None:
        self._chat = chat
        self._turn = turn
        self._box = dom.box("turn user", tag="article", label=turn.speaker or "You")
        self._draw()

    def _draw(self) -> None:
        self._is_edited = False
        self._shown: Sequence[Noted] = ()  # of what was noted
        self._box.clear()
        with self._box:
            if self._turn.speaker:
                dom.text(self._turn.speaker, "speaker")
            asked, name, file = split_file(self._turn.text)
            dom.text(asked, "bubble", tag="div")
            if name:
                with dom.details(f"{name}, {counted(len(file.split()), 'word')}", "folded attached"):
                    dom.text(file, "small", tag="pre")
            with dom.box("tools"):
                self._branches = Branches(self._chat, self._turn)
                if not self._chat.state.sealed:
                    dom.icon_button("Edit the question", self._edit, picture="edit")
                dom.icon_button("Copy the question", lambda: _copy(asked), picture="copy")
            self._noted = dom.box("noted-list", label="What was noted").props("role=group")
        self.show_news()

    def show_news(self) -> None:
        """Show what else was asked in its place, and what was noted of it."""
        if self._is_edited:
            return
        self._branches.show_news()
        if self._shown != self._turn.noted:
            self._shown = self._turn.noted
            self._noted.clear()
            with self._noted:
                show_noted(self._chat.backend, self._shown, self._chat.refresh)

    def _edit(self) -> None:
        async def ask_this() -> None:
            words = field.value.strip()
            await self._chat.ask_instead(
                self._turn, with_file(words, name, file) if name and words else words
            )

        asked, name, file = split_file(self._turn.text)

        self._is_edited = True
        self._box.clear()
        with self._box, dom.box("editing"):
            field = dom.Field("Your question, in other words", value=asked, lines=2)
            with dom.box("actions"):
                dom.button("Cancel", self._draw)
                dom.button("Send", ask_this, kind="main")


class AnswerView:
    """What the assistant says; `grow` it, then `finish` it."""

    def __init__(self, chat: ChatActions, turn: Turn) -> None:
        self._chat = chat
        self._turn = turn
        with dom.box("turn assistant", tag="article", label=turn.speaker or "Tsubasa") as self._box:
            icons.icon("wing", classes="face")
            with dom.box("answer"):
                self._thoughts = dom.details("Thoughts", "folded thoughts")
                with self._thoughts:
                    self._thought = dom.text(turn.thought, "soft small", tag="pre")
                self._thoughts.set_visibility(bool(turn.thought))
                self._text = markdown(parts_of(turn.text)[0])
                with dom.box("waiting", label="Thinking").props("role=img") as self._waiting:
                    for _ in range(3):
                        dom.box(tag="span")
                self._below = dom.box("below")
        self._branches: Branches | None = None  # until it is complete
        self._box.props["aria-busy"] = "true"

    def grow(self) -> None:
        """Show what there is by now."""
        if self._turn.thought:
            self._thoughts.set_visibility(True)
            self._thought.set_text(self._turn.thought)
        if self._turn.text:
            self._waiting.set_visibility(False)
            show(self._text, parts_of(self._turn.text)[0])

    def finish(self) -> None:
        """Show all of it, and what can be done with it."""
        self.grow()
        self._waiting.set_visibility(False)
        self._box.props["aria-busy"] = "false"
        self._box.update()
        with self._below:
            for name, arguments in parts_of(self._turn.text)[1]:
                with dom.details(f"It called {name}", "folded"):
                    dom.text(arguments, "mono small", tag="pre")
            self._say_why_cut()
            if not self._turn.info.kept:
                dom.text("Not kept.", "soft small")
            with dom.box("tools"):
                self._branches = Branches(self._chat, self._turn)
                dom.icon_button("Copy the answer", lambda: _copy(self._turn.text), picture="copy")
                if not self._chat.state.sealed:
                    dom.icon_button("Try again", self._again, picture="retry")
                self._thumbs = Thumbs(self._chat, self._turn)
                why = Why(self._chat, self._turn)
            why.panel()
        self.show_news()

    def show_news(self) -> None:
        """Show which other answers there are."""
        if self._branches is not None:
            self._branches.show_news()
            self._thumbs.show_news()

    def _say_why_cut(self) -> None:
        cut = self._turn.cut
        if not cut:
            return
        with dom.box("row cut"):
            if cut in (STOPPED, TOO_LONG):
                dom.text(cut, "soft small")
            else:
                dom.problem(cut)
            if self._turn.text and not self._chat.state.sealed:
                dom.button("Continue", lambda: self._chat.go_on(self._turn), kind="link", picture="after")

    async def _again(self) -> None:
        await self._chat.ask_again(self._turn)


def _copy(text: str) -> None:
    """Put `text` into the clipboard of the visitor."""
    ui.run_javascript(f"tsubasa.copy({json.dumps(text)})")
    dom.notify("Copied.")
