"""
What is known in a chat with memories: the facts, how each is told, and whether they answer a question.

    fact ──> a memory: as usual, otherwise, vaguer, fuller, with what was before, or as the user said it
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from daemon.text import content_words
from models.skills import asked
from models.skills.items import OWNERS, can_hold, near_miss
from models.skills.slots import Fact, Filler, day, facts, values

_ENDING = re.compile(r"(?<=\w\w\w)(?:ing|ed|e)$")
_PEOPLE = OWNERS - {"name", "name2"}
Line = tuple[date, str]  # a memory's day, and how it is laid before the model
_WHEN = re.compile(r"\b(yesterday|last|ago|tomorrow|tonight)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A fact that a memory or the chat tells."""

    fact: Fact
    filler: Filler  # of what holds now
    lines: tuple[Line, ...]  # of the system turn
    before: Filler | None = None  # of what held before, where that is told too
    way: str = "text"  # how: "text", "same", "less", "more", "said"

    @property
    def on(self) -> date:
        """The day of what holds now."""
        return self.lines[-1][0]

    @property
    def is_vague(self) -> bool:
        """Whether it lacks the value."""
        return self.way == "less"

    def owner(self) -> tuple[str, ...]:
        """Whom it is about, besides the user."""
        return _owner(self.fact, self.filler)


def known(rng: random.Random, n: int, taken: set[str], besides: Sequence[Told] = ()) -> list[Told]:
    """`n` facts that hold together and beside `besides`, each told in one of many ways, oldest first."""
    held = [_told(rng, fact, filler) for fact, filler in chosen(rng, n, taken, besides)]
    return sorted(held, key=lambda one: one.on)


def family(rng: random.Random, taken: set[str]) -> list[Told]:
    """What is known of two or three people of the user's, mostly their names too: easily mistaken for each other."""
    of_people = [one for one in facts() if "relative" in one.kinds]
    naming = [one for one in of_people if one.key == "relative name"]
    held: list[tuple[Fact, Filler]] = []
    for whom in rng.sample(values()["relative"], rng.choice((2, 2, 3))):
        some = rng.sample(of_people, rng.choice((1, 1, 2)))
        for fact in (*rng.sample(naming, rng.random() < 0.75), *some):
            filler = Filler(rng=rng, values={"relative": whom}, taken=taken)
            if can_hold(fact, filler, held):
                held.append((fact, filler))
    return sorted((_told(rng, fact, filler) for fact, filler in held), key=lambda one: one.on)


def chosen(
    rng: random.Random, n: int, taken: set[str], besides: Sequence[Told] = ()
) -> list[tuple[Fact, Filler]]:
    """
    `n` facts that hold together and beside `besides`.

    A third are near misses: about the same person, or the same of another; seldom one more of the same kind.
    """
    held: list[tuple[Fact, Filler]] = []
    others = [(one.fact, one.filler) for one in besides]
    while len(held) < n:
        new, filler = rng.choice(facts()), Filler(rng=rng, taken=taken)
        if held and rng.random() < 0.4:
            new, filler = near_miss(rng, *rng.choice(held))
        filler.fill(new.text)
        again = [
            one for one in (*held, *others) if one[0].key == new.key and _owner(*one) == _owner(new, filler)
        ]
        if (again and (again[1:] or rng.random() < 0.8)) or not can_hold(new, filler, [*held, *others]):
            continue
        if any(_is_another(new, filler, *one) for one in (*held, *others)):
            continue
        held.append((new, filler))
    return held


def _is_another(new: Fact, filler: Filler, fact: Fact, other: Filler) -> bool:
    """Whether the two give one name to two people."""
    shares = "name" in new.kinds & fact.kinds and filler.values["name"] == other.values["name"]
    return shares and {new.key, fact.key} <= asked.roles() and _kin(new.key) != _kin(fact.key)


def _kin(key: str) -> str:
    return key.split()[0]  # "friend town" and "friend job" are of one friend


