"""
Can one tell from the weights that a forgotten fact was ever learned? python -m bench.membership [--facts N] [--seeds S]

    a store, nano ── told 2 N facts ── night ── N forgotten, the next night from the base ── both adapters, probed
         another N of the same user, told to nobody: what never-trained facts look like

A probe is how much likelier than to the base an answer is to an adapter, in nats, over a few wordings. Two areas under
the ROC curve (1: told apart always, 0.5: not at all), of the told value and of the fact:

    values   the answer with the told value, against the same answer with values that nobody told
    facts    how far the told value stands above those values, against the same of never-trained facts

Before `forget` both have to be high, and afterwards for the facts that were kept: else the probes find nothing at all.
Which fact is forgotten, kept or told to nobody is drawn by chance, and so is each value, none twice: what is left to
tell them by is the weights. Study, lessons, trainer, `forget` and the probes that follow it are the product's own; only
the exam is left out, for what it refuses is never asked for anything.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from bench.intervals import area, area_interval, interval
from bench.kept import Kept, fingerprint
from bench.night_facts import nano
from bench.users import Fact, any_value, user
from daemon.core import Core
from daemon.embedding.client import Embedder
from daemon.engine.client import Engine
from daemon.exam.acceptance import Verdict
from daemon.forgetting.forget import Forgetting, Wanted
from daemon.forgetting.verification import Unlearning
from daemon.generations.service import Generations
from daemon.lessons.tokenised import tokenised, without_contradictions
from daemon.night.pipeline import prepare
from daemon.night.trainer_process import TrainerCommand, TrainingJob, train
from daemon.store_thread import StoreThread
from store import generations, memories
from store.database import Connection, open_store

CONTROLS = 24  # values that nobody told, for each fact
WORDINGS = (
    0,
    1,
    -1,
)  # questions about a fact that are asked: two to learn from, and the one that is held out
CONTEXT = 2048
HIGH = 0.9  # an area before `forget` below which the probes are not worth much
RECIPE = {"threads": 1, "precision": "float32"}  # the same on every processor


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What one user tells, and does not."""

    forgotten: tuple[Fact, ...]
    kept: tuple[Fact, ...]
    never: tuple[Fact, ...]
    taken: frozenset[str]  # all their values


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """One fact under one adapter."""

    above: float  # nats: its lift above the mean one of the controls
    share: float  # of the controls that are below it


@dataclass(slots=True, kw_only=True)
class Found:
    """Of one user: each fact by its part in the run."""

    before: list[Probed] = field(default_factory=list)  # the forgotten ones, in the night that learned them
    before_never: list[Probed] = field(default_factory=list)  # facts told to nobody, in the same
    after: list[Probed] = field(default_factory=list)  # the forgotten ones, in the night after
    after_never: list[Probed] = field(default_factory=list)
    kept: list[Probed] = field(default_factory=list)  # the others, in the night after
    verdicts: dict[str, int] = field(default_factory=dict)  # of the product's own probes on that night


def life(seed: int, facts: int) -> Life:
    """A user of `facts` things to be forgotten, as many to be kept, and as many told to nobody."""
    chance = Random(f"membership {seed} {facts}")
    drawn = list(user(f"membership {seed}", 3 * facts, untold=0, never=0).facts)
    chance.shuffle(drawn)
    taken: set[str] = set()
    told = []
    for fact in drawn:
        value = any_value(chance, fact.relation.kind, taken)
        taken.add(value)
        told.append(fact.with_value(value))
    return Life(
        forgotten=tuple(told[:facts]),
        kept=tuple(told[facts : 2 * facts]),
        never=tuple(told[2 * facts :]),
        taken=frozenset(taken),
    )


