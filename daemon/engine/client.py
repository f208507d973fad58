"""
The daemon's end of the engine: chat with the model, count tokens, score replies, load and adopt adapters.

The work is done by the child process `python -m daemon.engine`. The live adapter is live again after a
crash before anything is served; a refused adapter changes nothing; a disowned one never answers again.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Self, TypeVar

from daemon.engine.errors import AdapterUnknown, rebuilt
from daemon.engine.records import (
    AT_ONCE,
    GREEDY,
    Completion,
    EngineCounts,
    EngineInfo,
    Finish,
    Likely,
    Mark,
    Piece,
    Prefix,
    Reasoning,
    Sampling,
    Score,
    ToolCall,
    Tools,
)
from daemon.processes.errors import ChildRefused
from daemon.processes.process import ChildProcess, confined
from daemon.processes.supervisor import Supervisor

__all__ = [
    "AT_ONCE",
    "GREEDY",
    "Completion",
    "Engine",
    "EngineCounts",
    "EngineInfo",
    "Finish",
    "Likely",
    "Mark",
    "Piece",
    "Prefix",
    "Reasoning",
    "Sampling",
    "Score",
    "ToolCall",
    "Tools",
]

GRACE_S = 5.0  # that an answer under way has when a GPU must be opened again
T = TypeVar("T", EngineCounts, EngineInfo, Piece, Score)
CHATS, PORTION = 32, 20_000  # chats, and characters: of what is cut into tokens at once
Message = Mapping[str, Any]  # {"role": …, "content": …}
Chat = tuple[Sequence[Message], str | None]  # and the reply


class Engine:
    """One model in one child process. Its methods raise `EngineError`s, and `ChildCrashed` when it dies."""

    def __init__(self, child: Supervisor) -> None:
        self._child = child
        self._live: str | None = None  # sha256 of the live adapter; None: the base model
        self._adapters: dict[str, bytes] = {}  # all that the child must have, also after a restart
        self._kept: set[str] = set()  # loaded by hand, so kept until unloaded by hand
        self._disowned: set[str] = set()  # never to be used again
        self.swap_ms = 0.0  # that the last swap took, without the loading before it
        self._on_gpu = False  # the process that started last holds layers there
        self._changing = asyncio.Lock()  # one change of adapters at a time
        child.after_start = self._restore

    @classmethod
    def for_model(
        cls,
        path: Path,
        *,
        n_ctx: int,
        threads: int,
        gpu_layers: int,
        idle_s: float,
        chat_template: str = "",
        kv_cache: str = "f16",
        flash_attention: str = "auto",
        name: str = "engine",
    ) -> Self:
        """
        An engine for a GGUF file; nothing is started or read yet.

        Args:
            n_ctx: tokens a prompt and its reply may have together; 0: what the model was trained for.
            threads: 0: one for each physical core, a single one for a small model.
            gpu_layers: layers to put on the GPU; -1: all.
            idle_s: seconds without a request after which the process is ended.
            chat_template: "chatml" in place of the file's own, "".
            kv_cache: how keys and values are kept: "f16", "q8_0", "q4_0".
            flash_attention: "on", "off", "auto".
            name: of the process, in logs and errors.
        """
        hello = {"path": str(path.absolute()), "n_ctx": n_ctx, "threads": threads, "gpu_layers": gpu_layers}
        hello |= {"chat_template": chat_template, "kv_cache": kv_cache, "flash_attention": flash_attention}
        return cls(
            Supervisor(name, confined("daemon.engine"), hello=hello, idle_s=idle_s, start_timeout_s=600.0)
        )

    @property
    def child(self) -> Supervisor:
        """The supervised process, for status pages."""
        return self._child

    @property
    def live(self) -> str | None:
        """sha256 of the live adapter; None for the base model."""
        return self._live

    @property
    def is_running(self) -> bool:
        """Whether its process is there, so that a question need not start it."""
        return self._child.pid is not None

    async def info(self) -> EngineInfo:
        """What is being served; starts the engine when needed."""
        with _typed_errors():
            return _record(EngineInfo, await self._child.start())

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        sampling: Sampling = GREEDY,
        schema: dict[str, Any] | None = None,
        adapter: str | None = "live",
        background: bool = False,
        draft: str = "",
        counted: Sequence[Message] = (),
        reasoning: Reasoning = AT_ONCE,
        tools: Tools | None = None,
        grammar: str | None = None,
        raw: str | Sequence[int | str] | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """
        The reply to `messages`, piece by piece. The first piece has no text and comes once the request is
        valid.

        When the last message is the assistant's, the reply goes on from there, unless it has a schema.
        Closing the iterator cancels the work.

        Args:
            schema: a JSON schema that the reply will follow.
            adapter: "live", "base" (or None), or the sha256 of a loaded adapter.
            background: yields to every request that is not; several at once share the model's batches.
            draft: a guess of the reply: as far as it is right, the reply takes one batch. Choices stay its own.
            counted: the first piece says how many tokens these would have as a prompt of their own.
            reasoning: by default it answers at once; so it does with a schema, whatever this says.
            tools: that it may call; where the model's template knows none, only a call that has to be is made.
            grammar: GBNF that the reply will follow, in place of a schema.
            raw: a text that is gone on with, as it is or as tokens, also with texts between them,
                in place of messages; control tokens count in it.

        Raises:
            PromptTooLong, SchemaRefused, GrammarRefused, TemplateRefused, AdapterUnknown: before the first piece.
            ChildCrashed: the process died; ask again.
        """
        request: dict[str, Any] = {
            "messages": [dict(message) for message in messages],
            "sampling": asdict(sampling),
            "schema": schema,
            "adapter": self.resolved(adapter),
            "background": background,
            "draft": draft,
            "counted": [dict(message) for message in counted],
            "thinks": reasoning.thinks,
            "effort": reasoning.effort,
            "tools": None if tools is None else asdict(tools),
            "grammar": grammar,
            "raw": raw if raw is None or isinstance(raw, str) else list(raw),
        }
        with _typed_errors():
            async with aclosing(self._child.stream("chat", **request)) as pieces:
                async for piece in pieces:
                    yield _piece(piece)

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        sampling: Sampling = GREEDY,
        schema: dict[str, Any] | None = None,
        adapter: str | None = "live",
        background: bool = False,
        draft: str = "",
    ) -> Completion:
        """The whole reply; arguments and errors as `chat`."""
        text, thought, marks = "", "", []
        last = Piece(text="", finish="stop")
        pieces = self.chat(
            messages, sampling=sampling, schema=schema, adapter=adapter, background=background, draft=draft
        )
        async with aclosing(pieces):
            async for last in pieces:
                text, thought = text + last.text, thought + last.thought
                tokens = last.completion_tokens - last.thought_tokens
                marks.append(Mark(characters=len(text), tokens=tokens, surprise=last.surprise))
        return Completion(
            text=text,
            finish=last.finish or "stop",
            prompt_tokens=last.prompt_tokens,
            completion_tokens=last.completion_tokens,
            cached_tokens=last.cached_tokens,
            thought=thought,
            marks=tuple(marks),
        )

    async def count(self, messages: Sequence[Message], *, tools: Tools | None = None) -> int:
        """
        How many tokens the prompt of these messages has, the opening of the reply included.

        About as many, where they are more than twice what the context holds.
        """
        offered = None if tools is None else asdict(tools)
        header = await self._call("count", messages=[dict(message) for message in messages], tools=offered)
        return int(header["count"])

    async def counts(self) -> EngineCounts | None:
        """What its process did since it started; None while there is none."""
        return _record(EngineCounts, await self._call("counts")) if self.is_running else None

    async def cut(self, text: str) -> list[int]:
        """The tokens of a text in which nothing is a control token."""
        return [int(token) for token in (await self._call("cut", text=text))["tokens"]]

    async def join(self, tokens: Sequence[int]) -> str:
        """The text of tokens; a control token has none. Raises `TokensUnknown`."""
        return str((await self._call("join", tokens=list(tokens)))["text"])

    async def pieces(self, tokens: Sequence[int]) -> list[str]:
        """The text of each of the tokens. Raises `TokensUnknown`."""
        return [str(text) for text in (await self._call("join", tokens=list(tokens), each=True))["texts"]]

    async def prefix(
        self,
        system: Sequence[Message],
        *,
        tools: Tools | None = None,
        reasoning: Reasoning = AT_ONCE,
        adapter: str | None = "live",
    ) -> Prefix:
        """What every chat begins with that has these system turns; arguments and errors as `chat`."""
        answers = self.resolved(adapter)
        header = await self._call(
            "prefix",
            messages=[dict(message) for message in system],
            tools=None if tools is None else asdict(tools),
            thinks=reasoning.thinks,
            effort=reasoning.effort,
        )
        return Prefix(tokens=header["tokens"], adapter=answers)

    async def kept(self, prefix: Prefix) -> bytes:
        """What its process has computed of a prefix, to be told it again by `remember`; b"": not all is there now."""
        with _typed_errors():
            tokens = list(prefix.tokens)
            return (await self._child.call("kept", tokens=tokens, adapter=prefix.adapter)).blob

    async def remember(self, prefix: Prefix, kept: bytes) -> None:
        """
        Let the next chat with this prefix go on from what was kept of it, by whatever process.

        Args:
            kept: as it was given out, for a model of the same sha256 and with the same `EngineInfo.cache`: it is
                believed.
        """
        await self._call("remember", blob=kept, tokens=list(prefix.tokens), adapter=prefix.adapter)

    async def score(
        self, messages: Sequence[Message], replies: Sequence[str], *, adapter: str | None = "live"
    ) -> list[Score]:
        """
        How unlikely each of the replies would be, were it the whole answer to `messages`; in their order.

        The end of the turn counts as one of its tokens. It is background work that yields to every chat; several
        calls at once share batches. What replies begin with alike is computed once, so that they are best in order.
        Cancelling cancels the work.

        Args:
            replies: 1 to 256.
            adapter: as for `chat`.

        Raises:
            PromptTooLong, TemplateRefused, AdapterUnknown: nothing was computed.
            ChildCrashed: the process died; ask again.
        """
        request: dict[str, Any] = {
            "messages": [dict(message) for message in messages],
            "replies": list(replies),
            "adapter": self.resolved(adapter),
        }
        with _typed_errors():
            async with aclosing(self._child.stream("score", **request)) as scores:
                return [_record(Score, score) async for score in scores]

    async def tokenise(self, chats: Sequence[Chat]) -> list[tuple[list[int], list[int]]]:
        """
        The very tokens of chats as they are answered.

        It takes a few chats at a time, so that others are answered meanwhile.

        Args:
            chats: messages, and the reply to them or None.
        Returns:
            For each the tokens up to where the reply begins, and those of the reply with the one that ends its turn
            ([] for None); they may be more than the context holds.
        Raises:
            TemplateRefused: the template can't write one of them.
        """
        tokens: list[tuple[list[int], list[int]]] = []
        for some in _portions(chats):
            sent = [{"messages": [dict(one) for one in messages], "reply": reply} for messages, reply in some]
            header = await self._call("tokenise", chats=sent)
            tokens += [(prompt, reply) for prompt, reply in header["tokens"]]
        return tokens

    async def load(self, adapter: bytes) -> str:
        """Make an adapter ready without making it live; returns its sha256. Raises `AdapterRefused`."""
        async with self._changing:
            sha256 = await self._load(adapter)
            self._kept.add(sha256)
            return sha256

    async def adopt(self, adapter: bytes | None) -> float:
        """
        Make an adapter live from the next request on; None goes back to the base model.

        Returns the milliseconds of the swap itself. Raises `AdapterRefused`, and then all is as before.
        """
        async with self._changing:
            new = None if adapter is None else await self._load(adapter)
            if new is None:
                self._live = None  # first, so that a damaged adapter can't keep the engine from starting
            self.swap_ms = float((await self._call("adopt", adapter=new))["swap_ms"])
            self._check_owned(new)
            self._live = new
            for sha256 in (self._adapters.keys() - self._kept - {new}) | self._disowned:
                await self._give_up(sha256)
            return self.swap_ms

    def disown(self, sha256s: Iterable[str]) -> None:
        """
        Never use these adapters again; the base model answers where one was live.

        This holds at once, also while the process is down or ends; `adopt` frees their memory.
        """
        for sha256 in sha256s:
            self._disowned.add(sha256)
            self._kept.discard(sha256)
            self._adapters.pop(sha256, None)
            if self._live == sha256:
                self._live = None

    async def unload(self, sha256: str) -> None:
        """Give up an adapter that `load` made ready; a request that is using it ends in peace."""
        async with self._changing:
            self._kept.discard(sha256)
            if sha256 != self._live:
                await self._give_up(sha256)

    async def woke(self) -> bool:
        """The computer slept: a process with a GPU is ended, and the next request starts a new one; whether it was."""
        if self._child.pid is None or not self._on_gpu:
            return False
        await self._child.renew(grace_s=GRACE_S)
        return True

    async def stop(self) -> None:
        """End the process; calls after this raise `ChildStopped`."""
        await self._child.stop()

    async def _load(self, adapter: bytes) -> str:
        sha256 = hashlib.sha256(adapter).hexdigest()
        self._check_owned(sha256)
        await self._call("load", blob=adapter, adapter=sha256)
        self._check_owned(sha256)  # it may have been disowned meanwhile
        self._adapters[sha256] = adapter  # only now: bytes that crash the child are not loaded at its restart
        return sha256

    async def _give_up(self, sha256: str) -> None:
        self._adapters.pop(sha256, None)
        await self._call("unload", adapter=sha256)

    async def _restore(self, process: ChildProcess) -> None:
        """After each start of the child: what it had before, before it serves anyone."""
        self._on_gpu = bool(process.ready.get("on_gpu"))
        self._child.hello["known"] = process.ready.get("known")  # a restart need not hash the same file again
        for sha256 in list(self._adapters):  # some may be given up while the child loads another
            if (adapter := self._adapters.get(sha256)) is not None:
                await process.call("load", adapter, {"adapter": sha256})
        await process.call("adopt", b"", {"adapter": self._live})

    async def _call(self, op: str, *, blob: bytes = b"", **fields: Any) -> dict[str, Any]:
        with _typed_errors():
            return (await self._child.call(op, blob=blob, **fields)).header

    def resolved(self, adapter: str | None) -> str | None:
        """The sha256 of "live" as it is now, of "base" None. Raises `AdapterUnknown` of one that is disowned."""
        wanted = self._live if adapter == "live" else None if adapter == "base" else adapter
        self._check_owned(wanted)
        return wanted

    def _check_owned(self, sha256: str | None) -> None:
        if sha256 is not None and sha256 in self._disowned:
            raise AdapterUnknown(sha256=sha256)


def _portions(chats: Sequence[Chat]) -> Iterator[Sequence[Chat]]:
    """The chats in their order, so many at once as the engine cuts into tokens in some hundredths of a second."""
    start = characters = 0
    for place, (messages, reply) in enumerate(chats):
        if characters > PORTION or place - start >= CHATS:
            yield chats[start:place]
            start, characters = place, 0
        characters += len(reply or "") + sum(len(str(message.get("content"))) for message in messages)
    if chats[start:]:
        yield chats[start:]


def _record(kind: type[T], header: Mapping[str, Any]) -> T:
    """The record whose fields stand in a frame's header."""
    return kind(**{field.name: header[field.name] for field in fields(kind)})


def _piece(header: Mapping[str, Any]) -> Piece:
    calls = tuple(ToolCall(**call) for call in header["calls"])
    return _record(Piece, {**header, "calls": calls, "logprobs": tuple(map(_likely, header["logprobs"]))})


def _likely(told: Mapping[str, Any]) -> Likely:
    others = tuple(map(_likely, told["others"]))
    return Likely(bytes=tuple(told["bytes"]), logprob=told["logprob"], others=others)


@contextmanager
def _typed_errors() -> Iterator[None]:
    """Inside, what the child refuses is the engine's own error."""
    try:
        yield
    except ChildRefused as error:
        raise rebuilt(error) from error
