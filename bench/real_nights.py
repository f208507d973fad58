"""
What a night teaches a real model: facts of synthetic users, asked for in words that were held out.

    user ──> lessons, general prompts in the model's own words ──> python -m trainer ──> adapter ──> engine
        facts        no context, held-out wording            grounded   three memories beside, before and after
        abstain      things never told, before and after     general    what the base answers rightly, kept
        other_user   another's questions                     speed      decoding with the adapter live, to without

Promises: an answer is right when it says the value that was told and does not say that it isn't known; greedy, nothing
is retried. A night that was measured stays in `--kept FILE`, for a run that goes on.
"""

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from bench import real_general
from bench.kept import Kept, fingerprint
from bench.night_facts import held_out
from bench.real_setting import Setting
from bench.user_lessons import RECALLED, alike, tonight
from bench.users import Fact, User, user
from daemon.chat.prompt_context import Turn, parse_history
from daemon.engine.client import Engine, Sampling
from daemon.lessons.general import prompts
from daemon.lessons.tiny.abstention import is_abstention
from daemon.lessons.tokenised import tokenised, without_contradictions
from daemon.memory.recall import recalled_lines, system_text
from daemon.night.trainer_process import Trained, TrainerCommand, TrainingJob, train
from daemon.text import normalised
from models.skills.evaluation.general import beside_of, is_right, questions
from models.skills.evaluation.setting import Messages, replies
from store.lessons import Lesson

