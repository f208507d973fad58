"""
Titles of chats, made once by the model, in the chat's language, while nobody waits for an answer.

    quiet chat without a title ──> base model, in the background ──> a few words ──> its label

The request is no chat: nothing of it is recorded or recalled. A chat keeps its first words for a title until then, and
where the model finds none that can be used, for good. A tiny model is not asked: it was taught other tasks alone.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from daemon.core import Core
from daemon.engine.client import Sampling
from daemon.engine.errors import EngineError
from daemon.text import shorten, split_file
from prompts.load import schema, task
from store import chat_labels, message_queries
from store.chats import Message
from store.jobs import Job

AT_A_TIME = 20  # chats in one round
QUESTION, ANSWER = 800, 400  # characters of the first of each that are shown
MOST_TOKENS = 60
EDGES = " \t\"'“”„«»‚‘’`*_#.。:："  # that no title begins or ends with


class Titles:
    """The job that names chats."""

    def __init__(self, core: Core, *, quiet_s: float, by_itself: bool, tiny: bool) -> None:
        """`by_itself`: False: only when a job is ordered. `tiny`: the model that serves says so of itself."""
        self._core = core
        self._quiet_s = quiet_s
        self._by_itself = by_itself and not tiny
        self._tiny = tiny

    async def due(self) -> dict[str, Any] | None:
        """A payload when a quiet chat has no title, and a model serves that can give one."""
        return {} if self._by_itself and await self._untitled(1) else None

    async def work(self, job: Job) -> None:
        """Name the newest chats that have no title."""
        if self._tiny:
            return
        run = self._core.store_thread.run
        for chat_id in await self._untitled(AT_A_TIME):
            title = await self._title(await run(message_queries.branch, chat_id))
            still = await run(partial(message_queries.latest_chats, n=1, among=[chat_id]))
            if still:  # it may have been forgotten meanwhile
                await run(chat_labels.rename, chat_id, title, by=chat_labels.MODEL)

    async def _untitled(self, n: int) -> list[int]:
        before = datetime.now(UTC) - timedelta(seconds=self._quiet_s)
        return await self._core.store_thread.run(chat_labels.untitled, before=before, n=n)

    async def _title(self, messages: Sequence[Message]) -> str:
        """What the model calls it; "" where that can't be used."""
        asked = next((split_file(one.text)[0] for one in messages if one.role == "user"), "")
        said = next((one.text for one in messages if one.role == "assistant"), "")
        shown = f"User: {_line(asked, QUESTION)}\nAssistant: {_line(said, ANSWER)}"
        turns = [*task("title", taught=False), {"role": "user", "content": shown}]
        try:
            found = await self._core.engine.complete(
                turns,
                sampling=Sampling(temperature=0.0, max_tokens=MOST_TOKENS),
                schema=schema("title"),
                adapter="base",
                background=True,
            )
            title = json.loads(found.text)["title"]
        except (EngineError, ValueError, KeyError, TypeError):
            return ""
        return " ".join(str(title).split()).strip(EDGES)


def _line(text: str, most: int) -> str:
    return shorten(" ".join(text.split()), most)
