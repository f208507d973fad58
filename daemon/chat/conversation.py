"""
One request, followed.

    recall -> engine takes it -> record the history -> piece by piece -> commit the reply -> last piece

Promises: the user's turn is committed before any of the answer is handed out, and not at all when the engine
refuses it; the reply is committed before its last piece is handed out; when the listener leaves or the
engine fails, what was said until then is committed; nothing is kept of a private chat; memories laid into
the prompt are never recorded. Knows nothing of HTTP or the wire format.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from daemon.chat.answer_stream import Answer
from daemon.chat.model_names import ModelChoice
from daemon.chat.prompt_context import Turn, is_chore, last_question, with_memories, without_memories
from daemon.embedding.client import Embedder
from daemon.engine.client import Engine, Sampling
from daemon.errors import DaemonError, Interrupted, Stopping
from daemon.generations.service import Answering, Generations
from daemon.memory.recall import Recalled, recall
from daemon.processes.foreground_gate import ForegroundGate
from daemon.store_thread import StoreThread
from store import chats, off_record, recall_log
from store.chats import Message, NewMessage
from store.database import Connection, writing
from store.recall_log import RecallRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """All that one request asks for."""

    turns: tuple[Turn, ...]
    model: ModelChoice
    sampling: Sampling
    schema: Mapping[str, Any] | None = None  # the answer must be JSON of this shape
    recall: bool = True  # the request may switch recall off, never on
    retry: bool = False  # the client sends this request again
    said_at: datetime | None = None  # when the last turn was said, if not now


class Conversations:
    """Starts answers and sees each one through to its commit, also when the daemon stops."""

    def __init__(
        self,
        store_thread: StoreThread,
        engine: Engine,
        embedder: Embedder,
        generations: Generations,
        *,
        recall_k: int,
        gate: ForegroundGate | None = None,
    ) -> None:
        """`recall_k`: memories beside a question, at first; 0 never recalls. `gate`: closed while we answer."""
        self._store_thread = store_thread
        self._engine = engine
        self._embedder = embedder
        self._generations = generations
        self._recall_k = recall_k
        self._gate = gate or ForegroundGate()
        self._running: dict[asyncio.Task[None], Answer] = {}
        self._begun = asyncio.Lock()  # held from recall until the answer counts as running

    async def begin(self, question: Question) -> Answer:
        """Recall, and set the engine to work; nothing has been generated or kept yet when this returns."""
        self._gate.enter()  # before recall and engine have work: the trainer has the processors until then
        try:
            async with self._begun:
                task, answer = await self._begin(question)
        except BaseException:
            self._gate.leave()
            raise
        task.add_done_callback(lambda _: self._gate.leave())
        return answer

    async def _begin(self, question: Question) -> tuple[asyncio.Task[None], Answer]:
        turns = without_memories(question.turns)
        answering = await self._generations.choose(question.model.generation)
        kept = not is_chore(turns) and await self._may_keep(turns, question.model)
        if question.model.kept and not kept:
            question = replace(question, recall=False)  # as if asked for off the record
        recalled = await self._recall(turns, question)
        beside = await self._beside(recalled)
        answer = Answer(beside=beside, generation=answering.number, kept=kept)
        messages = with_memories(turns, recalled.system_text)
        turn = _Turn(self._store_thread, turns if kept else (), question, answering.number, beside)
        task = asyncio.create_task(self._drive(answer, turn, question, answering, messages), name="answer")
        self._running[task] = answer
        task.add_done_callback(self._running.pop)
        answer.follow(task)
        return task, answer

    @property
    def under_way(self) -> int:
        """Answers that are asked for, and not given whole yet."""
        return self._gate.answering

    @property
    def off_record(self) -> int:
        """Those of them of which nothing is kept."""
        return sum(not answer.kept for answer in self._running.values())

    async def stop(self) -> None:
        """Stop all answers; what was said is committed before this returns."""
        await self._stop_all(Stopping())

    @asynccontextmanager
    async def silence(self) -> AsyncGenerator[None]:
        """No answer is under way inside; those that were are stopped and committed, new ones wait."""
        async with self._begun:
            await self._stop_all(Interrupted())
            yield

    async def _stop_all(self, why: DaemonError) -> None:
        await asyncio.gather(*(answer.stop(why) for answer in list(self._running.values())))

    async def _may_keep(self, turns: Sequence[Turn], model: ModelChoice) -> bool:
        """Whether this chat is recorded; what a pause of the logging, or the user, keeps off the record is not."""
        said = [(turn.role, turn.text) for turn in turns]
        now = datetime.now(UTC)
        may = await self._store_thread.run(off_record.may_keep, said, private=model.private, at=now)
        return model.kept and may

    async def _recall(self, turns: Sequence[Turn], question: Question) -> Recalled:
        place = last_question(turns)
        wanted = question.recall and question.model.recalls and self._recall_k > 0 and not is_chore(turns)
        if not wanted or place is None:
            return Recalled()
        present = [turn.text for turn in turns]
        asked, k = turns[place].text, self._recall_k
        return await recall(self._store_thread, self._embedder, asked, k=k, present=present, at_once=True)

    async def _beside(self, recalled: Recalled) -> RecallRecord:
        if recalled.system_text is None:
            return RecallRecord()
        return RecallRecord(
            memories=tuple(one.id for one in recalled.memories),
            messages=tuple(one.id for one in recalled.messages),
            recall_tokens=await self._engine.count([{"role": "system", "content": recalled.system_text}]),
        )

    async def _drive(
        self,
        answer: Answer,
        turn: "_Turn",
        question: Question,
        answering: Answering,
        messages: Sequence[Mapping[str, str]],
    ) -> None:
        schema = dict(question.schema) if question.schema is not None else None
        pieces = self._engine.chat(
            messages, sampling=question.sampling, schema=schema, adapter=answering.adapter
        )
        try:
            async with aclosing(pieces):
                async for piece in pieces:  # the first one has no text: the engine has taken the request
                    await turn.record()
                    turn.said.append(piece.text)
                    if piece.finish is not None:
                        await turn.commit()
                    answer.put(piece)
        finally:
            if any(turn.said):
                await turn.commit()  # of an answer that was cut off


class _Turn:
    """What is kept of one request: its history, and the answer as far as it has come."""

    def __init__(
        self,
        store_thread: StoreThread,
        turns: Sequence[Turn],
        question: Question,
        generation: int,
        beside: RecallRecord,
    ) -> None:
        """`turns`: the history; none when nothing of this chat is kept. `beside`: recalled for it."""
        self.said: list[str] = []
        self._store_thread = store_thread
        self._turns = turns
        self._question = question
        self._model = f"tsubasa@{generation}"
        self._beside = beside
        self._last: Message | None = None  # of the history, once it is recorded
        self._committing: asyncio.Task[Message] | None = None

    async def record(self) -> None:
        """Commit the history, once; durable on return."""
        if not self._turns or self._last is not None:
            return
        asked = self._question
        history = [NewMessage(role=turn.role, text=turn.text) for turn in self._turns]
        history[-1] = replace(history[-1], said_at=asked.said_at)
        now = datetime.now(UTC)
        self._last = await self._store_thread.run(
            _record, history, self._beside.memories, at=now, retry=asked.retry
        )

    async def commit(self) -> None:
        """
        Commit the answer, once; durable on return, also for a caller that is cancelled meanwhile.

        A commit that failed is not tried again.
        """
        if self._last is None:
            return
        if self._committing is None:
            at = self._question.said_at or datetime.now(UTC)
            text = "".join(self.said)
            self._committing = asyncio.create_task(
                self._store_thread.run(_reply, self._last, text, self._beside, at=at, model=self._model)
            )
        await _finished(self._committing)


def _record(
    db: Connection, history: Sequence[NewMessage], memory_ids: Sequence[int], *, at: datetime, retry: bool
) -> Message:
    """The last message of the history, stored; what was recalled for it is counted in the same commit."""
    with writing(db):
        stored = chats.record(db, history, at=at, retry=retry)
        if memory_ids:
            recall_log.count_recall(db, memory_ids, at=at)
    return stored[-1]


def _reply(
    db: Connection, asked: Message, text: str, beside: RecallRecord, *, at: datetime, model: str
) -> Message:
    """The answer, stored with what lay beside its question."""
    with writing(db):
        answer = chats.reply(db, asked, text, at=at, model=model)
        recall_log.record(db, answer.id, beside)
    return answer


async def _finished(task: asyncio.Task[Message]) -> None:
    """Wait until `task` is done, whoever cancels us; being cancelled shows afterwards."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError
