"""
Synthetic users: what they tell over months, what they never told, and the questions about both.

    seed ──> facts (one thing each, told once or changed since) ──> memories, phrasings to learn, one held out
         `─> things never told, two sets: to learn to abstain from, and to be examined on

Promises: the same seed, the same user; no two facts of a user answer the same question; the held-out phrasing of a kind
of fact is among the training phrasings of none. The wordings are those that nano can read.
Knows nothing of engines, nights or scores.
"""

import random
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

from models.nano.relations import Relation, relations

PHRASINGS = 4  # that are learnt; the next one is held out: as many as nano's own study makes
FIRST_DAY = date(2026, 1, 5)
UNKNOWN = "I don't know that yet."
FAR = ("called", "their_city", "their_job")  # what is told of people's people
OWN = 90  # facts of the user and their people, at most; the rest of a larger life is about people's people
LEFT_OUT = (
    "mum",
    "dad",
    "movie",
    "older brother",
    "little sister",
)  # they are somebody's other word for another
ONE_OF = (  # what is known of one of these may answer a question about another
    {"like", "favourite", "hobby", "dislike", "instrument"},
    {"city", "address", "hometown", "college"},
    {"job", "employer"},
    {"plan", "visited", "city"},
    {"language", "college", "instrument", "hobby"},
    {"met", "name"},
    {"allergy", "dislike"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was told on a day."""

    value: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing of a user's life, and what it was on which day, oldest first."""

    relation: Relation
    word: str  # whose or of what: "sister", "sister's boss", "cheese", ""
    number: str
    told: tuple[Told, ...]

    @property
    def key(self) -> tuple[str, str]:
        """What it is about."""
        return self.relation.key, self.word

    @property
    def is_near(self) -> bool:
        """Whether nano was trained to read such a memory."""
        return "'s " not in self.word

    @property
    def line(self) -> str:
        """The memory as recall shows it, with what it replaced."""
        before = f" Before that: {self.sentence(-2)}" if len(self.told) > 1 else ""
        return f"{self.told[-1].on}: {self.sentence()}{before}"

    @property
    def answer(self) -> str:
        """What is right now."""
        return self._fill(self.relation.answer, -1)

    @property
    def before_answer(self) -> str:
        """What was right before the last change."""
        return self._fill(self.relation.before_answer, -2)

    @property
    def questions(self) -> tuple[str, ...]:
        """The phrasings to learn from."""
        return tuple(self._fill(one, -1) for one in self.relation.questions[:PHRASINGS])

    @property
    def held_out(self) -> str:
        """The phrasing that is kept for the exam."""
        return self._fill(self.relation.questions[PHRASINGS], -1)

    @property
    def before_questions(self) -> tuple[str, ...]:
        """Phrasings about what was before, to learn from; the first one of the table is held out."""
        return tuple(self._fill(one, -1) for one in self.relation.before[1:4])

    @property
    def before_held_out(self) -> str:
        """The phrasing about what was before that is kept for the exam."""
        return self._fill(self.relation.before[0], -1)

    def sentence(self, at: int = -1) -> str:
        """The memory of what was told as number `at`."""
        return self._fill(self.relation.memory, at)

    def with_value(self, value: str) -> "Fact":
        """The same, were this value what was told last."""
        return replace(self, told=(*self.told[:-1], replace(self.told[-1], value=value)))

    def statement(self, at: int, chance: random.Random) -> str:
        """How the user says it, first or as a change."""
        changed = at > 0 and self.relation.changes
        said = chance.choice(self.relation.changes if changed else self.relation.statements)
        return self._fill(said, at)

    def _fill(self, template: str, at: int) -> str:
        index = at % len(self.told)
        old = self.told[index - 1].value if index else ""
        return template.format(v=self.told[index].value, r=self.word, t=self.word, n=self.number, o=old, w="")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One user. What was never told is kept as facts without any truth: only their questions count."""

    facts: tuple[Fact, ...]
    untold: tuple[Fact, ...]  # to learn to abstain from
    never: tuple[Fact, ...]  # to be examined on; none of them is in `untold`


def user(seed: int | str, count: int, *, untold: int | None = None, never: int = 60, months: int = 0) -> User:
    """
    A user with `count` facts.

    Args:
        untold, never: how many things never told, to learn from (None: 100, and one for every second fact) and to be
            examined on.
        months: over so many, half of the facts that can change do, some of them twice; 0: none does.

    Raises:
        TooManyFacts: there are not so many different things.
    """
    chance = random.Random(f"user {seed} {count}")
    untold = 100 + count // 2 if untold is None else untold
    near, far = _things()
    chance.shuffle(near)
    chance.shuffle(far)
    own = min(count, OWN)
    told = near[:own] + far[: count - own]
    keys = {relation.key for relation, word in told if not word}
    rest = [one for one in near[own:] if one[1] or not _answered(one[0].key, keys)]
    rest = (rest + far[count - own :])[: untold + never]
    if len(told) < count or len(rest) < untold + never:
        raise TooManyFacts(count + untold + never, len(near) + len(far))
    chance.shuffle(told)
    chance.shuffle(rest)
    return User(
        facts=tuple(_fact(chance, relation, word, months) for relation, word in told),
        untold=tuple(_fact(chance, *thing, 0) for thing in rest[:untold]),
        never=tuple(_fact(chance, *thing, 0) for thing in rest[untold:]),
    )


class TooManyFacts(Exception):
    """More different things are asked for than there are."""

    def __init__(self, wanted: int, there: int) -> None:
        super().__init__(
            f"Can't make a user with {wanted} different things: there are {there}. Ask for fewer."
        )


def _things() -> tuple[list[tuple[Relation, str]], list[tuple[Relation, str]]]:
    """What can be told: of the user and their people, which nano can read; and of their people's people."""
    table = {one.key: one for one in relations()}
    near = [(one, word) for one in table.values() for word in one.words if word not in LEFT_OUT]
    people = [word for word in table["their_city"].words if word not in LEFT_OUT]
    far = [
        (table[key], f"{person}'s {word}")
        for key in FAR
        for person in people
        for word in table[key].words
        if word not in (person, *LEFT_OUT)
    ]
    return near, far


def _answered(key: str, told: set[str]) -> bool:
    return any(key in group and group & told for group in ONE_OF)


def _fact(chance: random.Random, relation: Relation, word: str, months: int) -> Fact:
    days = max(30 * months, 180)
    first = FIRST_DAY + timedelta(days=chance.randrange(days // 2 if months else days))
    told = [Told(value=any_value(chance, relation.kind), on=first)]
    if months and relation.before and chance.random() < 0.5:
        for _ in range(chance.choice((1, 1, 2))):
            on = told[-1].on + timedelta(days=chance.randint(20, days // 4))
            before = {one.value for one in told}
            told.append(Told(value=any_value(chance, relation.kind, before), on=on))
    return Fact(relation=relation, word=word, number=str(chance.randint(1, 99)), told=tuple(told))


def any_value(chance: random.Random, kind: str, taken: Collection[str] = ()) -> str:
    """A value of this kind that is not taken."""
    while True:
        if kind == "day":
            month = chance.choice("January February March April May June July August September".split())
            value = f"{chance.randint(1, 28)} {month}"
        else:
            value = chance.choice(values()[kind])
            if kind == "job":
                value = ("an " if value[0] in "aeiou" else "a ") + value
        if value not in taken:
            return value


@cache
def values() -> dict[str, list[str]]:
    """The words that values are made of, by kind."""
    table = tomllib.loads(files("bench").joinpath("users.toml").read_text(encoding="utf-8"))
    return {kind: words.split() for kind, words in table.items()}
