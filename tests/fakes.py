"""
Hand-written stand-ins for the engine and the embedder, for tests of what is around them.

They keep the promises of the real ones: a first piece without text, counts that grow, cancelling by closing.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from daemon.embedding.client import Embedder, EmbedderInfo
from daemon.engine.client import (
    AT_ONCE,
    GREEDY,
    Engine,
    EngineInfo,
    Finish,
    Piece,
    Reasoning,
    Sampling,
    Score,
    ToolCall,
    Tools,
)
from daemon.processes.supervisor import Supervisor

SHA256 = "b" * 64
DIMENSION = 16


class FakeEngine(Engine):
    """Says `words`, whatever it is asked; remembers what it was asked."""

    def __init__(self, *words: str) -> None:
        super().__init__(Supervisor("engine", ["none"], hello={}, idle_s=1.0))
        self.words = list(words) or ["Hel", "lo", "."]
        self.thoughts: list[str] = []  # before them
        self.calls: list[ToolCall] = []  # after them, where there are tools
        self.finish: Finish = "stop"
        self.requests: list[dict[str, Any]] = []
        self.before_first: Exception | None = None  # raised before the first piece
        self.before_last: Exception | None = None  # raised after all words, before the finish
        self.go_on: asyncio.Event | None = None  # waited for after the first word
        self.spoke = asyncio.Event()  # set after the first word
        self.cancelled = asyncio.Event()
        self.adopted: list[bytes | None] = []
        self.taught = True
        self.tiny = True

    async def info(self) -> EngineInfo:
        return EngineInfo(
            name="fake",
            n_ctx=512,
            sha256=SHA256,
            architecture="qwen3",
            n_vocab=300,
            taught=self.taught,
            tiny=self.tiny,
        )

    async def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        sampling: Sampling = GREEDY,
        schema: dict[str, Any] | None = None,
        adapter: str | None = "live",
        background: bool = False,
        draft: str = "",
        counted: Sequence[Mapping[str, Any]] = (),
        reasoning: Reasoning = AT_ONCE,
        tools: Tools | None = None,
        grammar: str | None = None,
        raw: str | Sequence[int] | None = None,
    ) -> AsyncGenerator[Piece, None]:
        asked = {"messages": list(messages), "sampling": sampling, "schema": schema, "adapter": adapter}
        self.requests.append(
            {**asked, "reasoning": reasoning, "tools": tools, "grammar": grammar, "raw": raw}
            | {"background": background}
        )
        if self.before_first is not None:
            raise self.before_first
        count = len(messages)
        yield Piece(text="", prompt_tokens=count, counted_tokens=await self.count(counted))
        for thought in self.thoughts:
            yield Piece(text="", thought=thought, prompt_tokens=count)
        thoughts = len(self.thoughts)
        try:
            for said, word in enumerate(self.words, start=1):
                tokens = {"completion_tokens": thoughts + said, "thought_tokens": thoughts}
                yield Piece(text=word, prompt_tokens=count, **tokens)
                self.spoke.set()
                if said == 1 and self.go_on is not None:
                    await self.go_on.wait()
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.set()
            raise
        if self.before_last is not None:
            raise self.before_last
        tokens = {"completion_tokens": thoughts + len(self.words), "thought_tokens": thoughts}
        calls = tuple(self.calls) if tools is not None else ()
        yield Piece(text="", calls=calls, finish=self.finish, prompt_tokens=count, **tokens)

    async def score(
        self, messages: Sequence[Mapping[str, Any]], replies: Sequence[str], *, adapter: str | None = "live"
    ) -> list[Score]:
        """Replies that it would say itself are likely to an adapter; to the base, none is."""
        knows = adapter not in (None, "base")
        return [
            Score(tokens=1, nats=0.1 if knows and reply == "".join(self.words) else 20 + len(reply) % 3)
            for reply in replies
        ]

    async def count(self, messages: Sequence[Mapping[str, Any]], *, tools: Tools | None = None) -> int:
        return sum(len(str(message["content"]).split()) for message in messages)

    async def cut(self, text: str) -> list[int]:
        return _tokens(text)

    async def join(self, tokens: Sequence[int]) -> str:
        return " ".join(f"<{token}>" for token in tokens)

    async def pieces(self, tokens: Sequence[int]) -> list[str]:
        return [f"<{token}>" for token in tokens]

    async def tokenise(
        self, chats: Sequence[tuple[Sequence[Mapping[str, Any]], str | None]]
    ) -> list[tuple[list[int], list[int]]]:
        """A token for each word; 0 ends a turn."""
        prompts = [" ".join(str(message["content"]) for message in messages) for messages, _ in chats]
        replies = [None if reply is None else [*_tokens(reply), 0] for _, reply in chats]
        return [(_tokens(text), reply or []) for text, reply in zip(prompts, replies, strict=True)]

    async def load(self, adapter: bytes) -> str:
        return f"loaded:{len(adapter)}"

    async def adopt(self, adapter: bytes | None) -> float:
        self.adopted.append(adapter)
        self._live = None if adapter is None else hashlib.sha256(adapter).hexdigest()
        return 0.1

    async def unload(self, sha256: str) -> None:
        pass


def _tokens(text: str) -> list[int]:
    return [1 + sum(word.encode()) % 299 for word in text.split()]


LONGEST = 500  # words of a text that the fake embedder reads


class FakeEmbedder(Embedder):
    """Texts that share letters are near each other."""

    def __init__(self) -> None:
        super().__init__(Supervisor("embedder", ["none"], hello={}, idle_s=1.0))
        self.made = EmbedderInfo(id="fake", dimension=DIMENSION)  # None: it starts still
        self.fails: Exception | None = None  # with this, whatever it is asked
        self.dimension = DIMENSION

    def start_soon(self) -> None:
        pass

    async def info(self) -> EmbedderInfo:
        return EmbedderInfo(id="fake", dimension=DIMENSION, longest=LONGEST)

    async def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> npt.NDArray[np.float32]:
        if self.fails is not None:
            raise self.fails
        vectors = np.full((len(texts), self.dimension), 0.01, dtype=np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                vectors[row, ord(letter) % self.dimension] += 1.0
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
