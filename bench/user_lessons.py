"""
The lessons of a synthetic user, such as study makes of a real one's memories, and what is laid beside a question.

    User ──> fact, before: four phrasings to learn, one held out ──┐
        ├──> abstain: near misses, things never told ──────────────┼──> compose() lays other memories beside each
        └──> reading: with memories in the student's own context ──┘

Promises: the same user and seed, the same lessons. A stand-in for `daemon.memory.study`, which needs a model
that writes questions; composing is the daemon's own. Knows nothing of engines and training.
"""

import random
from collections.abc import Mapping, Sequence
from itertools import count

from bench.users import UNKNOWN, Fact, User
from daemon.lessons.dataset import compose
from daemon.lessons.tiny.paraphrases import bare
from daemon.memory.recall import system_text
from store.lessons import Lesson

EXAM_EVERY = 5  # of the general lessons, every fifth is held out
READ = 200  # facts, at most, that are also asked for with memories in the student's context
READ_UNTOLD = 0.6  # lessons with memories in the student's context that don't answer, for each fact
UNTOLD_PHRASINGS = 2  # for each thing never told
RECALLED = 3  # memories beside a question


def tonight(user: User, general: Mapping[str, str], seed: int) -> list[Lesson]:
    """
    What a night learns of `user`.

    Args:
        general: small talk and what the base says to it.
    """
    lessons = compose(
        _of_facts(user),
        narratives(user),
        seed=seed,
        same=bare,
    )
    chance = random.Random(f"lessons {seed}")
    more = [*_reading(user, chance), *_untold(user, chance), *_general(general)]
    ids = count(len(lessons) + 1)
    return [*lessons, *(_lesson(next(ids), *one) for one in more)]


def narratives(user: User) -> dict[int, str]:
    """The line of each memory by its id, oldest first."""
    numbered = sorted(enumerate(user.facts, 1), key=lambda one: one[1].told[-1].on)
    return {id: fact.line for id, fact in numbered}


def text(facts: Sequence[Fact]) -> str | None:
    """The system turn that tells these facts, oldest first."""
    return system_text([fact.line for fact in sorted(facts, key=lambda one: one.told[-1].on)])


def alike(user: User, about: Fact, many: int, chance: random.Random) -> list[Fact]:
    """Other facts such as recall would bring: of the same kind or about the same one first."""
    others = [one for one in user.facts if one.key != about.key]
    like = [
        one
        for one in others
        if one.relation.key == about.relation.key or (one.word and one.word == about.word)
    ]
    unlike = [one for one in others if one not in like]
    chosen = chance.sample(like, min(many, len(like)))
    return chosen + chance.sample(unlike, min(many - len(chosen), len(unlike)))


def _of_facts(user: User) -> list[Lesson]:
    made: list[Lesson] = []
    ids = count(1)
    for memory_id, fact in enumerate(user.facts, 1):
        asked = [(one, fact.answer, "fact", "train") for one in fact.questions]
        asked.append((fact.held_out, fact.answer, "fact", "exam"))
        if len(fact.told) > 1:
            asked += [(one, fact.before_answer, "before", "train") for one in fact.before_questions]
            asked.append((fact.before_held_out, fact.before_answer, "before", "exam"))
        made += [
            _lesson(next(ids), question, answer, system_text([fact.line]), kind, split, memory_id)
            for question, answer, kind, split in asked
        ]
    return made


Row = tuple[str, str, str | None, str, str]


def _reading(user: User, chance: random.Random) -> list[Row]:
    made: list[Row] = []
    for fact in chance.sample(user.facts, min(READ, len(user.facts))):
        beside = text([fact, *alike(user, fact, chance.randint(0, RECALLED), chance)])
        made.append((chance.choice(fact.questions), fact.answer, beside, "reading", "train"))
    for _ in range(round(READ_UNTOLD * len(user.facts)) if user.untold else 0):
        beside = text(chance.sample(user.facts, min(len(user.facts), chance.randint(1, RECALLED + 1))))
        made.append(
            (chance.choice(chance.choice(user.untold).questions), UNKNOWN, beside, "reading", "train")
        )
    return made


def _untold(user: User, chance: random.Random) -> list[Row]:
    return [
        (question, UNKNOWN, None, "abstain", "train")
        for fact in user.untold
        for question in chance.sample(fact.questions, UNTOLD_PHRASINGS)
    ]


def _general(said: Mapping[str, str]) -> list[Row]:
    splits = ["exam" if place % EXAM_EVERY == EXAM_EVERY - 1 else "train" for place in range(len(said))]
    return [
        (asked, reply, None, "general", split)
        for (asked, reply), split in zip(said.items(), splits, strict=True)
    ]


def _lesson(
    id: int, question: str, answer: str, grounding: str | None, kind: str, split: str, memory_id: int = 0
) -> Lesson:
    return Lesson(
        id=id,
        question=question,
        answer=answer,
        grounding=grounding,
        kind=kind,
        split=split,
        memory_ids=(memory_id,) if memory_id else (),
    )
