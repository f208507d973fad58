"""
Evolve: what a new observation does to the memories.

    observation ──> duplicate? nothing near? (code) ──> the model chooses, under a grammar ──> check ──> store

Three ways, by the setting `evolve`: "safe" is the picture; "off" only adds, but for a sentence that is stored word for
word; "paper" lets the model alone decide, unchecked. A message that is read again changes nothing.

Nothing is destroyed, only superseded. After every op the observation can be recalled: rows, words and vector are
written in one transaction. A proposal that fails the check becomes ADD, which notes the memory it was about.
Source: TSUBASA, arXiv 2604.07894; the checks are ours: evolution with a small unchecked model scores below plain
adding there.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from daemon.core import Core
from daemon.embedding.choices import Limits
from daemon.engine.client import Engine, Sampling
from daemon.memory import checks
from daemon.memory.forgotten import as_fact, is_kept_out
from daemon.memory.instructions import instructions
from daemon.memory.observe import Observation
from daemon.memory.ranking import Ranked, nearest_memories
from daemon.text import normalised
from prompts.load import schema
from store import memories, memory_queries, message_queries, vectors
from store.database import Connection, writing
from store.errors import NoSuchMemory, NotHeld
from store.memories import Memory

OPS = ("ADD", "UPDATE", "RECONCILE", "IGNORE")
WAYS = ("off", "safe", "paper")
TRUSTED = ("user", "import", "assistant", "untrusted")  # what stands further on changes nothing before it
SHOWN = 5  # memories that the model sees at most
MAX_ANSWER_TOKENS = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """What was done with one observation."""

    kind: str  # "ADD" | "UPDATE" | "RECONCILE" | "IGNORE"
    memory_id: int | None  # the memory that now says it; None when a trivial one was ignored
    by: str  # "code" | "model" | "check" (the model's proposal failed; ADD stood in) | "forgotten" (it stays so)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    kind: str
    text: str
    by: str
    old: Memory | None = None  # of an UPDATE, a RECONCILE or an IGNORE
    beside: Memory | None = None  # of an ADD that stands in for one of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the model proposes, unchecked."""

    op: str  # one of `OPS`
    index: int  # of the memory that was shown, from 1; 0 = none of them
    text: str  # both in one sentence, of an UPDATE


async def evolve(core: Core, observation: Observation, *, way: str = "safe") -> Op:
    """Bring `observation` into the store: ADD, UPDATE, RECONCILE or IGNORE. `way`: one of `WAYS`."""
    (said,) = await core.embedder.embed([observation.text])
    statement = as_fact(observation.text, said, (await core.embedder.info()).id)
    if await core.store_thread.run(is_kept_out, statement, observation.sources, core.embedder.limits):
        return Op(kind="IGNORE", memory_id=None, by="forgotten")  # and no event, which would have its words
    while True:
        plan = await _plan(core, observation, said, way)
        vector = said if plan.text == observation.text else (await core.embedder.embed([plan.text]))[0]
        try:
            return await core.store_thread.run(_write, plan, observation, vector)
        except (NotHeld, NoSuchMemory):  # the user changed that memory meanwhile: look again
            continue


async def _plan(core: Core, observation: Observation, vector: npt.NDArray[np.float32], way: str) -> _Plan:
    run = core.store_thread.run
    ranked = await run(nearest_memories, observation.text, vector)
    again = await run(memory_queries.is_read_again, observation.text, observation.sources)
    related = _related(ranked, core.embedder.limits)
    plan = _by_code(observation, ranked, related, way, is_old_news=again)
    if plan is not None:
        return plan
    near = (ranked if way == "paper" else related)[:SHOWN]
    choice = await choose(core.engine, observation.text, [one.memory.text for one in near])
    if way == "paper":
        return _unchecked(observation, near, choice)
    people = await run(message_queries.speakers)
    return _checked(observation, near, choice, people, core.embedder.limits)


def _by_code(
    observation: Observation,
    ranked: Sequence[Ranked],
    related: Sequence[Ranked],
    way: str,
    *,
    is_old_news: bool,
) -> _Plan | None:
    """
    What needs no model: the same sentence again, word for word, is ignored, unless its voice is stronger now, and so is
    what the same message told before and was replaced since (a chat is read again); one with no neighbour is added.
    No list of words decides that two sentences say the same: "had" is not "has".
    """
    add = _Plan(kind="ADD", text=observation.text, by="code")
    if is_old_news:
        return _Plan(kind="IGNORE", text=observation.text, by="code")
    if way == "paper":
        return None if ranked else add
    for one in ranked:
        if normalised(one.memory.text) == normalised(observation.text):
            louder = TRUSTED.index(observation.trust) < TRUSTED.index(one.memory.trust)
            kind = "UPDATE" if louder and way == "safe" else "IGNORE"
            return _Plan(kind=kind, old=one.memory, text=observation.text, by="code")
    return add if way == "off" or not related else None


