"""
Questions about the user that people typed, with memories beside: are they answered from them, or else not known?

Nano's hand-typed set (`models/nano/free_typed.jsonl`). An answer is right when it has the words of the value and not
those of its neighbour; where no memory answers, when it makes no name, number or day up and gives no memory's value.
"""

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from bench.real_setting import Setting, replies
from daemon.chat.prompt_context import Turn, parse_history
from daemon.memory.recall import system_text
from daemon.text import value_words
from models.skills.evaluation.replies import is_speech

MAX_TOKENS = 48


def typed(*tasks: str) -> list[dict[str, Any]]:
    """The hand-typed messages of these tasks."""
    lines = (files("models.nano") / "free_typed.jsonl").read_text(encoding="utf-8").splitlines()
    return [case for case in map(json.loads, lines) if case["task"] in tasks]


async def measure(setting: Setting) -> dict[str, Any]:
    """The shares of questions that are answered rightly, and of those without an answer that are met with none."""
    cases = setting.some(typed("answer", "abstain"))
    async with setting.engine() as engine:
        tiny = (await engine.info()).tiny
        prompts = [
            parse_history([Turn(role="user", text=case["user"])]).messages(
                system_text(case["memories"], tiny=tiny)
            )
            for case in cases
        ]
        answers = [one.text.strip() for one in await replies(engine, prompts, max_tokens=MAX_TOKENS)]
    right: dict[str, list[bool]] = {"answer": [], "abstain": []}
    for case, said in zip(cases, answers, strict=True):
        fine = is_answered(case, said) if case["task"] == "answer" else makes_nothing_up(case, said)
        right[case["task"]].append(fine)
        if not fine:
            setting.wrong.append(f"{case['task']}: {case['user']}\n   {case['memories']}\n   {said!r}")
    return {task: sum(fine) / len(fine) for task, fine in right.items() if fine}


def is_answered(case: dict[str, Any], said: str) -> bool:
    """Whether every wanted word is there, and no rejected one."""
    low = said.lower()
    return all(word.lower() in low for word in case["expect"]) and not any(
        word.lower() in low for word in case["reject"]
    )


def makes_nothing_up(case: dict[str, Any], said: str) -> bool:
    """Whether it is speech, with no name or number in it that question and memories don't have."""
    told = " ".join([case["user"], *case["memories"]])
    sentences: Sequence[str] = re.split(r"(?<=[.!?:])\s+|\n", said)
    values = {word for sentence in sentences for word in value_words(sentence)}
    return is_speech(said, 2) and values <= {word.lower() for word in re.findall(r"\w+", told)}
