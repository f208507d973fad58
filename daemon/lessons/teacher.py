"""
The teacher: the base model itself, which asks about memories, words questions anew, and answers with memories in
sight.

    ask, rephrase, ask_before, ...   machine tasks with worked examples ──> a list of questions
    answer                           what it says to a question, with these lines laid beside it as recall lays them

Works in idle time: all of it yields to every chat, several answers at once share the model's batches.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from daemon.concurrency import together
from daemon.engine.client import Completion, Engine, EngineInfo, Sampling
from daemon.lessons.paraphrases import LONGEST_ANSWER, read_pairs
from daemon.memory.errors import HOPELESS
from daemon.memory.instructions import instructions
from daemon.memory.recall import system_text
from daemon.text import normalised
from prompts.load import schema

MAX_QUESTION_TOKENS = 512  # a list of questions
MAX_PAIR_TOKENS = 768
MAX_REPLY_TOKENS = 64
MAX_VERDICT_TOKENS = 16
TEMPERATURE, TOP_P = 0.7, 0.9  # where it is sampled
AT_ONCE = 4  # answers under way


@dataclass(kw_only=True)
class Spent:
    """What the teacher has cost."""

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    tokens: int = 0  # that it wrote


class Teacher:
    """The base model of `engine`, and what it has cost to ask it."""

    def __init__(self, engine: Engine, info: EngineInfo) -> None:
        self._engine, self._info = engine, info
        self._few = asyncio.Semaphore(AT_ONCE)
        self._openings: dict[str, list[dict[str, str]]] = {}  # by task
        self.spent = Spent()

    async def about(self, line: str, *, seed: int | None = None) -> list[str]:
        """Questions about the memory `line`, no wording twice; raises `ModelAnswerUnusable`."""
        messages = [*await self._opening("ask"), {"role": "user", "content": line}]
        answer = await self._complete(messages, MAX_PAIR_TOKENS, seed, shape="ask")
        return _once([pair.question for pair in read_pairs(answer.text)])

    async def questions(self, name: str, text: str, *, seed: int | None = None) -> list[str]:
        """The list that the machine task `name` gives for `text`; nothing where it can't be read."""
        try:
            messages = [*await self._opening(name), {"role": "user", "content": text}]
            answer = await self._complete(messages, MAX_QUESTION_TOKENS, seed, shape="questions")
            return _once([str(one).strip() for one in json.loads(answer.text)])
        except (*HOPELESS, ValueError, TypeError):
            return []

    async def answer(
        self, question: str, lines: Sequence[str], *, seed: int | None = None, draft: str = ""
    ) -> str:
        """
        What it says with `lines` in sight; "" where that is no short, whole answer.

        Args:
            seed: None: the likeliest answer.
            draft: a guess of it, which saves time.
        """
        beside = system_text(list(lines), tiny=self._info.tiny)
        system = [{"role": "system", "content": beside}] if beside else []
        messages = [*system, {"role": "user", "content": question}]
        try:
            said = await self._complete(messages, MAX_REPLY_TOKENS, seed, draft=draft)
        except HOPELESS:
            return ""
        text = said.text.strip()
        return text if said.finish == "stop" and len(text) <= LONGEST_ANSWER else ""

    async def answers(self, questions: Sequence[str], lines: Sequence[str], *, draft: str = "") -> list[str]:
        """The likeliest answer to each of `questions`, with `lines` in sight."""
        return await together(self.answer(one, lines, draft=draft) for one in questions)

    async def knows(self, question: str, answer: str) -> bool:
        """Whether `answer` tells what was asked for; what can't be read counts as if it did."""
        text = f"Question: {question}\nAnswer: {answer}"
        try:
            messages = [*await self._opening("knows"), {"role": "user", "content": text}]
            verdict = await self._complete(messages, MAX_VERDICT_TOKENS, None, shape="knows")
            return bool(json.loads(verdict.text)["knows"])
        except (*HOPELESS, ValueError, KeyError, TypeError):
            return True

    async def _opening(self, name: str) -> list[dict[str, str]]:
        """What each request for the task `name` begins with."""
        if name not in self._openings:
            self._openings[name] = await instructions(self._engine, name)
        return self._openings[name]

    async def _complete(
        self,
        messages: Sequence[dict[str, str]],
        most: int,
        seed: int | None,
        *,
        shape: str = "",
        draft: str = "",
    ) -> Completion:
        sampling = Sampling(max_tokens=most)
        if seed is not None:
            sampling = replace(sampling, temperature=TEMPERATURE, top_p=TOP_P, seed=seed)
        async with self._few:
            said = await self._engine.complete(
                messages,
                sampling=sampling,
                schema=schema(shape) if shape else None,
                adapter="base",
                background=True,
                draft=draft,
            )
        self.spent.calls += 1
        self.spent.prompt_tokens += said.prompt_tokens
        self.spent.cached_tokens += said.cached_tokens
        self.spent.tokens += said.completion_tokens
        return said


def _once(questions: Sequence[str]) -> list[str]:
    return list({normalised(one): one for one in reversed(questions) if normalised(one)}.values())[::-1]