def _related(ranked: Sequence[Ranked], limits: Limits) -> list[Ranked]:
    return [one for one in ranked if one.cosine >= limits.related or one.shares_words]


async def choose(engine: Engine, new: str, near: Sequence[str]) -> Choice | None:
    """What the model would do with the sentence `new`, which is near these memories; None when it can't be read."""
    shown = [f"{text} ({number})" for number, text in enumerate(near, start=1)]
    shape = schema("evolve")
    shape["properties"]["memory"] = {"enum": ["", *shown]}  # it points at a memory by quoting it
    answer = await engine.complete(
        [
            *await instructions(engine, "evolve"),
            {"role": "user", "content": "\n".join([*shown, f"New: {new}"])},
        ],
        sampling=Sampling(max_tokens=MAX_ANSWER_TOKENS),
        schema=shape,
        adapter="base",
        background=True,
    )
    return _read_choice(answer.text, shown)


def _read_choice(answer: str, shown: Sequence[str]) -> Choice | None:
    """The choice in `answer`; None when it is cut off or names a memory that was not shown."""
    try:
        found = json.loads(answer)
        choice = Choice(op=found["op"], index=["", *shown].index(found["memory"]), text=found["text"].strip())
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return choice if choice.op in OPS else None


def _unchecked(observation: Observation, near: Sequence[Ranked], choice: Choice | None) -> _Plan:
    """The model's proposal as it is; ADD where there is none, or none that can be carried out."""
    if choice is None or (choice.op in ("UPDATE", "RECONCILE") and choice.index == 0):
        return _Plan(kind="ADD", text=observation.text, by="check")
    old = near[choice.index - 1].memory if choice.index and choice.op != "ADD" else None
    merged = choice.text if choice.op == "UPDATE" else ""
    return _Plan(kind=choice.op, old=old, text=merged or observation.text, by="model")


def _checked(
    observation: Observation,
    near: Sequence[Ranked],
    choice: Choice | None,
    people: Sequence[str],
    limits: Limits,
) -> _Plan:
    """The model's proposal where it can be trusted, else ADD."""
    if choice is None:
        return _Plan(kind="ADD", text=observation.text, by="check")
    op = choice.op
    if choice.index == 0:
        kind = "IGNORE" if op == "IGNORE" else "ADD"
        return _Plan(kind=kind, text=observation.text, by="model" if op == kind else "check")
    chosen = near[choice.index - 1]
    old, text = chosen.memory, checks.merged(observation.text, choice.text if op == "UPDATE" else "")
    loses = {
        "ADD": False,
        "IGNORE": not checks.repeats(observation.text, old.text, chosen.cosine, limits),
        "UPDATE": not checks.says_all(text, of=old.text, cosine=chosen.cosine, limits=limits),
        "RECONCILE": False,  # the narrative tells both
    }
    backwards = op != "IGNORE" and observation.told_on < old.told_on
    unlike = not checks.may_be_one_thing(chosen, observation.text, limits)
    weaker = op != "IGNORE" and TRUSTED.index(observation.trust) > TRUSTED.index(old.trust)
    of_another = checks.of_another(observation.text, old.text, people)
    if op == "ADD":
        return _Plan(kind="ADD", text=observation.text, by="model")
    if loses[op] or backwards or unlike or weaker or of_another:
        return _Plan(kind="ADD", beside=old, text=observation.text, by="check")
    return _Plan(kind=op, old=old, text=text, by="model")


def _write(db: Connection, plan: _Plan, observation: Observation, vector: npt.NDArray[np.float32]) -> Op:
    """Carry the plan out, rows, words and vector in one transaction; runs in the store's thread."""
    told_on, sources = observation.told_on, observation.sources
    kind = (
        None if observation.kind == "fact" else observation.kind
    )  # what is replaced may have been set by hand
    with writing(db):
        if message_queries.not_forgotten(db, observation.read) != set(
            observation.read
        ):  # forgotten meanwhile
            return Op(kind="IGNORE", memory_id=None, by="check")
        if plan.kind == "IGNORE":
            memories.ignore(db, plan.old, plan.text, told_on=told_on, sources=sources)
            return Op(kind="IGNORE", memory_id=plan.old.id if plan.old else None, by=plan.by)
        if plan.old is None:
            memory = memories.add(
                db,
                plan.text,
                told_on=told_on,
                valid_from=observation.day,
                sources=sources,
                trust=observation.trust,
                kind=observation.kind,
                beside=plan.beside,
            )
        elif plan.kind == "UPDATE":
            memory = memories.update(
                db, plan.old, plan.text, told_on=told_on, sources=sources, trust=observation.trust, kind=kind
            )
        else:
            memory = memories.reconcile(
                db,
                plan.old,
                plan.text,
                told_on=told_on,
                valid_from=observation.day,
                sources=sources,
                trust=observation.trust,
                kind=kind,
            )
        vectors.put(db, "memory", [memory.id], vector[np.newaxis, :])
    return Op(kind=plan.kind, memory_id=memory.id, by=plan.by)
