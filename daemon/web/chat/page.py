"""
The chat: ask, read along, stop, ask again; and whether it is on the record.

An answer that is under way when its visitor leaves the page is finished and kept; one off the record is stopped and
gone. A question that failed can be sent again.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing

from nicegui import ui

from daemon.client import calls
from daemon.client.schemas.status import Status
from daemon.errors import DaemonError, Refused
from daemon.text import counted, with_file
from daemon.web.chat.attachments import Attachment
from daemon.web.chat.composer import Composer
from daemon.web.chat.greeting import greeting
from daemon.web.chat.header import ChatHeader
from daemon.web.chat.history import ChatHistory
from daemon.web.chat.messages import AnswerView, View, draw_turn
from daemon.web.chat.state import STOPPED, ChatState, Turn, add_chunk, continue_chat
from daemon.web.components import dom
from daemon.web.layout import Visit

DRAWN = 40  # turns at first, of a long chat
LOOKS, LOOK_EVERY_S = 100, 0.05  # at most, for what is kept of a stopped answer
SHOWN_EVERY_S = 0.06  # at the soonest; long answers less often, because all of it is drawn each time
FOLLOWS_EVERY_S = 1.0  # looks for what was said elsewhere


def build(visit: Visit) -> None:
    """Build the page."""
    Chat(visit)


class Chat:
    """One visitor's chat."""

    def __init__(self, visit: Visit) -> None:
        self.backend = visit.backend
        self.state = ChatState(private=visit.query.get("private", "0") != "0")
        self.status: Status | None = None  # of the daemon, once it is known
        ui.context.client.on_delete(self._left)
        self._gone = False
        self._answering: AnswerView | None = None
        self._reading: asyncio.Task[None] | None = None
        self._changes = ""  # what the daemon said last of it
        self._views: dict[int, View] = {}  # by the `id()` of the turn
        with dom.box("chat") as self._box:
            with dom.box("chat-main"):
                self._header = ChatHeader(self)
                self._turns = dom.box("turns", label="Conversation").props("role=log aria-live=off")
                self._announced = dom.text("", "unseen").props("role=status aria-live=polite")
                self._composer = Composer(on_ask=self.ask, on_stop=self.stop)
            self._history = ChatHistory(self)
        self._show()
        ui.timer(0, lambda: self._begin(visit), once=True)
        ui.timer(FOLLOWS_EVERY_S, self._follow)

    async def _begin(self, visit: Visit) -> None:
        await self._header.fill()
        await self._history.fill()
        await self._look_up_status()
        if not self.state.turns:
            self._show()
        asked = visit.query.get("chat", "")
        if asked.isdigit() and not self.state.private:
            await self.continue_with(int(asked))

    async def _follow(self) -> None:
        """Take over what was said, renamed or forgotten in another tab or program."""
        try:
            changes = await self.backend.ask(calls.chat_changes())
        except DaemonError:  # the state in the corner says that nobody answers
            return
        before, self._changes = self._changes, changes
        if before and before != changes and not self._gone:
            if self._answering is None:
                await self._catch_up()
            await self._history.fill()

    async def may_leave(self) -> bool:
        """Whether this chat may be left: one off the record is gone then, so that is asked first."""
        return not (self.state.private and self.state.turns) or await self._header.confirm_leaving()

    async def refresh(self) -> None:
        """Take over what has changed of the chat that is shown."""
        if self._answering is None:
            await self._catch_up()

    async def _catch_up(self) -> None:
        """Draw what was said since, in this branch; the others are a click away."""
        state, chat_id = self.state, self.state.chat_id
        if chat_id is None or state.private:
            return
        try:
            found = await self.backend.ask(calls.past_chat(chat_id, branch=state.last_id))
        except Refused:  # all of it was forgotten
            return
        new = state.catch_up(found) if self._may_draw(state) else None
        for one in found["branches"]:
            if new is not None or not self._may_draw(state):
                break
            found = await self.backend.ask(calls.past_chat(chat_id, branch=one["last"]))
            new = state.catch_up(found) if self._may_draw(state) else None
        if new is None and self._may_draw(state):  # a part of it was forgotten
            await self.continue_with(chat_id)
        elif new is not None:
            self._show_new(new)

    def _may_draw(self, state: ChatState) -> bool:
        return self._is_shown(state) and self._answering is None

    def _show_new(self, new: Sequence[Turn]) -> None:
        with self._box:
            with self._turns:
                for turn in new:
                    self._view(turn)
            for view in self._views.values():
                view.show_news()
            self._header.show(self.state)

    async def _look_up_status(self) -> None:
        """Learn how the daemon is, and say whether chats are kept now."""
        self.status = await self.backend.ask(calls.status())
        if not self._gone:
            self._header.show(self.state)

    def _show(self) -> None:
        """Draw all turns again, and the tone of the page."""
        self._clear()
        with self._turns:
            if not self.state.turns:
                greeting(self.state, self.status, self.ask)
            self._draw(self.state.turns)
        self._header.show(self.state)
        self._composer.show(self.state)
        ui.run_javascript("tsubasa.toEnd()")

    async def start(self, *, private: bool = False) -> None:
        """A new chat."""
        self.stop()
        self.state = ChatState(private=private, model=self.state.chosen)
        self._history.mark(None)
        _set_address("/?private=1" if private else "/")
        self._show()
        await self._look_up_status()

    async def continue_with(self, chat_id: int, *, branch: int | None = None) -> None:
        """Go on with a past chat, where it was continued last, or down the branch through a message."""
        found = await self.backend.ask(calls.past_chat(chat_id, branch=branch))
        self.stop()
        self.state = continue_chat(found, model=self.state.chosen)
        self._history.mark(chat_id)
        _set_address(f"/?chat={chat_id}")
        self._show()

    async def ask(self, question: str, file: Attachment | None = None) -> None:
        """Send a question, with a file or without, and show the answer as it comes."""
        if self._may_ask() and question.strip():
            is_first = not self.state.turns
            words = question.strip()
            answer = self.state.ask(with_file(words, file.name, file.text) if file else words)
            if is_first:
                self._clear()
            with self._turns:
                self._view(self.state.turns[-2])
            await self._answer(answer)

    async def ask_again(self, answer: Turn) -> None:
        """Another answer to the same question."""
        if self._may_ask():
            new = self.state.ask_again(answer)
            self._draw_before(new)
            await self._answer(new, again=True)

    async def go_on(self, answer: Turn) -> None:
        """Have an answer that ended early go on where it stopped."""
        if self._may_ask():
            self.state.go_on(answer)
            self._draw_before(answer)
            await self._answer(answer, going_on=True)

    async def ask_instead(self, question: Turn, text: str) -> None:
        """The question in other words; all after it is dropped here, and stays in what is kept."""
        if self._may_ask() and text.strip():
            new = self.state.ask_instead(question, text.strip())
            self._draw_before(new)
            await self._answer(new)

    def toggle_history(self) -> None:
        """Show or hide the earlier chats."""
        self._history.toggle()

    def stop(self) -> None:
        """Ask no further; what was said until now is kept, if the chat is."""
        if self._reading is not None:
            self._reading.cancel()

    def _may_ask(self) -> bool:
        return self._answering is None and not self.state.sealed

    def _clear(self) -> None:
        self._turns.clear()
        self._views = {}

    def _draw_before(self, answer: Turn) -> None:
        """Draw all turns but `answer`, which is about to be."""
        self._clear()
        with self._turns:
            self._draw([turn for turn in self.state.turns if turn is not answer])

    def _view(self, turn: Turn) -> None:
        """Draw one turn that is complete."""
        if (view := draw_turn(self, turn)) is not None:
            self._views[id(turn)] = view

    def _draw(self, turns: Sequence[Turn]) -> None:
        """The last turns, and a way to the others."""
        earlier = turns[:-DRAWN]
        if earlier:
            with dom.box("above") as above:
                words = f"Show the {counted(len(earlier), 'message')} before"
                dom.button(words, lambda: self._draw_earlier(above, earlier))
        for turn in turns[-DRAWN:]:
            self._view(turn)

    def _draw_earlier(self, above: ui.element, turns: Sequence[Turn]) -> None:
        above.clear()
        with above:
            self._draw(turns)

    async def _answer(self, answer: Turn, *, again: bool = False, going_on: bool = False) -> None:
        state = self.state
        with self._box:  # the button that began this may be gone by now
            with self._turns:
                view = self._answering = self._views[id(answer)] = AnswerView(self, answer)
            self._header.show(state)
            self._composer.set_busy(True)
            ui.run_javascript("tsubasa.toEnd()")
            reading = self._read(state, answer, view, again=again, going_on=going_on)
            self._reading = asyncio.create_task(reading, name="read an answer")
            try:
                answer.cut = await self._wait_for_end(answer) or answer.cut
                if answer.cut and answer.info.kept and self._is_shown(state):
                    await self._settle(state, answer)
            finally:
                self._answering = None
                if not self._gone:
                    view.finish()
                    self._composer.set_busy(False)
                    self._announced.set_text("The answer is there." if not answer.cut else answer.cut)
            is_settled = answer.cut and answer.info.kept  # and listed for that
            if not is_settled and self._is_shown(state):
                await self._list(answer)
            if self._is_shown(state):
                await self._catch_up()

    async def _wait_for_end(self, answer: Turn) -> str:
        """Wait for the end of the answer; why it came early, empty when it did not."""
        began = time.monotonic()
        assert self._reading is not None
        try:
            await self._reading
        except asyncio.CancelledError:
            return STOPPED
        except DaemonError as error:
            return str(error)
        finally:
            self._reading = None
            answer.info.seconds = time.monotonic() - began
        return ""

    async def _settle(self, state: ChatState, answer: Turn) -> None:
        """Take over what was kept of an answer that ended early, so that the next question goes on there."""
        for _ in range(LOOKS):  # it is kept a moment after the daemon hears of the end
            status = await self.backend.ask(calls.status())
            if not self._is_shown(state) or not status["thinking"]["answers"]:
                break
            await asyncio.sleep(LOOK_EVERY_S)
        if self._is_shown(state):
            await self._list(answer)
            number = state.chat_id
            if number is not None:
                found = await self.backend.ask(calls.past_chat(number))
                state.settle(answer, found["messages"])

    def _is_shown(self, state: ChatState) -> bool:
        """Whether `state` is what the page shows still, and on the record."""
        return not self._gone and state is self.state and not state.private

    async def _list(self, answer: Turn) -> None:
        """Show the chat among the earlier ones, and its number in the address, so that it can be loaded again."""
        await self._history.fill()
        number = answer.info.chat
        if number is not None and number != self.state.chat_id:
            self.state.chat_id = number
            self._history.mark(number)
            _set_address(f"/?chat={number}")
            self._header.show(self.state)

    async def _read(
        self, state: ChatState, answer: Turn, view: AnswerView, *, again: bool, going_on: bool
    ) -> None:
        messages, model = state.to_send(going_on=going_on), state.model
        with self._box:
            await self._look_up_status()
        chunks = self.backend.chunks(messages, model=model, again=again)
        next_at = 0.0
        async with aclosing(chunks):
            async for chunk in chunks:
                add_chunk(answer, chunk)
                now = time.monotonic()
                if not self._gone and now >= next_at:
                    view.grow()
                    next_at = time.monotonic() + max(SHOWN_EVERY_S, 8 * (time.monotonic() - now))

    def _left(self) -> None:
        self._gone = True
        if self.state.private:
            self.stop()


def _set_address(address: str) -> None:
    ui.run_javascript(f"history.replaceState(null, '', {address!r})")
