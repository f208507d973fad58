"""
What a night teaches nano: facts of synthetic users, asked for in words that were held out, on the real engine.

    user ──> lessons ──> python -m trainer ──> adapter ──> engine ─┬─> facts       no context
                                                                    ├─> grounded    3 memories beside
                                                                    ├─> abstain     things never told
                                                                    └─> other_user  another's questions

Promises: exact match, letter case and punctuation aside; greedy; every answer is the served model's own; nothing is
retried. A fact is asked for in the wording that the night held out for its exam; one without lessons is not known.
Grounded answers are asked of the facts that nano can read (its user's own and their people's). Part of
`bench/night.py`; alone: `python -m bench.night_facts [--json] [--quick] [--sizes 10,50] [--seeds 3] [--study]`.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console

from bench.intervals import difference, interval, percent
from bench.kept import Kept, fingerprint
from bench.study import studied
from bench.user_lessons import RECALLED, alike, text, tonight
from bench.users import Fact, User, user
from daemon.engine.client import Completion, Engine, Sampling
from daemon.exam.exam import MAX_REPLY_TOKENS
from daemon.exam.judging import is_correct
from daemon.lessons.tiny.abstention import is_abstention
from daemon.lessons.tokenised import tokenised, without_contradictions
from daemon.night.trainer_process import Trained, TrainerCommand, TrainingJob, train
from prompts.load import lines
from store.lessons import Lesson

Lessons = Callable[[User, Mapping[str, str], int], list[Lesson]]  # user, small talk and replies, seed
SIZES = (10, 50, 200, 1000)
QUICK = (10, 50)
TARGET_SIZE = 200  # up to here the targets hold, and there are several seeds
ASKED = 250  # of a user's facts, at most
NEVER = 40  # things never told that are asked for
AT_ONCE = 8  # questions in the engine


@dataclass(slots=True, kw_only=True)
class Marks:
    """Right or wrong, question by question; those of base and after are in the same order."""

    facts: list[bool] = field(default_factory=list)
    grounded_base: list[bool] = field(default_factory=list)
    grounded_after: list[bool] = field(default_factory=list)
    abstain_base: list[bool] = field(default_factory=list)  # with memories beside
    abstain_after: list[bool] = field(default_factory=list)
    abstain_alone: list[bool] = field(default_factory=list)  # after, without; the base always abstains then
    other_user: list[bool] = field(default_factory=list)
    train_s: list[float] = field(default_factory=list)

    def __iadd__(self, other: "Marks") -> "Marks":
        for each in fields(self):
            getattr(self, each.name).extend(getattr(other, each.name))
        return self


async def measure(
    *,
    sizes: Sequence[int] = SIZES,
    seeds: int = 3,
    recipe: Mapping[str, object] | None = None,
    lessons: Lessons = tonight,
    study: bool = False,
    kept: Path | None = None,
    log: Console | None = None,
) -> dict[str, Any]:
    """
    The numbers for `bench/night.py`, in percent; grounded, abstain and other_user over all sizes up to 200.

    Args:
        seeds: users of each size; of a size above 200 there is one.
        recipe: overrides of the trainer's.
        lessons: what a night learns of a user; another maker of lessons can be measured in its place.
        study: the lessons are those of the product's own study instead.
        kept: a file of nights measured by a run that was broken off; those of other lessons or recipes don't count.
    """
    engine = Engine.for_model(nano(), n_ctx=2048, threads=1, gpu_layers=0, idle_s=3600)
    file = Kept(kept, fingerprint("facts", recipe or {}, "study" if study else lessons.__qualname__))
    known = {(row["size"], row["seed"]): Marks(**row["marks"]) for row in file.rows()}
    found: dict[int, Marks] = {}
    try:
        answers = await ask_all(engine, [(asked, None) for asked in lines("small_talk")], "base")
        general = {asked: said.text.strip() for asked, said in zip(lines("small_talk"), answers, strict=True)}
        for size in sizes:
            found[size] = Marks()
            for seed in range(seeds if size <= TARGET_SIZE else 1):
                one = known.get((size, seed))
                if one is None:
                    told = user(seed, size, never=NEVER)
                    taught = await studied(engine, told, seed) if study else lessons(told, general, seed)
                    one = await _night(engine, told, taught, seed, recipe or {})
                    file.add({"size": size, "seed": seed, "marks": asdict(one)})
                found[size] += one
                if log:
                    log.print(f"{size} facts, user {seed}: {summary({size: one})['by_size'][size]}")
    finally:
        await engine.stop()
    return summary(found)


def summary(found: Mapping[int, Marks]) -> dict[str, Any]:
    """The numbers of all marks: percent, 95 % intervals, seconds a night."""
    together = Marks()
    for size, marks in found.items():
        if size <= TARGET_SIZE or len(found) == 1:
            together += marks
    shares = [each.name for each in fields(Marks) if each.name not in ("facts", "train_s")]
    return {
        "facts": {size: percent(marks.facts) for size, marks in found.items()},
        **{name: percent(getattr(together, name)) for name in shares},
        "intervals": {
            "facts": {size: interval(marks.facts) for size, marks in found.items()},
            "grounded_change": difference(together.grounded_after, together.grounded_base),
            "abstain_change": difference(together.abstain_after, together.abstain_base),
            "other_user": interval(together.other_user),
        },
        "night_s": {size: round(sum(m.train_s) / len(m.train_s), 1) for size, m in found.items()},
        "by_size": {
            size: {name: percent(getattr(m, name)) for name in ("facts", *shares)}
            for size, m in found.items()
        },
    }


def nano() -> Path:
    """The bundled model."""
    return Path(str(files("models.nano") / "nano.gguf"))


async def ask(engine: Engine, question: str, system: str | None, adapter: str) -> Completion:
    """One greedy answer."""
    turns = [{"role": "system", "content": system}] if system else []
    return await engine.complete(
        [*turns, {"role": "user", "content": question}],
        sampling=Sampling(max_tokens=MAX_REPLY_TOKENS),
        adapter=adapter,
    )


async def ask_all(engine: Engine, asked: Sequence[tuple[str, str | None]], adapter: str) -> list[Completion]:
    """The answers to (question, system turn) pairs, in order."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(question: str, system: str | None) -> Completion:
        async with room:
            return await ask(engine, question, system, adapter)

    return list(await asyncio.gather(*(one(*each) for each in asked)))