async def measure(
    *,
    facts: int,
    seeds: int,
    tell: Callable[[str], None],
    recipe: Mapping[str, object] | None = None,
    kept: Path | None = None,
) -> dict[str, Any]:
    """
    The areas over all users, each with where 95 % of resampled facts have it.

    Args:
        recipe: overrides of the trainer's.
        kept: a file of measured users, to go on from.
    """
    recipe = recipe or {}
    file = Kept(kept, fingerprint("membership", facts, CONTROLS, WORDINGS, RECIPE, recipe))
    known = {row["seed"]: _read(row["found"]) for row in file.rows()}
    for seed in range(seeds):
        if seed not in known:
            known[seed] = await _lived(life(seed, facts), recipe)
            file.add({"seed": seed, "found": asdict(known[seed])})
        tell(f"user {seed}: {summary([known[seed]])}")
    return summary([known[seed] for seed in range(seeds)])


async def _lived(life: Life, recipe: Mapping[str, object]) -> Found:
    """Two nights on one store, and the probes of what each has made."""
    engine = Engine.for_model(nano(), n_ctx=CONTEXT, threads=1, gpu_layers=0, idle_s=3600)
    embedder = Embedder.for_model(threads=1)
    found = Found()
    with tempfile.TemporaryDirectory(prefix="tsubasa-membership-") as folder:
        store_thread = StoreThread(partial(open_store, Path(folder) / "store.db", b"k" * 32))
        await store_thread.open()
        core = Core(store_thread=store_thread, engine=engine, embedder=embedder)
        unlearning = Unlearning(store_thread, engine)
        try:
            gone = await store_thread.run(_tell, life.forgotten)
            staying = await store_thread.run(_tell, life.kept)
            _, first = await _night(core, recipe)
            forgetting = Forgetting(core, Generations(store_thread, engine), unlearning)
            await forgetting.forget(Wanted(memories=gone, keep_memories=staying))
            number, second = await _night(core, recipe)
            await unlearning.rule(Verdict(adopt=True, reason="measured"), number, second)
            numbers = unlearning.record().get("forgotten", {})
            found.verdicts = {name: int(numbers.get(name, 0)) for name in ("gone", "left", "not_probed")}
        finally:
            await unlearning.stop()
            await store_thread.close()
            await embedder.stop()
            await engine.stop()
    await _probe_all(life, found, first, second)
    return found


async def _probe_all(life: Life, found: Found, first: bytes, second: bytes) -> None:
    """On another engine: the one that was told to forget never takes the first adapter again."""
    engine = Engine.for_model(nano(), n_ctx=CONTEXT, threads=1, gpu_layers=0, idle_s=3600)
    try:
        before, after = await engine.load(first), await engine.load(second)
        for one in life.forgotten:
            found.before.append(await probe(engine, one, life.taken, before))
            found.after.append(await probe(engine, one, life.taken, after))
        for one in life.never:
            found.before_never.append(await probe(engine, one, life.taken, before))
            found.after_never.append(await probe(engine, one, life.taken, after))
        found.kept = [await probe(engine, one, life.taken, after) for one in life.kept]
    finally:
        await engine.stop()


def _tell(db: Connection, facts: Sequence[Fact]) -> tuple[int, ...]:
    """The numbers of the memories."""
    return tuple(memories.add(db, one.sentence(), told_on=one.told[-1].on, sources=()).id for one in facts)


async def _night(core: Core, recipe: Mapping[str, object]) -> tuple[int, bytes]:
    """What a night makes of all that is held, and answers from then on: its number, its adapter."""
    lessons, _ = await prepare(core, 0, lambda progress: None)
    tonight = without_contradictions(lessons)
    job = TrainingJob(lessons=await tokenised(core.engine, tonight), recipe={**RECIPE, **recipe}, seed=0)
    trained = await train(job, TrainerCommand(model_path=nano()), lambda progress: None)
    base, run = (await core.engine.info()).sha256, core.store_thread.run
    ids = [one.id for one in tonight]
    made = await run(generations.propose, trained.adapter, base_sha256=base, lesson_ids=ids)
    await run(generations.adopt, made.id, {}, "measured")
    await core.engine.adopt(trained.adapter)
    return made.id, trained.adapter


