"""
One request, followed.

    recall -> engine takes it -> record the history -> piece by piece -> commit the reply -> last piece
                  `── too long: shorter (fitting.py), and again

The user's turn is committed before any of the answer is handed out, and not at all when the engine refuses it; the
reply before its last piece. When the listener leaves or the engine fails, what was said until then is committed.
Nothing is kept of a private chat; recalled memories in the prompt and thoughts are never recorded. Pieces come in
order, then the end or the error, exactly once each. Leaving early never interrupts the commit, which runs in the task
that is followed.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from daemon.chat.fitting import Fitting, shorter
from daemon.chat.model_names import MAIN, ModelChoice
from daemon.chat.prompt_context import History, Turn, with_calls
from daemon.chat.saved_prompts import SavedPrompts, SystemPrompt, system_prompt
from daemon.embedding.client import Embedder
from daemon.engine.client import Piece, Reasoning, Sampling, ToolCall, Tools
from daemon.engine.errors import PromptTooLong
from daemon.errors import DaemonError, Interrupted, Stopping
from daemon.further_models.pool import FurtherModels
from daemon.generations.service import Answering, Generations
from daemon.memory.recall import Recalled, recall, system_text
from daemon.processes.foreground_gate import ForegroundGate
from daemon.store_thread import StoreThread
from daemon.text import split_file
from store import chats, memory_events, off_record, recall_log, users
from store.chats import Message, NewMessage
from store.database import Connection, writing
from store.memory_events import Noted
from store.recall_log import RecallRecord

ANYBODY = "*"  # in the setting `users`


@dataclass(frozen=True, slots=True)
class _End:
    failure: BaseException | None


class Answer:
    """The pieces of one answer; `leave` when nobody listens any more."""

    def __init__(self, *, recall: RecallRecord, generation: int, base_sha256: str, kept: bool = True) -> None:
        """
        Args:
            recall: what was recalled for the question; its tokens are known with the first piece.
            generation: the one that answers; 0: the base model.
            base_sha256: of the model file that answers.
            kept: the chat is recorded.
        """
        self.recall = recall
        self.base_sha256 = base_sha256
        self.generation = generation
        self.kept = kept
        self.left_out = 0  # turns of the chat that the context had no room for
        self.chat_id: int | None = None  # that it is kept in, from the first piece on
        self.noted: tuple[
            Noted, ...
        ] = ()  # of this chat since the last answer in it, from the first piece on
        self.began_at = datetime.now(UTC)
        self._pieces: asyncio.Queue[Piece | _End] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._why: DaemonError | None = None  # it was stopped

    def put(self, piece: Piece) -> None:
        """Hand out one more piece."""
        self._pieces.put_nowait(piece)

    def follow(self, task: asyncio.Task[None]) -> None:
        """The answer ends when `task` ends, and fails with what it fails with."""
        self._task = task
        task.add_done_callback(lambda done: self._pieces.put_nowait(_End(self._failure(done))))

    async def next(self) -> Piece | None:
        """The next piece; None after the last. Raises what stopped the answer."""
        item = await self._pieces.get()
        if not isinstance(item, _End):
            return item
        self._pieces.put_nowait(item)  # a second call gets the same end
        if item.failure is not None:
            raise item.failure
        return None

    def leave(self) -> None:
        """Nobody listens any more: stop the engine. Harmless when the answer is whole."""
        if self._task is not None:
            self._task.cancel()

    async def stop(self, why: DaemonError) -> None:
        """End it, with `why` for who listens; what was said is committed on return."""
        if self._task is not None and not self._task.done():
            self._why = why
            self._task.cancel()
            await asyncio.wait([self._task])

    def _failure(self, task: asyncio.Task[None]) -> BaseException | None:
        return (self._why or Stopping()) if task.cancelled() else task.exception()


@dataclass(frozen=True, slots=True)
class User:
    """Whom a client names as its user."""

    kind: str  # where: "header", "user" or "metadata"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """All that one request asks for."""

    history: History
    model: ModelChoice
    sampling: Sampling
    schema: Mapping[str, Any] | None = None  # the answer must be JSON of this shape
    recall: bool = True  # the request may switch recall off, never on
    retry: bool = False  # the client sends this request again
    said_at: datetime | None = None  # when the last turn was said, if not now
    reasoning: Reasoning = Reasoning()  # by default a model thinks that always does
    grammar: str | None = None  # GBNF that the answer must follow
    tools: Tools | None = None  # that may be called, or must
    raw: str | tuple[int | str, ...] | None = (
        None  # a text to be gone on with, in place of a chat: nothing of it is kept
    )
    answer_id: str | None = None  # by which the answer is found again, where it is kept
    reply: str | None = None  # the answer, where it is not for the model to give
    user: User | None = None  # None: the person of this home, as far as the client says
    again: bool = False  # one more answer to a question that was asked already: nothing of it is kept

    @property
    def begun(self) -> str | None:
        """The beginning of the answer; None when it starts anew."""
        must = self.tools is not None and self.tools.must
        follows = self.schema is not None or self.grammar is not None or must
        return None if follows else self.history.begun


class Conversations:
    """Starts answers and sees each one through to its commit, also when the daemon stops."""

    def __init__(
        self,
        store_thread: StoreThread,
        embedder: Embedder,
        generations: Generations,
        *,
        recall_k: int,
        gate: ForegroundGate | None = None,
        users: str = "",
        elsewhere: Callable[[], frozenset[str]] = frozenset,
        told_first: str = "",
        prompts: SavedPrompts | None = None,
        further: FurtherModels | None = None,
    ) -> None:
        """
        Args:
            recall_k: memories recalled for a question, at first; 0 never recalls.
            gate: closed while we answer.
            users: names by which clients know the person of this home, separated by commas; "*": all of them.
            elsewhere: names of those who have a home of their own in this one.
            told_first: what the model is told first where the client says nothing of that kind.
            prompts: where long system prompts are saved; None: nowhere.
            further: the models beside the main one.
        """
        self._store_thread = store_thread
        self._embedder = embedder
        self._generations, self._further = generations, further
        self._recall_k = recall_k
        self._users = frozenset(name.strip() for name in users.split(",")) - {""}
        self._elsewhere = elsewhere
        self._told_first = told_first.strip()
        self._prompts = prompts
        self._gate = gate or ForegroundGate()
        self._running: dict[asyncio.Task[None], Answer] = {}
        self._begun = asyncio.Lock()  # locked from recall until the answer counts as running

    async def begin(self, question: Question) -> Answer:
        """Recall, and set the engine to work; nothing has been generated or kept yet when this returns."""
        self._gate.enter()  # before recall and engine have work: the trainer has the processors until then
        try:
            generations = self._asked(question)
            await generations.ready()  # a further model is loaded now, so that nobody else waits for it below
            async with self._begun:
                task, answer = await self._begin(question, generations)
        except BaseException:
            self._gate.leave()
            raise
        task.add_done_callback(lambda _: self._gate.leave())
        return answer

    def _asked(self, question: Question) -> Generations:
        """Those of the model that is to answer. Raises `EngineError` for one that can't be used."""
        name = question.model.further
        if not name or self._further is None or question.reply is not None:
            return self._generations
        return self._further.of(name).generations

    async def _begin(self, question: Question, generations: Generations) -> tuple[asyncio.Task[None], Answer]:
        history = question.history
        answering = await generations.choose(question.model.generation)
        once = question.raw is None and not question.again
        is_home = history.is_chore or await self._is_home(question)
        if not is_home:
            question = replace(question, model=question.model.off_the_record())
        kept = once and is_home and not history.is_chore and await self._may_keep(question)
        if question.model.kept and not kept and not question.again:
            question = replace(question, recall=False)  # as if asked for off the record
        recalled = await self._recall(question)
        record = RecallRecord(
            memories=tuple(one.id for one in recalled.memories),
            messages=tuple(one.id for one in recalled.messages),
        )
        answer = Answer(
            recall=record, generation=answering.number, kept=kept, base_sha256=answering.model.sha256
        )
        turn = _Turn(self._store_thread, question, answer)
        driving = self._drive(turn, answering, recalled.lines)
        task = asyncio.create_task(driving, name="answer")
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

    async def may_answer_of_memories(self, question: Question) -> bool:
        """Whether memories may be spoken of: to the person of this home, on the record."""
        if not (question.model.kept and question.model.recalls) or question.history.is_chore:
            return False
        now = datetime.now(UTC)
        return await self._is_home(question) and (await self._store_thread.run(off_record.logging, at=now)).on

    async def keep(self, question: Question) -> Message | None:
        """Record what is asked before it is answered, which records it no more; None where it is not kept."""
        history = _to_keep(question.history.turns)
        if not history or not await self._may_keep(question):
            return None
        now, retry = datetime.now(UTC), question.retry
        return (await self._store_thread.run(_record, history, (), at=now, retry=retry))[0]

    async def _is_home(self, question: Question) -> bool:
        """Whether the person of this home asks, and no other user of the same client."""
        user, at = question.user, datetime.now(UTC)
        if user is None or ANYBODY in self._users or not (question.model.kept or question.model.recalls):
            return True
        also, elsewhere = self._users, self._elsewhere()
        named = partial(users.is_home, kind=user.kind, name=user.name, also=also, elsewhere=elsewhere, at=at)
        return await self._store_thread.run(named)

    async def _may_keep(self, question: Question) -> bool:
        """Whether this chat is recorded: not while logging is paused, and not what the user keeps off the record."""
        said = [(turn.role, turn.recorded) for turn in question.history.turns]
        private, now = question.model.private, datetime.now(UTC)
        may = await self._store_thread.run(off_record.may_keep, said, private=private, at=now)
        return question.model.kept and may

    async def _recall(self, question: Question) -> Recalled:
        history = question.history
        wanted = question.recall and question.model.recalls and self._recall_k > 0 and not history.is_chore
        if not wanted or question.reply is not None or history.question is None:
            return Recalled()
        present = [turn.text for turn in history.turns]
        return await recall(
            self._store_thread,
            self._embedder,
            split_file(history.question)[0],  # what is asked, and not what came along
            k=self._recall_k,
            standing=True,
            present=present,
            at_once=True,
        )

    async def _shown(
        self, question: Question, answer: Answer, answering: Answering, lines: Sequence[str]
    ) -> AsyncGenerator[Piece, None]:
        """The pieces of the answer, to as much of the chat as the context holds."""
        shown = Fitting(history=question.history.told_first(self._told_first), lines=lines)
        while True:
            try:
                async with aclosing(self._pieces(question, answering, shown)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except PromptTooLong as error:  # before the first piece
                less = shorter(shown, error) if question.raw is None else None
                if less is None:
                    raise
                shown = less
                answer.left_out = shown.left_out
                answer.recall = RecallRecord()

    async def _pieces(
        self, question: Question, answering: Answering, shown: Fitting
    ) -> AsyncGenerator[Piece, None]:
        if question.reply is not None:
            for piece in (Piece(text=""), Piece(text=question.reply), Piece(text="", finish="stop")):
                yield piece
            return
        info = await answering.engine.info()
        memories = system_text(shown.lines, tiny=info.tiny) if shown.lines else None
        pieces = answering.engine.chat(
            shown.history.messages(memories),
            sampling=question.sampling,
            schema=None if question.schema is None else dict(question.schema),
            adapter=answering.adapter,
            background=question.history.is_chore,
            counted=[] if memories is None else [{"role": "system", "content": memories}],
            reasoning=question.reasoning,
            tools=question.tools,
            grammar=question.grammar,
            raw=question.raw,
        )
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    async def _drive(self, turn: "_Turn", answering: Answering, lines: Sequence[str]) -> None:
        answer, prompt = turn.answer, self._to_save(turn.question, turn.answer, answering)
        try:
            if self._prompts is not None and prompt is not None:
                await self._prompts.bring(prompt)
            async with aclosing(self._shown(turn.question, answer, answering, lines)) as pieces:
                async for piece in pieces:  # the first one has no text: the engine has taken the request
                    if piece.counted_tokens:
                        answer.recall = replace(answer.recall, recall_tokens=piece.counted_tokens)
                    await turn.record()
                    turn.hear(piece)
                    if piece.finish == "stop" or (piece.finish and turn.has_said):
                        await turn.commit()  # not of one that was still thinking at its limit
                    answer.put(piece)
        finally:
            if turn.has_said:
                await turn.commit()  # of an answer that was cut off
        if self._prompts is not None and prompt is not None and answer.chat_id is not None:
            self._prompts.asked(prompt, answer.chat_id)

    def _to_save(self, question: Question, answer: Answer, answering: Answering) -> SystemPrompt | None:
        """The system prompt of a chat that is kept, where it is long enough to be saved."""
        is_chat = question.raw is None and question.reply is None
        if not answer.kept or not is_chat:
            return None
        return system_prompt(
            question.history.told_first(self._told_first).turns,
            tools=question.tools,
            reasoning=question.reasoning,
            answering=answering,
        )


class _Turn:
    """What is kept of one request: its history, and the answer as far as it has come."""

    def __init__(self, store_thread: StoreThread, question: Question, answer: Answer) -> None:
        self.question, self.answer = question, answer
        self._said: list[str] = []  # by the model; no thoughts, nor what the client began
        self._calls: list[ToolCall] = []
        self._store_thread = store_thread
        self._last: Message | None = None  # of the history, once it is recorded
        self._committing: asyncio.Task[Message] | None = None

    @property
    def has_said(self) -> bool:
        """Whether there is anything of an answer."""
        return any(self._said) or bool(self._calls)

    def hear(self, piece: Piece) -> None:
        """One more piece of the answer."""
        self._said.append(piece.text)
        self._calls += piece.calls

    async def record(self) -> None:
        """Commit the history, once; durable on return. Of a chat that is not kept, nothing."""
        turns = self.question.history.turns[: -1 if self.question.begun is not None else None]
        history = _to_keep(turns)
        if not self.answer.kept or not history or self._last is not None:
            return
        history[-1] = replace(history[-1], said_at=self.question.said_at)
        memory_ids, retry = self.answer.recall.memories, self.question.retry
        last, self.answer.noted = await self._store_thread.run(
            _record, history, memory_ids, at=datetime.now(UTC), retry=retry
        )
        self._last, self.answer.chat_id = last, last.chat_id

    async def commit(self) -> None:
        """
        Commit the answer, once; durable on return, also for a caller that is cancelled meanwhile.

        A commit that failed is not tried again.
        """
        if self._last is None:
            return
        if self._committing is None:
            name = self.question.model.further or MAIN
            at, model = self.question.said_at or datetime.now(UTC), f"{name}@{self.answer.generation}"
            text = with_calls("".join([self.question.begun or "", *self._said]), self._calls)
            recalled = self.answer.recall
            self._committing = asyncio.create_task(
                self._store_thread.run(
                    _reply, self._last, text, recalled, at=at, model=model, id=self.question.answer_id
                )
            )
        await _finished(self._committing)


def _to_keep(turns: Sequence[Turn]) -> list[NewMessage]:
    return [NewMessage(role=turn.role, text=text) for turn in turns if (text := turn.recorded).strip()]


def _record(
    db: Connection, history: Sequence[NewMessage], memory_ids: Sequence[int], *, at: datetime, retry: bool
) -> tuple[Message, tuple[Noted, ...]]:
    """
    The last message of the history, stored, and what was noted of the chat since the answer before it.

    What was recalled for it is counted in the same commit.
    """
    with writing(db):
        stored = chats.record(db, history, at=at, retry=retry)
        if memory_ids:
            recall_log.count_recall(db, memory_ids, at=at)
    answers = [one for one in stored[:-1] if one.role == "assistant"]
    if not answers:
        return stored[-1], ()
    return stored[-1], tuple(memory_events.noted_in_chat(db, stored[-1].chat_id, answers[-1].said_at))


def _reply(
    db: Connection,
    asked: Message,
    text: str,
    recalled: RecallRecord,
    *,
    at: datetime,
    model: str,
    id: str | None,
) -> Message:
    """The answer, stored with what was recalled for its question."""
    with writing(db):
        answer = chats.reply(db, asked, text, at=at, model=model, external_id=id)
        recall_log.record(db, answer.id, recalled)
    return answer


async def _finished(task: asyncio.Task[Message]) -> None:
    """Wait until `task` is done; being cancelled meanwhile shows afterwards."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError
