"""
What the parts of the chat (header, history, messages, why) may ask of it.

A module of its own, so that the chat imports its parts and no part imports the chat.
"""

from typing import Protocol

from daemon.client.schemas.status import Status
from daemon.client.transport import AsyncClient
from daemon.web.chat.state import ChatState, Turn


class ChatActions(Protocol):
    """The chat, as its parts see it."""

    backend: AsyncClient
    state: ChatState
    status: Status | None  # of the daemon, once it is known

    async def start(self, *, private: bool = False) -> None:
        """Begin a new chat."""

    async def continue_with(self, chat_id: int, *, branch: int | None = None) -> None:
        """Go on with a past chat, where it was continued last, or down the branch through a message."""

    async def may_leave(self) -> bool:
        """Whether this chat may be left: one off the record is gone then, so that is asked first."""

    async def refresh(self) -> None:
        """Take over what has changed of the chat that is shown."""

    async def ask(self, question: str) -> None:
        """Send a question, and show the answer as it comes."""

    async def ask_again(self, answer: Turn) -> None:
        """Get another answer to the same question."""

    async def go_on(self, answer: Turn) -> None:
        """Have an answer that ended early go on where it stopped."""

    async def ask_instead(self, question: Turn, text: str) -> None:
        """Put the question in other words; all after it is dropped here."""

    def toggle_history(self) -> None:
        """Show or hide the earlier chats, where the window is too narrow for both."""
