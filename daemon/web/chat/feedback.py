"""
Thumbs under an answer: what the person thinks of it, and how it should have been. Nothing of it is taught.
"""

from daemon.client import calls
from daemon.web.chat.actions import ChatActions
from daemon.web.chat.state import Turn
from daemon.web.components import dom

NAMES = {"up": "A good answer", "down": "A bad answer"}
VALUES = {"up": 1, "down": -1}


class Thumbs:
    """Two buttons, of an answer that is kept; the one that was chosen is pressed."""

    def __init__(self, chat: ChatActions, turn: Turn) -> None:
        self._chat, self._turn = chat, turn
        self._box = dom.box("thumbs", label="What you think of it").props("role=group")
        self._shown: tuple[int | None, int] | None = None
        self.show_news()

    def show_news(self) -> None:
        """Draw them, once the answer is kept."""
        turn = self._turn
        thumb = turn.feedback["thumb"] if turn.feedback else 0
        if self._shown == (turn.id, thumb):
            return
        self._shown = (turn.id, thumb)
        self._box.clear()
        self._box.set_visibility(turn.id is not None and turn.info.kept)
        with self._box:
            for name in NAMES:
                self._button(name, is_on=thumb == VALUES[name])

    def _button(self, name: str, *, is_on: bool) -> None:
        async def press() -> None:
            if is_on:
                await self._say(None)
            elif name == "up":
                await self._say(name)
            else:
                await self._ask_for_better()

        button = dom.icon_button(NAMES[name], press, picture=name)
        button.props["aria-pressed"] = "true" if is_on else "false"

    async def _ask_for_better(self) -> None:
        with dom.dialog("A bad answer") as dialog:
            dom.text("How should it have been?", tag="h2")
            dom.text("You may leave it empty. It is kept for you to see, and never taught.", "soft")
            field = dom.Field("Better", lines=3, name="better")
            with dom.box("actions"):
                dom.button("Cancel", dialog.close)
                dom.button("Say so", lambda: dialog.submit((field.value,)), kind="main")
        answer = await dom.answer_of(dialog)
        if answer is not None:
            await self._say("down", correction=answer[0].strip())

    async def _say(self, thumb: str | None, *, correction: str = "") -> None:
        if self._turn.id is not None:
            call = calls.give_feedback(self._turn.id, thumb, correction=correction)
            self._turn.feedback = (await self._chat.backend.ask(call))["feedback"]
            dom.notify("Taken back." if thumb is None else "Thank you. It is in the audit of the memories.")
            self.show_news()
