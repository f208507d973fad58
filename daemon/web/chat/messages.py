"""The messages of the chat as they are drawn: questions that can be edited, answers that grow, each with its tools."""

import json
from typing import Protocol

from nicegui import ui

from daemon.web.chat.actions import ChatActions
from daemon.web.chat.state import Turn
from daemon.web.chat.why import Why
from daemon.web.components import dom, icons
from daemon.web.components.markdown import markdown, show


class View(Protocol):
    """One turn as it is drawn."""

    def show_branches(self) -> None:
        """Show what else stands in its place, as far as that is known by now."""


def draw_turn(chat: ChatActions, turn: Turn) -> View | None:
    """Draw one turn that is complete."""
    if turn.role == "user":
        return QuestionView(chat, turn)
    if turn.role == "assistant":
        view = AnswerView(chat, turn)
        view.finish()
        return view
    with dom.box("turn system"):
        dom.text(turn.text, "soft small")
        arrows = Branches(chat, turn)
    arrows.show_branches()
    return arrows


class Branches:
    """Arrows to what else was said in the place of a turn: ‹ 1 / 2 ›."""

    def __init__(self, chat: ChatActions, turn: Turn) -> None:
        self._chat = chat
        self._turn = turn
        self._shown: tuple[int | None, list[int]] = (None, [])
        self._box = dom.box("branches", label="Versions").props("role=group")
        self._box.set_visibility(False)

    def show_branches(self) -> None:
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
        self._box.clear()
        with self._box:
            if self._turn.speaker:
                dom.text(self._turn.speaker, "speaker")
            dom.text(self._turn.text, "bubble", tag="div")
            with dom.box("tools"):
                self._branches = Branches(self._chat, self._turn)
                if not self._chat.state.sealed:
                    dom.icon_button("Edit the question", self._edit, picture="edit")
                dom.icon_button("Copy the question", lambda: _copy(self._turn.text), picture="copy")

        self.show_branches()

    def show_branches(self) -> None:
        """Show what else was asked in its place."""
        if not self._is_edited:
            self._branches.show_branches()

    def _edit(self) -> None:
        async def ask_this() -> None:
            await self._chat.ask_instead(self._turn, field.value)

        self._is_edited = True
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
        self._branches: Branches | None = None  # until it is complete
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
                self._branches = Branches(self._chat, self._turn)
                dom.icon_button("Copy the answer", lambda: _copy(self._turn.text), picture="copy")
                if not self._chat.state.sealed:
                    dom.icon_button("Another answer", self._again, picture="retry")
                why = Why(self._chat, self._turn)
            why.panel()
        self.show_branches()

    def show_branches(self) -> None:
        """Show which other answers there are."""
        if self._branches is not None:
            self._branches.show_branches()

    async def _again(self) -> None:
        await self._chat.ask_again(self._turn)


def _copy(text: str) -> None:
    """Put `text` into the clipboard of the visitor."""
    ui.run_javascript(f"tsubasa.copy({json.dumps(text)})")
    dom.notify("Copied.")
