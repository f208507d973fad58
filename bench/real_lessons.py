"""
What a model makes of memories by itself: which get lessons, whether these are right, and what that costs.

    memories ──> study() ──> lessons: right when the answer has the value
             └─> untold() ──> lessons in abstaining: right when the answer has none of the values

By the daemon's own code, in a store of its own; no lesson is trained. English and German are told apart.
"""

import re
import time
from collections import Counter
from dataclasses import asdict
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.real_setting import Setting
from daemon.core import Core
from daemon.embedding.client import Embedder
from daemon.engine.client import Engine
from daemon.lessons import self_study
from daemon.lessons.abstention import untold
from daemon.lessons.errors import NothingAsked
from daemon.lessons.regularisation import current_lines
from daemon.lessons.teacher import Spent, Teacher
from daemon.memory.errors import HOPELESS
from daemon.store_thread import StoreThread
from daemon.text import content_words
from store import lessons, memories, memory_queries
from store.database import open_store
from store.lessons import NewLesson

FIRST = date(2026, 3, 2)
TOLD = {  # what is told, the value in brackets
    "english": (
        "The user lives in [Ghent].",
        "The user's sister is called [Priya].",
        "The user works as a [baker].",
        "The user's dog is called [Biscuit].",
        "The user is allergic to [peanuts].",
        "The user's birthday is on [9] May.",
        "The user plays the [cello] in an orchestra.",
        "The user drives an old [Volvo].",
        "The user's favourite food is [ramen].",
        "The user moved to Leeds in [2019].",
        "The user's boss Ana comes from [Lisbon].",
        "The user runs [ten] kilometres every Sunday.",
    ),
    "german": (
        "Die Nutzerin wohnt in [Bonn].",
        "Der Hund der Nutzerin heißt [Bello].",
        "Die Nutzerin arbeitet als [Tischlerin].",
        "Die Nutzerin hat am [14]. Juni Geburtstag.",
    ),
}


async def measure(setting: Setting) -> dict[str, Any]:
    """For each language: memories with lessons, lessons that are right, calls, tokens and seconds for a memory."""
    embedder = Embedder.for_model(threads=1)
    try:
        async with setting.engine() as engine:
            return {
                language: await _language(setting, engine, embedder, setting.some(told))
                for language, told in TOLD.items()
            }
    finally:
        await embedder.stop()


async def _language(setting: Setting, engine: Engine, embedder: Embedder, told: list[str]) -> dict[str, Any]:
    values = {re.sub(r"[\[\]]", "", text): re.findall(r"\[(.*?)\]", text)[0] for text in told}
    with TemporaryDirectory() as folder:
        store_thread = StoreThread(partial(open_store, Path(folder) / "tsubasa.db", b"k" * 32))
        await store_thread.open()
        try:
            core = Core(store_thread=store_thread, engine=engine, embedder=embedder)
            return {
                "own": await _studied(setting, core, values),
                "abstain": await _untold(setting, core, list(values.values())),
            }
        finally:
            await store_thread.close()


async def _studied(setting: Setting, core: Core, values: dict[str, str]) -> dict[str, Any]:
    teacher, why = Teacher(core.engine, await core.engine.info()), Counter[str]()
    began, with_lessons, right, made_in_all = time.monotonic(), 0, 0, 0
    for place, (text, value) in enumerate(values.items()):
        day = FIRST + timedelta(days=place)
        memory = await core.store_thread.run(memories.add, text, told_on=day, sources=())
        line = await core.store_thread.run(memory_queries.narrative, memory)
        try:
            made = await self_study.study(teacher, memory, line, [])
        except HOPELESS as error:
            why[
                error.why.split(", ")[0].partition(" ")[2]
                if isinstance(error, NothingAsked)
                else "unreadable"
            ] += 1
            continue
        await core.store_thread.run(lessons.add, made)
        with_lessons += 1
        made_in_all += len(made)
        right += sum(_is_right(setting, one, [value]) for one in made)
    return {
        "memories": len(values),
        "with_lessons": with_lessons,
        "lessons": made_in_all,
        "right": right,
        "none_because": dict(why),
        **_cost(teacher.spent, len(values), time.monotonic() - began),
    }


async def _untold(setting: Setting, core: Core, values: list[str]) -> dict[str, Any]:
    teacher, began = Teacher(core.engine, await core.engine.info()), time.monotonic()
    run = core.store_thread.run
    found = await untold(core, teacher, await run(lessons.holding), await run(current_lines), seed=1)
    asked = [one for one in found.made if one.kind == "abstain"]
    right = sum(not any(_has(one.answer, value) for value in values) for one in asked)
    setting.wrong.extend([f"abstain: {one.question} -> {one.answer}" for one in asked])
    return {
        "lessons": len(asked),
        "right": right,
        **_cost(teacher.spent, max(len(asked), 1), time.monotonic() - began),
    }


def _is_right(setting: Setting, lesson: NewLesson, values: list[str]) -> bool:
    right = all(_has(lesson.answer, value) for value in values)
    setting.wrong.extend([f"{'right' if right else 'WRONG'}: {lesson.question} -> {lesson.answer}"])
    return right


def _has(answer: str, value: str) -> bool:
    return set(content_words(value)) <= set(content_words(answer))


def _cost(spent: Spent, by: int, seconds: float) -> dict[str, float]:
    """Calls, tokens and seconds, each by so many."""
    return {
        **{name: round(number / by, 1) for name, number in asdict(spent).items()},
        "seconds_each": round(seconds / by, 1),
    }
