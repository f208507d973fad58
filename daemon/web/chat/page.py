"""
The room of the chat: ask, read along, stop, ask again; and whether it is on the record.

Promises: an answer that is under way when its visitor goes to another room is finished and kept, one that is off
the record is stopped and gone; a question that failed can be sent again. Knows nothing of how answers are made.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from nicegui import ui

from daemon.errors import DaemonError
from daemon.web.chat.composer import Composer
from daemon.web.chat.empty_state import greeting
from daemon.web.chat.header import ChatHead
from daemon.web.chat.history import PastChats
from daemon.web.chat.messages import AnswerView, QuestionView, turn_view
from daemon.web.chat.state import BASE, Said, Talk, continued, take
from daemon.web.components import basic
from daemon.web.layout import Visit

DRAWN = 40  # turns at first, of a long chat
LOOKS, LOOK_EVERY_S = 100, 0.05  # at most, for what is kept of a stopped answer
SHOWN_EVERY_S = 0.06  # at the soonest; long answers are shown less often, for each time all of it is drawn


def build(visit: Visit) -> None:
    """Furnish the room."""
    Chat(visit)


class Chat:
    """One visitor's chat."""

    def __init__(self, visit: Visit) -> None:
        self.desk = visit.desk
        self.talk = Talk(private=visit.asked.get("private") == "1")
        self._client = ui.context.client
        self._client.on_delete(self._left)
        self.status: Mapping[str, Any] | None = None  # of the daemon, once it is known
        self._gone = False
        self._answering: AnswerView | None = None
        self._reading: asyncio.Task[None] | None = None
        self._room = basic.box("chat")
        with self._room:
            with basic.box("chat-main"):
                self.head = ChatHead(self)
                self._turns = basic.box("turns").props('role=log aria-live=off aria-label="Conversation"')
                self._said = basic.text("", "unseen").props("role=status aria-live=polite")
                self.composer = Composer(on_ask=self.ask, on_stop=self.stop)
            self.past = PastChats(self)
        self.show()
        ui.timer(0, lambda: self._begin(visit), once=True)

    async def _begin(self, visit: Visit) -> None:
        await self.head.fill()
        await self.past.fill()
        await self._look()
        if not self.talk.turns:
            self.show()
        asked = visit.asked.get("chat", "")
        if asked.isdigit() and not self.talk.private:
            await self.continue_with(int(asked))

    async def _look(self) -> None:
        """Learn how the daemon is, and say whether chats are kept now."""
        self.status = await self.desk.ask(lambda client: client.status())
        if not self._gone:
            self.head.show(self.talk)

    def show(self) -> None:
        """Draw all turns anew, and the tone of the page."""
        self._turns.clear()
        with self._turns:
            if not self.talk.turns:
                greeting(self.talk, self.status, self.ask)
            self._draw(self.talk.turns)
        self.head.show(self.talk)
        self.composer.show(self.talk)
        ui.run_javascript("tsubasa.toEnd()")

    async def start(self, *, private: bool = False) -> None:
        """A new chat."""
        self.stop()
        self.talk = Talk(private=private, model=self.talk.chosen)
        self.past.mark(None)
        self._address("/?private=1" if private else "/")
        self.show()
        await self._look()

    async def continue_with(self, chat_id: int) -> None:
        """Go on with a past chat."""
        found = await self.desk.ask(lambda client: client.past_chat(chat_id))
        self.stop()
        self.talk = continued(chat_id, found["messages"], model=self.talk.chosen)
        self.past.mark(chat_id)
        self._address(f"/?chat={chat_id}")
        self.show()

    async def ask(self, question: str) -> None:
        """Say something, and read the answer along."""
        if self._may_ask() and question.strip():
            is_first = not self.talk.turns
            answer = self.talk.ask(question.strip())
            if is_first:
                self._turns.clear()
            with self._turns:
                QuestionView(self, self.talk.turns[-2])
            await self._answer(answer)

    async def ask_again(self, answer: Said) -> None:
        """Another answer to the same question."""
        if self._may_ask():
            new = self.talk.ask_again(answer)
            self._show_before(new)
            await self._answer(new, again=True)

    async def ask_instead(self, question: Said, text: str) -> None:
        """The question in other words; all after it is dropped here, and stays in what is kept."""
        if self._may_ask() and text.strip():
            new = self.talk.ask_instead(question, text.strip())
            self._show_before(new)
            await self._answer(new)

    def stop(self) -> None:
        """Ask no further; what was said until now is kept, if the chat is."""
        if self._reading is not None:
            self._reading.cancel()

    def _may_ask(self) -> bool:
        return self._answering is None and not self.talk.sealed

    def _show_before(self, answer: Said) -> None:
        """Draw all turns but `answer`, which is about to be."""
        self._turns.clear()
        with self._turns:
            self._draw([said for said in self.talk.turns if said is not answer])

    def _draw(self, turns: Sequence[Said]) -> None:
        """The last turns, and a way to the others."""
        earlier = turns[:-DRAWN]
        if earlier:
            above = basic.box("above")
            with above:
                basic.button(
                    f"Show the {len(earlier)} messages before", lambda: self._show_earlier(above, earlier)
                )
        for said in turns[-DRAWN:]:
            turn_view(self, said)

    def _show_earlier(self, above: ui.element, turns: Sequence[Said]) -> None:
        above.clear()
        with above:
            self._draw(turns)

    async def _answer(self, answer: Said, *, again: bool = False) -> None:
        with self._room:  # the button that began this may be gone by now
            await self._followed(answer, again=again)

    async def _followed(self, answer: Said, *, again: bool) -> None:
        talk = self.talk
        with self._turns:
            view = self._answering = AnswerView(self, answer)
        self.head.show(talk)
        self.composer.busy(True)
        ui.run_javascript("tsubasa.toEnd()")
        self._reading = asyncio.create_task(
            self._read(talk, answer, view, again=again), name="read an answer"
        )
        try:
            answer.cut = await self._ended(answer) or answer.cut
            if answer.cut and answer.beside.kept and self._is_read(talk):
                await self._settle(talk, answer)
        finally:
            self._answering = None
            if not self._gone:
                view.finish()
                self.composer.busy(False)
                self._said.set_text("The answer is there." if not answer.cut else answer.cut)
        was_settled = answer.cut and answer.beside.kept  # and listed for that
        if not was_settled and self._is_read(talk):
            await self._list(answer)

    async def _ended(self, answer: Said) -> str:
        """Wait for the end of the answer; why it came early, empty when it did not."""
        began = time.monotonic()
        assert self._reading is not None
        try:
            await self._reading
        except asyncio.CancelledError:
            return "Stopped."
        except DaemonError as error:
            return str(error)
        finally:
            self._reading = None
            answer.beside.seconds = time.monotonic() - began
        return ""

    async def _settle(self, talk: Talk, answer: Said) -> None:
        """Take over what was kept of an answer that ended early, so that the next question goes on there."""
        for _ in range(LOOKS):  # it is kept a moment after the daemon hears of the end
            status = await self.desk.ask(lambda client: client.status())
            if not self._is_read(talk) or not status["thinking"]["answers"]:
                break
            await asyncio.sleep(LOOK_EVERY_S)
        if self._is_read(talk):
            await self._list(answer)
            number = talk.chat_id
            if number is not None:
                found = await self.desk.ask(lambda client: client.past_chat(number))
                talk.settle(answer, found["messages"])

    def _is_read(self, talk: Talk) -> bool:
        """Whether `talk` is what the page shows still, and on the record."""
        return not self._gone and talk is self.talk and not talk.private

    async def _list(self, answer: Said) -> None:
        """Show the chat among the earlier ones."""
        await self.past.fill()
        if answer.beside.known and answer.beside.kept:
            self._find_its_number()

    async def _read(self, talk: Talk, answer: Said, view: AnswerView, *, again: bool) -> None:
        sent, model = talk.sent(), talk.model
        with self._room:
            await self._look()
        chunks = self.desk.stream(lambda client: client.chunks(sent, model=model, again=again))
        next_at = 0.0
        async with aclosing(chunks):
            async for chunk in chunks:
                take(answer, chunk)
                now = time.monotonic()
                if not self._gone and now >= next_at:
                    view.grow()
                    next_at = time.monotonic() + max(SHOWN_EVERY_S, 8 * (time.monotonic() - now))

    def _find_its_number(self) -> None:
        """A new chat's number, so that the page can be loaded again; the newest that begins like it."""
        if self.talk.chat_id is None and self.talk.model != BASE:
            first = next((turn.text for turn in self.talk.turns if turn.role == "user"), "")
            self.talk.chat_id = self.past.newest_like(first)
            if self.talk.chat_id is not None:
                self.past.mark(self.talk.chat_id)
                self._address(f"/?chat={self.talk.chat_id}")
                self.head.show(self.talk)

    def _address(self, address: str) -> None:
        ui.run_javascript(f"history.replaceState(null, '', {address!r})")

    def _left(self) -> None:
        self._gone = True
        if self.talk.private:
            self.stop()
