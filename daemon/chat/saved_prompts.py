"""
Saved prompts: what the engine computed of a long system prompt, kept over its restarts once two chats began with it.

    a chat that is kept begins with it ──> bring: its engine is given what was saved, once in the life of its process
    a second one has ended ──> when nobody is being answered: that engine's state of just its tokens ──> prompt_files.py

What is saved is the system turns and tools of the client, as the template writes them, and nothing behind them: no
recalled memory, no user's turn, no answer. Only chats that are kept count, and bring anything back: private ones, those
of other users and of unknown models, and a paused day leave no trace. Who forgets deletes all of it, for a program may
have told the model of the user; it is saved again when it is asked again. No failure here fails a question.
"""

import asyncio
import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path

from daemon.chat.prompt_context import Turn
from daemon.engine.client import Engine, Prefix, Reasoning, Tools
from daemon.generations.service import Answering
from daemon.processes.errors import ChildError
from daemon.processes.foreground_gate import ForegroundGate
from store import prompt_files
from store.errors import StoreError
from store.prompt_files import PromptFiles

LEAST = 256  # tokens: fewer are computed in a moment; nor is a prompt of fewer letters looked at
MOST_KNOWN = (
    100  # prompts of which it is known that they were asked; some programs send another one each time
)
LOOK_EVERY_S = 0.5
LONGEST_S = 120.0  # that a save waits for answers to end; then the prompt is saved another time
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SystemPrompt:
    """The system turns and tools that one request begins with, and what computes them."""

    turns: tuple[Turn, ...]
    tools: Tools | None
    reasoning: Reasoning
    engine: Engine  # of the main model, or of one beside it
    model: str  # sha256 of its file
    adapter: str | None  # sha256; None: the base model

    @cached_property
    def digest(self) -> bytes:
        """The same for the same prompt."""
        tools = None if self.tools is None else asdict(self.tools)
        told = [turn.text for turn in self.turns]
        every = [told, tools, asdict(self.reasoning), self.model, self.adapter]
        return hashlib.sha256(json.dumps(every, default=str).encode()).digest()


def system_prompt(
    turns: Sequence[Turn], *, tools: Tools | None, reasoning: Reasoning, answering: Answering
) -> SystemPrompt | None:
    """What of a request's turns and tools is its system prompt; None where that is short."""
    system = tuple(takewhile(lambda turn: turn.role == "system", turns))
    letters = sum(len(turn.text) for turn in system)
    offered = 0 if tools is None else len(json.dumps(tools.offered, default=str))
    if letters + offered < LEAST:
        return None
    return SystemPrompt(
        turns=system,
        tools=tools,
        reasoning=reasoning,
        engine=answering.engine,
        model=answering.model.sha256,
        adapter=answering.engine.resolved(answering.adapter),
    )


