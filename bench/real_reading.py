"""
Questions about the user that people typed, with memories beside: are they answered from them, or else not known?

Nano's hand-typed set (`models/nano/free_typed.jsonl`), judged as `models.skills.evaluation` does.
"""

import json
from importlib.resources import files
from typing import Any

from bench.real_setting import Setting
from daemon.chat.prompt_context import Turn, parse_history
from daemon.memory.recall import system_text
from models.skills.evaluation.cases import as_asked
from models.skills.evaluation.replies import is_fine
from models.skills.evaluation.setting import replies

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
        fine = is_fine(as_asked(case), said)
        right[case["task"]].append(fine)
        if not fine:
            setting.wrong.append(f"{case['task']}: {case['user']}\n   {case['memories']}\n   {said!r}")
    return {task: sum(fine) / len(fine) for task, fine in right.items() if fine}
