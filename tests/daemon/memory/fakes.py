"""Hand-written stand-ins for the two models, and a real store in a temporary folder."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from daemon.core import Core
from daemon.embedding.client import Embedder, EmbedderInfo
from daemon.engine.client import GREEDY, Completion, Engine, EngineInfo, Finish, Mark, Sampling
from daemon.store_thread import StoreThread
from daemon.text import content_words
from prompts.load import task
from store import memories
from store.chats import Message
from store.database import open_store
from store.lessons import Lesson
from store.memories import Memory

Script = Callable[[str], object]  # what the user turn says -> an answer; not a text: it is sent as JSON
DIMENSION = 64
_TASKS = ("observe", "evolve", "ask")
DAY = date(2026, 3, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, as the engine got it."""

    task: str  # "observe" | "evolve" | "ask" | "answer"
    text: str  # the last turn
    system: str
    schema: dict[str, Any] | None
    adapter: str | None
    background: bool
    turns: int = 2


def quoted(choice: object, asked: str) -> object:
    """`choice` as the model writes it: its index turned into the memory that stands at this place in `asked`."""
    if not isinstance(choice, dict):
        return choice
    lines = dict(enumerate(["", *asked.splitlines()[:-1]]))
    rest = {name: value for name, value in choice.items() if name != "index"}
    return {"memory": lines.get(choice["index"], "something else"), **rest}


class FakeEngine(Engine):
    """Answers from scripts, one per task; without one it answers with all it was told. Counts a token per word."""

    def __init__(
        self,
        *,
        n_ctx: int = 2048,
        taught: bool = True,
        tiny: bool = True,
        finish: Finish = "stop",
        marks: tuple[Mark, ...] = (),
        **scripts: Script,
    ) -> None:
        self.asked: list[Asked] = []
        self.n_ctx = n_ctx
        self.taught = taught
        self.tiny = tiny
        self.cannot_learn: str | None = None
        self.finish: Finish = finish
        self.marks = marks
        self.rests = False
        self.bytes = 0  # of the model
        self.scripts = scripts

    @property
    def is_running(self) -> bool:
        return not self.rests

    async def info(self) -> EngineInfo:
        return EngineInfo(
            name="fake",
            n_ctx=self.n_ctx,
            sha256="b" * 64,
            bytes=self.bytes,
            architecture="qwen3",
            n_vocab=1,
            taught=self.taught,
            tiny=self.tiny,
            cannot_learn=self.cannot_learn,
        )

    async def count(self, messages: Sequence[Mapping[str, Any]]) -> int:
        return sum(len(str(message["content"]).split()) for message in messages)

    async def tokenise(
        self, chats: Sequence[tuple[Sequence[Mapping[str, Any]], str | None]]
    ) -> list[tuple[list[int], list[int]]]:
        """A token is the number of a letter; messages are lines, a reply is one, so that both can be read again."""
        texts = [
            ("".join(f"{message['content']}\n" for message in messages), reply) for messages, reply in chats
        ]
        return [
            ([*map(ord, prompt)], [] if reply is None else [*map(ord, f"{reply}\n")])
            for prompt, reply in texts
        ]

    async def complete(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        sampling: Sampling = GREEDY,
        schema: dict[str, Any] | None = None,
        adapter: str | None = "live",
        background: bool = False,
        draft: str = "",
    ) -> Completion:
        system = str(messages[0]["content"]) if messages[0]["role"] == "system" else ""
        name = next(
            (one for one in _TASKS if system == task(one, taught=self.taught)[0]["content"]), "answer"
        )
        text = str(messages[-1]["content"])
        self.asked.append(
            Asked(
                task=name,
                text=text,
                system=system,
                schema=schema,
                adapter=adapter,
                background=background,
                turns=len(messages),
            )
        )
        answer = system if name == "answer" and name not in self.scripts else self.scripts[name](text)
        written = answer if isinstance(answer, str) else json.dumps(answer)
        return Completion(
            text=written, finish=self.finish, prompt_tokens=1, completion_tokens=1, marks=self.marks
        )

    def tasks(self) -> list[str]:
        return [one.task for one in self.asked]


class FakeEmbedder(Embedder):
    """A vector of content words: texts that share words are near each other."""

    def __init__(self, *, alike: Mapping[str, str] | None = None) -> None:
        """`alike`: words that mean what another word means."""
        self._alike = dict(alike or {})
        self.batches: list[int] = []

    async def info(self) -> EmbedderInfo:
        return EmbedderInfo(id="fake", dimension=DIMENSION)

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> npt.NDArray[np.float32]:
        self.batches.append(len(texts))
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> npt.NDArray[np.float32]:
        vector = np.zeros(DIMENSION, dtype=np.float32)
        vector[0] = 0.1  # never zero
        for word in content_words(text):
            vector[1 + crc32(self._alike.get(word, word).encode()) % (DIMENSION - 1)] += 1.0
        return vector / np.linalg.norm(vector)


@asynccontextmanager
async def open_store_thread(folder: Path) -> AsyncIterator[StoreThread]:
    """A real store in `folder`, closed afterwards."""
    store_thread = StoreThread(partial(open_store, folder / "tsubasa.db", b"k" * 32))
    await store_thread.open()
    try:
        yield store_thread
    finally:
        await store_thread.close()


def core_of(
    store_thread: StoreThread, engine: Engine | None = None, embedder: Embedder | None = None
) -> Core:
    """A store and stand-ins for the models that don't matter to the test."""
    return Core(store_thread=store_thread, engine=engine or FakeEngine(), embedder=embedder or FakeEmbedder())


async def remember(store_thread: StoreThread, *texts: str, told_on: date = DAY, **rest: Any) -> Memory:
    """Add memories; the last one."""
    for text in texts:
        one = await store_thread.run(memories.add, text, told_on=told_on, **{"sources": (), **rest})
    return one


def make_memory(
    id: int, text: str = "The user lives in Ghent.", told_on: date = DAY, **changes: Any
) -> Memory:
    """A memory of the user's that holds since it was told, unless `changes` say otherwise."""
    rest = {"valid_from": told_on, "valid_to": None, "superseded_by": None, "trust": "user", **changes}
    return Memory(id=id, text=text, told_on=told_on, **rest)


def make_message(
    id: int, text: str, *, role: str = "user", source: str = "api", speaker: str = ""
) -> Message:
    return Message(
        id=id,
        chat_id=1,
        parent_id=None,
        role=role,
        speaker=speaker,
        text=text,
        said_at=datetime(2026, 3, 5, 12, tzinfo=UTC),
        source=source,
        external_id=None,
        observed_by=None,
        hash="",
    )


def make_lesson(id: int, *memory_ids: int, **changes: Any) -> Lesson:
    """A lesson about a fact that is trained, unless `changes` say otherwise."""
    usual = {"question": f"q{id}", "answer": "a", "grounding": None, "kind": "fact", "split": "train"}
    return Lesson(id=id, **{"memory_ids": memory_ids, **usual, **changes})


def pairs_about(line: str) -> list[dict[str, str]]:
    """Five questions about a narrative line, as a good model asks them."""
    topic, value = topic_and_value(line)
    return [{"q": f"Question {number} about {topic}?", "a": f"It is {value}."} for number in range(1, 6)]


def topic_and_value(line: str) -> tuple[str, str]:
    """The last two words that say something: "…: The user's dog is called Rex." -> ("dog", "Rex")."""
    said = [word.strip(".") for word in line.replace("'s ", " ").split()]
    topic, value = [word for word in said if content_words(word)][-2:]
    return topic, value