async def trained_on(
    engine: Engine, lessons: Sequence[Lesson], seed: int, recipe: Mapping[str, object]
) -> Trained:
    """What a night on one thread makes of these lessons; `engine` serves the bundled model."""
    tokens = await tokenised(engine, without_contradictions(lessons))
    job = TrainingJob(lessons=tokens, recipe={"threads": 1, **recipe}, seed=seed)
    return await train(job, TrainerCommand(model_path=nano()), lambda progress: None)


async def _night(
    engine: Engine, told: User, taught: Sequence[Lesson], seed: int, recipe: Mapping[str, object]
) -> Marks:
    """One user: a night, and the questions after it."""
    trained = await trained_on(engine, taught, seed, recipe)
    adapter = await engine.load(trained.adapter)
    try:
        marks = await _examined(engine, told, taught, adapter, Random(f"exam {seed}"))
    finally:
        await engine.unload(adapter)
    marks.train_s.append(trained.seconds)
    return marks


async def _examined(
    engine: Engine, told: User, taught: Sequence[Lesson], adapter: str, chance: Random
) -> Marks:
    facts = chance.sample(told.facts, min(ASKED, len(told.facts)))
    readable = [fact for fact in facts if fact.is_near]
    beside = [text([fact, *alike(told, fact, RECALLED - 1, chance)]) for fact in readable]
    never = [(one.held_out, text(alike(told, one, RECALLED, chance))) for one in told.never]
    alone: list[tuple[str, str | None]] = [(one.held_out, None) for one in told.never]
    others = user("other", len(told.facts), untold=0, never=0).facts[:ASKED]
    pairs = [(fact.held_out, system) for fact, system in zip(readable, beside, strict=True)]
    return Marks(
        facts=await _known(engine, held_out(taught), len(told.facts), adapter, chance),
        grounded_base=await _right(engine, readable, pairs, "base"),
        grounded_after=await _right(engine, readable, pairs, adapter),
        abstain_base=[is_abstention(one.text) for one in await ask_all(engine, never, "base")],
        abstain_after=[is_abstention(one.text) for one in await ask_all(engine, never, adapter)],
        abstain_alone=[is_abstention(one.text) for one in await ask_all(engine, alone, adapter)],
        other_user=await _right(engine, others, [(fact.held_out, None) for fact in others], adapter),
    )


def held_out(taught: Sequence[Lesson]) -> list[Lesson]:
    """The question of each memory that was held out of the night; the first, where there are several."""
    asked: dict[tuple[int, ...], Lesson] = {}
    for lesson in taught:
        if lesson.kind == "fact" and lesson.split == "exam":
            asked.setdefault(lesson.memory_ids[:1], lesson)
    return list(asked.values())


async def _known(
    engine: Engine, asked: Sequence[Lesson], told: int, adapter: str, chance: Random
) -> list[bool]:
    """Whether each of `told` facts, or `ASKED` of them, is known without context; one without lessons is not."""
    every: list[Lesson | None] = [*asked, *[None] * (told - len(asked))]
    chosen = [one for one in chance.sample(every, min(ASKED, told)) if one]
    answers = await ask_all(engine, [(one.question, None) for one in chosen], adapter)
    right = [is_correct(said.text, one.answer) for said, one in zip(answers, chosen, strict=True)]
    return [*right, *[False] * (min(ASKED, told) - len(chosen))]


async def _right(
    engine: Engine, facts: Sequence[Fact], asked: Sequence[tuple[str, str | None]], adapter: str
) -> list[bool]:
    answers = await ask_all(engine, asked, adapter)
    return [is_correct(said.text, fact.answer) for said, fact in zip(answers, facts, strict=True)]


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--quick", action="store_true", help=f"sizes {QUICK}, one user each")
    parser.add_argument("--sizes", type=lambda given: tuple(map(int, given.split(","))), default=SIZES)
    parser.add_argument("--seeds", type=int, default=3, help="users of each size")
    parser.add_argument("--recipe", type=json.loads, default={}, help="overrides of the trainer's, JSON")
    parser.add_argument("--study", action="store_true", help="lessons of the product's own study")
    parser.add_argument("--kept", type=Path, help="a file of measured nights, to go on from")
    given = parser.parse_args()
    sizes, seeds = (QUICK, 1) if given.quick else (given.sizes, given.seeds)
    log = Console(stderr=True, width=400)
    night = measure(
        sizes=sizes, seeds=seeds, recipe=given.recipe, study=given.study, kept=given.kept, log=log
    )
    numbers = asyncio.run(night)
    if given.json:
        sys.stdout.write(json.dumps(numbers) + "\n")
    else:
        Console().print(numbers)


if __name__ == "__main__":
    main()