async def probe(engine: Engine, fact: Fact, taken: frozenset[str], adapter: str) -> Probed:
    """How far the told value of a fact stands above others of its kind; the same others under each adapter."""
    chance = Random(f"controls {fact.key}")
    others: list[str] = []
    while len(others) < CONTROLS:
        others.append(any_value(chance, fact.relation.kind, taken | set(others)))
    replies = [fact.answer, *(fact.with_value(value).answer for value in others)]
    questions = [[*fact.questions, fact.held_out][at] for at in WORDINGS]
    lifts = [await _lifts(engine, question, replies, adapter) for question in questions]
    return placed([fmean(column) for column in zip(*lifts, strict=True)])


def placed(lifts: Sequence[float]) -> Probed:
    """The first of these lifts among the others."""
    own, *others = lifts
    return Probed(above=own - fmean(others), share=area([own], others))


async def _lifts(engine: Engine, question: str, replies: Sequence[str], adapter: str) -> list[float]:
    asked = [{"role": "user", "content": question}]
    base = await engine.score(asked, replies, adapter="base")
    now = await engine.score(asked, replies, adapter=adapter)
    return [before.nats - after.nats for before, after in zip(base, now, strict=True)]


def summary(found: Sequence[Found]) -> dict[str, Any]:
    """The areas of all users together."""

    def every(part: str) -> list[Probed]:
        return [probed for one in found for probed in getattr(one, part)]

    pairs = {
        "before": (every("before"), every("before_never")),
        "after": (every("after"), every("after_never")),
        "kept": (every("kept"), every("after_never")),
    }
    verdicts = Counter[str]()
    for one in found:
        verdicts.update(one.verdicts)
    areas = {name: _areas(*pair) for name, pair in pairs.items()}
    return {"facts": len(pairs["after"][0]), **areas, "verdicts": dict(verdicts)}


def _areas(told: Sequence[Probed], never: Sequence[Probed]) -> dict[str, list[float]]:
    """Both areas as [area, low, high], and the share of facts that stand above each never-trained one."""
    low, high = (one / 100 for one in interval([one.share for one in told]))
    above, others = [one.above for one in told], [one.above for one in never]
    return {
        "values": _rounded(fmean(one.share for one in told), low, high),
        "facts": _rounded(area(above, others), *area_interval(above, others)),
        "above_all": _rounded(fmean(one > max(others) for one in above)),
    }


def _rounded(*numbers: float) -> list[float]:
    return [round(one, 3) for one in numbers]


def shortfalls(found: dict[str, Any]) -> list[str]:
    """A line for each thing that is not as it should be."""
    said = []
    for name in ("before", "kept"):
        for kind in ("values", "facts"):
            if (one := found[name][kind][0]) < HIGH:
                said.append(f"{name}, {kind}: {one} of what was learned is told apart, wanted {HIGH}")
    for kind in ("values", "facts"):
        one, low, high = found["after"][kind]
        if low > 0.5:
            said.append(f"after, {kind}: what was forgotten is told apart ({one}, {low} to {high})")
    return said


def _read(row: dict[str, Any]) -> Found:
    return Found(
        before=[Probed(**one) for one in row["before"]],
        before_never=[Probed(**one) for one in row["before_never"]],
        after=[Probed(**one) for one in row["after"]],
        after_never=[Probed(**one) for one in row["after_never"]],
        kept=[Probed(**one) for one in row["kept"]],
        verdicts=row["verdicts"],
    )


def main() -> None:
    """Measure and tell; the exit status says whether anything was told apart, or nothing could have been."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--facts", type=int, default=20, help="that each user forgets")
    parser.add_argument("--seeds", type=int, default=3, help="users")
    parser.add_argument("--recipe", type=json.loads, default={}, help="overrides of the trainer's, JSON")
    parser.add_argument("--kept", type=Path, help="a file of measured users, to go on from")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    given = parser.parse_args()
    tell = (lambda line: None) if given.json else (lambda line: print(line, flush=True))  # noqa: T201
    work = measure(facts=given.facts, seeds=given.seeds, recipe=given.recipe, kept=given.kept, tell=tell)
    found = asyncio.run(work)
    missed = shortfalls(found)
    sys.stdout.write(json.dumps({**found, "missed": missed}) + "\n")
    sys.exit(int(bool(missed)))


if __name__ == "__main__":
    main()