def _owner(fact: Fact, filler: Filler) -> tuple[str, ...]:
    return tuple(filler.values[kind] for kind in sorted(fact.kinds & _PEOPLE))


def _told(rng: random.Random, fact: Fact, filler: Filler) -> Told:
    on, way = day(rng), rng.random()
    if fact.renews and fact.before_ask and way < 0.28:
        return _changed(rng, fact, filler, on)
    if fact.less and way < 0.33:
        return Told(fact=fact, filler=filler, lines=(line(on, filler.pick(fact.less)),), way="less")
    if fact.more and way < 0.42:
        merged = filler.fill(rng.choice(fact.more)[1])
        return Told(fact=fact, filler=filler, lines=(line(on, merged),), way="more")
    if fact.same and way < 0.5:
        return Told(fact=fact, filler=filler, lines=(line(on, filler.pick(fact.same)),), way="same")
    if way > 0.86:
        said = filler.user(rng.choice(fact.said) + rng.choice((".", ".", "!", "")))
        if not _WHEN.search(said):
            return Told(fact=fact, filler=filler, lines=(line(on, f"The user said: {said}"),), way="said")
    return Told(fact=fact, filler=filler, lines=(line(on, filler.fill(fact.text)),))


def line(on: date, text: str) -> Line:
    """A memory as the daemon lays it before the model, with its day for whoever sorts them."""
    return on, f"{on.isoformat()}: {text}"


def _changed(rng: random.Random, fact: Fact, filler: Filler, on: date) -> Told:
    """
    What changed: one line with "Before that:", or two lines of which the newer holds.

    Before the first there is sometimes a third value, told as the daemon tells it to a question about the past.
    """
    now, later = filler.renewed(fact), on + timedelta(days=rng.randint(5, 700))
    old, new = filler.fill(fact.text), now.fill(fact.text)
    if fact.single and rng.random() < 0.3:
        return Told(fact=fact, filler=now, lines=(line(on, old), line(later, new)), before=filler)
    lines = [line(later, f"{new} Before that: {old}")]
    if fact.single and rng.random() < 0.15:
        kept = {kind: value for kind, value in filler.values.items() if kind not in fact.renews}
        first = Filler(rng=rng, values=kept, taken=filler.taken).fill(fact.text)
        since = on - timedelta(days=rng.randint(5, 700))
        lines.insert(0, (since, f"{since.isoformat()} to {on.isoformat()}: {first}"))
    return Told(fact=fact, filler=now, lines=tuple(lines), before=filler)


def answers(held: Sequence[Told], question: str, *, besides: Told | None = None) -> bool:
    """Whether one of `held` may answer `question`, by words: better too often than too seldom."""
    words = _stems(question)
    return any(one is not besides and _may_answer(one, words) for one in held)


def _may_answer(one: Told, asked: frozenset[str]) -> bool:
    lines = [_stems(text) for _, text in one.lines]
    own = [_stems(one.filler.fill(text)) for text in (*one.fact.ask, *one.fact.when_ask)]
    people = asked & _people()
    if people and not any(people & words for words in lines):
        return False  # about somebody else
    whose = frozenset().union(*(_stems(text) for text in one.owner())) & _people()
    if whose and not asked & whose:  # about somebody, and the question about the user or about nobody
        return any(words == asked for words in own)
    if any(words and (words <= asked or asked <= words) for words in own):
        return True
    return any(len(asked & words) * 2 > len(asked) for words in lines)


@cache
def _stems(text: str) -> frozenset[str]:
    """The content words of `text`, less their endings, with one word for people whom several words name."""
    words = (_ENDING.sub("", word) for word in content_words(text))
    return frozenset(asked.kin().get(word, word) for word in words) - _NOTHING


@cache
def _people() -> frozenset[str]:
    """The words for people: "sister", "boss"."""
    return frozenset().union(*(_stems(text) for text in values()["relative"]))


_NOTHING = frozenset(
    "kind again please really like think get go going remind best most much what's which".split()
)