SIZES = (10, 50, 200)
ASKED = 200  # facts of a user, at most
NEVER = 40  # things never told that are asked for
UNTOLD = 20  # things never told to learn from, and one for every second fact
GENERAL = 50  # prompts, of which every fifth is held out
OWN_WORDS = 60  # tokens of an answer to a general prompt
MAX_TOKENS = 48
SPEED_TOKENS = 96
ROUNDS = 5
Strings = Sequence[str]
QUESTION = "Describe a walk through a forest in as many words as you can."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question about a user, and what lies beside it."""

    text: str
    value: str = ""  # that was told; "": nothing was
    beside: str | None = None


async def measure(setting: Setting) -> dict[str, Any]:
    """One night of each size up to `setting.items` facts; shares, seconds, and what the trainer reported."""
    sizes = [size for size in SIZES if setting.items is None or size <= setting.items] or [SIZES[0]]
    file = Kept(setting.kept, fingerprint("real nights", setting.model.name, setting.recipe))
    known = {row["size"]: row["found"] for row in file.rows()}
    missing = [size for size in sizes if size not in known]
    if missing:
        async with setting.engine() as engine:
            general = await own_words(engine, prompts()[:GENERAL])
            asked = questions()[0]
            alone = await real_general.answers(engine, asked)
            again = (await real_general.answers(engine, asked[::-1]))[::-1]
            for size in missing:
                known[size] = await _night(setting, engine, size, general, (alone, again))
                file.add({"size": size, "found": known[size]})
    return {str(size): known[size] for size in sizes}


async def own_words(engine: Engine, prompts: Sequence[str]) -> dict[str, str]:
    """What the base says to each prompt."""
    said = await replies(
        engine, [[{"role": "user", "content": one}] for one in prompts], max_tokens=OWN_WORDS
    )
    return {asked: one.text.strip() for asked, one in zip(prompts, said, strict=True) if one.text.strip()}


async def _night(
    setting: Setting, engine: Engine, size: int, general: Mapping[str, str], bases: tuple[Strings, Strings]
) -> dict[str, Any]:
    """One user's night, and the questions after it; `bases`: what the base says to the general questions, twice."""
    tiny = (await engine.info()).tiny
    told = user(0, size, untold=UNTOLD + size // 2, never=NEVER)
    lessons = [  # as in a night no general one is held out: they would drown the loss of the facts
        _laid(one, tiny)
        for one in without_contradictions(tonight(told, general, 0))
        if one.kind != "general" or one.split == "train"
    ]
    job = TrainingJob(lessons=await tokenised(engine, lessons), recipe=setting.recipe, seed=0)
    trained = await train(job, TrainerCommand(model_path=setting.model), lambda progress: None)
    adapter = await engine.load(trained.adapter)
    try:
        return {
            **await _examined(engine, told, lessons, adapter, tiny),
            "general": await _general(engine, adapter, bases),
            "speed": await _speed(engine, adapter),
            "trainer": _report(lessons, trained),
        }
    finally:
        await engine.unload(adapter)


def _laid(lesson: Lesson, tiny: bool) -> Lesson:
    """`lesson` with its grounding as recall words it for this model."""
    beside = recalled_lines(lesson.grounding or "")
    return replace(lesson, grounding=system_text(beside, tiny=tiny))


async def _examined(
    engine: Engine, told: User, lessons: Sequence[Lesson], adapter: str, tiny: bool
) -> dict[str, Any]:
    chance = Random("exam 0")
    facts = chance.sample(told.facts, min(ASKED, len(told.facts)))
    words = {one.memory_ids[0]: one.question for one in held_out(lessons)}
    ids = {fact.key: id for id, fact in enumerate(told.facts, 1)}
    alone = [
        Asked(text=words[ids[one.key]], value=one.told[-1].value) for one in facts if ids[one.key] in words
    ]
    beside = [
        Asked(text=one.held_out, value=one.told[-1].value, beside=_beside(told, one, chance, tiny))
        for one in facts
    ]
    never = [
        Asked(text=one.held_out, beside=_beside(told, one, chance, tiny, own=False)) for one in told.never
    ]
    others = user("other", len(told.facts), untold=0, never=0).facts[:ASKED]
    return {
        "asked": len(facts),
        "facts": await _right(engine, alone, adapter) * len(alone) / len(facts),
        "facts_base": await _right(engine, alone, "base") * len(alone) / len(facts),
        "grounded_base": await _right(engine, beside, "base"),
        "grounded": await _right(engine, beside, adapter),
        "abstain_base": await _right(engine, never, "base"),
        "abstain": await _right(engine, never, adapter),
        "abstain_alone": await _right(engine, [Asked(text=one.text) for one in never], adapter),
        "other_user": await _right(
            engine, [Asked(text=one.held_out, value=one.told[-1].value) for one in others], adapter
        ),
    }


def _beside(told: User, about: Fact, chance: Random, tiny: bool, *, own: bool = True) -> str | None:
    """Three memories as recall lays them: `about` with others like it, or, of what was never told, others alone."""
    chosen = [*([about] if own else []), *alike(told, about, RECALLED - own, chance)]
    lines = [one.line for one in sorted(chosen, key=lambda one: one.told[-1].on)]
    return system_text(lines, tiny=tiny)


async def _right(engine: Engine, asked: Sequence[Asked], adapter: str) -> float:
    """The share of questions that are answered rightly; what was never told by saying so."""
    if not asked:
        return 0.0
    told: list[Messages] = [
        parse_history([Turn(role="user", text=one.text)]).messages(one.beside) for one in asked
    ]
    said = await replies(engine, told, max_tokens=MAX_TOKENS, adapter=adapter)
    return sum(_is_right(one, reply.text) for one, reply in zip(asked, said, strict=True)) / len(asked)


def _is_right(asked: Asked, reply: str) -> bool:
    if not asked.value:
        return is_abstention(reply)
    value = re.sub(r"^an? ", "", normalised(asked.value))
    return re.search(rf"\b{re.escape(value)}\b", normalised(reply)) is not None and not is_abstention(reply)


async def _general(engine: Engine, adapter: str, bases: tuple[Strings, Strings]) -> dict[str, float]:
    """
    How many general questions are answered rightly before and after, and the shares of those right before that still
    are: after the night, and (`again`) where the base is only asked once more.
    """
    asked, persons = questions()
    names = [beside_of(one, at, persons).names for at, one in enumerate(asked)]
    after = await real_general.answers(engine, asked, adapter=adapter)
    alone, again, now = (
        [is_right(*one) for one in zip(asked, said, names, strict=True)] for said in (*bases, after)
    )
    right = max(1, sum(alone))
    return {
        "right": sum(alone),
        "right_again": sum(again),
        "right_after": sum(now),
        "kept": sum(was and still for was, still in zip(alone, now, strict=True)) / right,
        "kept_again": sum(was and still for was, still in zip(alone, again, strict=True)) / right,
    }


async def _speed(engine: Engine, adapter: str) -> float:
    """Tokens a second with the adapter live, to those without; the best of some rounds, in turns."""
    best = {"base": 0.0, adapter: 0.0}
    for _ in range(ROUNDS):
        for one in best:
            began = time.monotonic()
            said = await engine.complete(
                [{"role": "user", "content": QUESTION}],
                sampling=Sampling(max_tokens=SPEED_TOKENS),
                adapter=one,
            )
            best[one] = max(best[one], said.completion_tokens / (time.monotonic() - began))
    return best[adapter] / best["base"]


def _report(lessons: Sequence[Lesson], trained: Trained) -> dict[str, Any]:
    return {
        "lessons": dict(Counter(one.kind for one in lessons if one.split == "train")),
        "steps": trained.steps,
        "train_loss": trained.train_loss,
        "exam_loss": trained.exam_loss,
        "seconds": round(trained.seconds, 1),
        "peak_mb": trained.peak_mb,
        "tokens_per_s": trained.tokens_per_s,
        "backend": trained.backend,
    }