class SavedPrompts:
    """The saved prompts of one home, of all models that answer in it."""

    def __init__(
        self, gate: ForegroundGate, folder: Path, key: Callable[[], bytes], *, most_bytes: int
    ) -> None:
        """
        Args:
            gate: nothing is saved while it counts answers under way: to take that out of the engine stops them.
            key: the store's; asked for in a thread when there is something to be read or saved.
            most_bytes: of all files together; 0: nothing is saved.
        """
        self._gate = gate
        self._folder, self._key, self._most_bytes = folder, key, most_bytes
        self._files: PromptFiles | None = None
        self._working = asyncio.Lock()  # one at a time reads, saves or deletes files
        self._first: OrderedDict[bytes, int] = (
            OrderedDict()
        )  # digest -> the first chat that was begun with it
        self._settled: set[bytes] = set()  # digests of what is saved, or never will be
        self._brought: set[tuple[int | None, bytes]] = set()  # the engine's process, and the digest
        self._saving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Delete what is too much by the settings of now."""
        if self._most_bytes == 0:
            await self._clear()

    async def stop(self) -> None:
        """Give up what is on its way; a file that is being written gets whole."""
        for task in self._saving:
            task.cancel()
        async with self._working:
            pass

    async def forget(self) -> None:
        """Something was forgotten: nothing that programs told of the user stays, and nothing on its way arrives."""
        for task in self._saving:
            task.cancel()
        self._first.clear()
        self._settled.clear()
        await self._clear()

    async def bring(self, prompt: SystemPrompt) -> None:
        """Let the engine have what was saved of a prompt, before it is asked with it."""
        if not self._most_bytes:
            return
        try:
            cache = (await prompt.engine.info()).cache
            now = prompt.engine.child.pid, prompt.digest
            if not cache or now in self._brought:
                return
            if len(self._brought) >= MOST_KNOWN:
                self._brought.clear()
            self._brought.add(now)
            if not await asyncio.to_thread(_has_files, self._folder):
                return
            prefix = await _prefix(prompt)
            what = await _what(prompt.engine, prefix)
            async with self._working:
                kept = await asyncio.to_thread(self._loaded, what)
            if kept is not None:
                self._settled.add(prompt.digest)
                await prompt.engine.remember(prefix, kept)
        except (ChildError, StoreError, OSError) as error:
            log.info("What was saved of a system prompt is not used: %s", error)

    def asked(self, prompt: SystemPrompt, chat_id: int) -> None:
        """A chat that is kept was answered with it; from the second one on it is saved."""
        if not self._most_bytes or prompt.digest in self._settled:
            return
        if self._first.setdefault(prompt.digest, chat_id) == chat_id:
            if len(self._first) > MOST_KNOWN:
                self._first.popitem(last=False)
            return
        self._settled.add(prompt.digest)
        task = asyncio.create_task(self._save(prompt), name="save prompt")
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    async def _save(self, prompt: SystemPrompt) -> None:
        try:
            async with asyncio.timeout(LONGEST_S):
                while self._gate.answering:
                    await asyncio.sleep(LOOK_EVERY_S)
            if not await self._saved(prompt):
                self._settled.discard(prompt.digest)
        except TimeoutError:
            self._settled.discard(prompt.digest)
        except (ChildError, StoreError, OSError) as error:
            log.info("A system prompt is not saved: %s", error)

    async def _saved(self, prompt: SystemPrompt) -> bool:
        """Save it; False where it was not all in memory, so that it is tried again."""
        engine = prompt.engine
        if not engine.is_running or not (await engine.info()).cache:
            return engine.is_running
        prefix = await _prefix(prompt)
        if len(prefix.tokens) < LEAST:
            return True
        what = await _what(engine, prefix)
        kept = await engine.kept(prefix)
        if not kept:
            return False
        async with self._working:
            await _to_the_end(self._keep, what, kept)
        return True

    async def _clear(self) -> None:
        async with self._working:
            await asyncio.to_thread(prompt_files.clear, self._folder)

    def _loaded(self, what: bytes) -> bytes | None:
        return self._opened().load(what)

    def _keep(self, what: bytes, kept: bytes) -> None:
        files = self._opened()
        if not files.has(what):
            files.save(what, kept)

    def _opened(self) -> PromptFiles:
        if self._files is None:
            self._files = PromptFiles(self._folder, self._key(), self._most_bytes)
        return self._files


async def _prefix(prompt: SystemPrompt) -> Prefix:
    system = [turn.message() for turn in prompt.turns]
    return await prompt.engine.prefix(
        system, tools=prompt.tools, reasoning=prompt.reasoning, adapter=prompt.adapter
    )


async def _what(engine: Engine, prefix: Prefix) -> bytes:
    """All that what is computed depends on."""
    info = await engine.info()
    return json.dumps([info.sha256, info.cache, prefix.adapter, list(prefix.tokens)]).encode()


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


async def _to_the_end(work: Callable[[bytes, bytes], None], what: bytes, kept: bytes) -> None:
    """Do it in a thread; who is cancelled waits for it all the same."""
    working = asyncio.ensure_future(asyncio.to_thread(work, what, kept))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await working
        raise
