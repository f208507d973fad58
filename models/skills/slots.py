"""
The recipe's data, and how it becomes text: slots filled, alternatives chosen, slips of the keyboard made.

    data/*.toml ──> values(), facts(), scenes() ──> Filler ──> "I live in {town}[, have for ages|]" ──> a sentence

Promises: no value that is kept apart for the tests is ever filled in; the same generator gives the same text.
"""

import random
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from models.nano.words import held_out

MONTHS = tuple(
    "January February March April May June July August September October November December".split()
)
WEEKDAYS = tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())
SLIPS = 0.33  # share of the user's turns with slips of the keyboard
_SLOT = re.compile(r"\{(?:(an?|An?) )?([A-Za-z]+?)(\d*)\}")
_ARTICLE = re.compile(r"\b([Aa]n?) \{(?=[A-Za-z]+\d*\})")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_VOWEL = re.compile(  # what "an" stands before
    r"(?!(?i:eu|uni|uro|uru|use|usu|u-|ukulele|one\b)|U[A-Z])(?i:[aeiou])|(?i:hour|heir|honest)|8|11\b|18\b|[FHLMNRSX](?=[A-Z]|\b)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing a person may tell, an entry of facts_*.toml; all texts hold slots and alternatives."""

    key: str  # what it is about
    text: str  # the memory
    said: tuple[str, ...]  # by the user, without the full stop at the end
    ask: tuple[str, ...]  # questions by the user
    answer: tuple[str, ...]  # always with the value, the first is the plainest
    single: bool = False  # two facts of this key can't both hold
    same: tuple[str, ...] = ()  # other wordings of the memory
    more: tuple[tuple[str, str], ...] = ()  # a sentence with more detail, and both in one
    less: tuple[str, ...] = ()  # vaguer sentences
    changed: tuple[str, ...] = ()  # by the user: it is otherwise now; the new value is {kind2}
    ended: tuple[str, ...] = ()  # memories that it holds no more, nothing new in its place
    before_ask: tuple[str, ...] = ()
    before_answer: tuple[str, ...] = ()  # of the older value
    apart: tuple[str, ...] = ()  # memories near this one that leave it as it is
    event: bool = False  # happened on a day
    when_ask: tuple[str, ...] = ()  # questions that are answered with the day
    topic: str = ""  # questions of one topic may be answered by each other's facts; "" is the key
    pairs: tuple[tuple[str, str], ...] = ()  # questions that only one answer fits, such as yes
    reply: tuple[str, ...] = ()  # what a friend says when told; claims nothing more
    untold: tuple[
        tuple[str, str], ...
    ] = ()  # questions near this fact that it does not answer, and the reply

    @property
    def kinds(self) -> frozenset[str]:
        """The slots of the memory, "town" and "town2" being two."""
        return slots_of(self.text)

    @property
    def renews(self) -> dict[str, str]:
        """Which slot takes the value of which when it changed: {"town": "town2"}."""
        new = {name for text in self.changed for name in slots_of(text)} - self.kinds
        return {re.sub(r"\d+$", "", name): name for name in sorted(new) if name[-1].isdigit()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A whole chat, an entry of scenes_*.toml: turns of the user and the assistant, and the facts that last."""

    said: tuple[str, ...]
    facts: tuple[tuple[str, str | int], ...] = ()  # text, and day: "today", "yesterday", -5, "last {weekday}"


@dataclass(kw_only=True)
class Filler:
    """
    The values of one fact or scene: a slot keeps its value in all texts that are filled with the same filler.

    `taken` is shared by the fillers of one chat, so that two facts don't have one value between them.
    """

    rng: random.Random
    values: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def fill(self, text: str) -> str:
        """`text` with one of each alternatives, and with a value in each slot. Raises KeyError: no such kind."""
        while "[" in text:
            text, found = _CHOICE.subn(lambda one: self.rng.choice(one[1].split("|")), text)
            if not found:
                raise ValueError(f"Unpaired bracket in {text!r}; write alternatives as [one|other].")
        text = _ARTICLE.sub(r"{\1 ", text)
        filled = _SLOT.sub(lambda one: self._slot(one[1], one[2], one[3]), text)
        return re.sub("  +", " ", filled)

    def pick(self, texts: Collection[str]) -> str:
        """One of `texts`, filled."""
        return self.fill(self.rng.choice(tuple(texts)))

    def user(self, text: str) -> str:
        """`text` filled, as the user types it: sometimes with slips outside the values."""
        said = self.fill(text)
        return slip(self.rng, said, self.values.values()) if self.rng.random() < SLIPS else said

    def renewed(self, one: Fact) -> "Filler":
        """The filler of the fact after it changed: the values it has now."""
        self.fill(" ".join(f"{{{name}}}" for name in one.renews.values()))
        now = {name: self.values[new] for name, new in one.renews.items()}
        return Filler(rng=self.rng, values={**self.values, **now}, taken=self.taken)

    def _slot(self, article: str | None, name: str, number: str) -> str:
        kind = name[0].lower() + name[1:]
        value = self.values.get(kind + number)
        if value is None:
            value = self.values[kind + number] = self._new(kind)
        if article:
            an = "an" if _VOWEL.match(value) else "a"
            return f"{an.capitalize() if article[0] == 'A' else an} {value}"
        return value[0].upper() + value[1:] if name[0].isupper() else value

    def _new(self, kind: str) -> str:
        own = {value for name, value in self.values.items() if name.rstrip("0123456789") == kind}
        kind = self._gendered(kind)
        for _ in range(60):
            inner = Filler(
                rng=self.rng, taken=self.taken
            )  # its own: else a second full name equals the first
            value = inner.fill(counted(self.rng, kind) or self.rng.choice(values()[kind]))
            if value not in own and value not in self.taken:
                break
        if len(values().get(kind, ())) >= 40:
            self.taken.add(value)
        return value

    def _gendered(self, kind: str) -> str:
        """Names of women for sisters and of men for brothers, where the relative is known already."""
        whose = self.values.get("relative") or self.values.get("kid")
        if kind != "name" or whose is None:
            return kind
        return "fname" if whose in values()["woman"] else "mname" if whose in values()["man"] else kind


@cache
def slots_of(text: str) -> frozenset[str]:
    """The slots in `text`, by name and number: {"town", "town2"}."""
    return frozenset(one[2][0].lower() + one[2][1:] + one[3] for one in _SLOT.finditer(text))


def counted(rng: random.Random, kind: str) -> str:
    """A value of the kinds that are counted, not listed; "" for all others."""
    if kind == "number":
        return str(rng.randint(2, 99))
    if kind == "small":
        return rng.choice("two three four five six seven eight nine ten".split())
    if kind == "age":
        return str(rng.choice((rng.randint(1, 17), rng.randint(18, 95))))
    if kind == "grownAge":
        return str(rng.randint(24, 90))
    if kind == "oldAge":
        return str(rng.randint(60, 97))
    if kind == "childAge":
        return str(rng.randint(3, 16))
    if kind == "year":
        return str(rng.randint(1955, 2025))
    if kind == "month":
        return rng.choice(MONTHS)
    if kind == "weekday":
        return rng.choice(WEEKDAYS)
    if kind == "date":
        return _date(rng)
    if kind == "time":
        return _time(rng)
    return rng.choice("$€£") + str(rng.choice((5, 10, 50)) * rng.randint(1, 60)) if kind == "price" else ""


def _date(rng: random.Random) -> str:
    month, day = rng.choice(MONTHS), rng.randint(1, 28)
    end = "th" if 10 < day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    forms = (
        f"{day} {month}",
        f"{month} {day}",
        f"{month} {day}{end}",
        f"the {day}{end} of {month}",
        f"{day}{end} {month}",
    )
    return rng.choice(forms)


def _time(rng: random.Random) -> str:
    hour, minute = rng.randint(1, 12), rng.choice((0, 0, 15, 30, 30, 45))
    words = "one two three four five six seven eight nine ten eleven twelve".split()
    past = {
        0: f"{words[hour - 1]} o'clock",
        15: f"quarter past {words[hour - 1]}",
        30: f"half past {words[hour - 1]}",
    }
    clock = f"{hour}:{minute:02}"
    return rng.choice(
        (
            clock,
            f"{clock} {rng.choice(('am', 'pm'))}",
            f"{hour}{rng.choice(('am', 'pm'))}",
            past.get(minute, clock),
        )
    )


def day(rng: random.Random) -> date:
    """A day between 2022 and 2030."""
    return date(2022, 1, 1) + timedelta(days=rng.randrange(365 * 9))


def days_back(when: str | int, on: date) -> int:
    """How many days before `on` a filled day of a scene lies: "today", "yesterday", -5, "last Monday"."""
    if isinstance(when, int):
        return -when
    if when in ("today", "yesterday"):
        return int(when == "yesterday")
    return (on.weekday() - WEEKDAYS.index(when.removeprefix("last "))) % 7 or 7


def dated(text: str, back: int, on: date) -> str:
    """A sentence as observe notes it: after "today", "yesterday", or the day `back` days before `on`; no quotes."""
    told_on = ("today", "yesterday")[back] if back < 2 else on - timedelta(days=back)
    return f"{told_on}: {text}".replace('"', "")


def slip(rng: random.Random, text: str, keep: Collection[str]) -> str:
    """`text` with one to three slips of the keyboard; no letter of the values in `keep` is lost, capitals may be."""
    for kind in rng.sample(tuple(_SLIPS), rng.choice((1, 1, 2, 3))):
        text = _SLIPS[kind](rng, text, keep)
    return text


def _lower(rng: random.Random, text: str, keep: Collection[str]) -> str:
    return text.lower()


def _lower_start(rng: random.Random, text: str, keep: Collection[str]) -> str:
    text = re.sub(r"(^|[.!?] )([A-Z])(?=[a-z' ])", lambda one: one[1] + one[2].lower(), text)
    return re.sub(r"\bI\b", "i", text)


def _no_apostrophes(rng: random.Random, text: str, keep: Collection[str]) -> str:
    return re.sub(
        r"\b(I|you|we|they|it|that|don|doesn|didn|isn|won|can|aren|wasn|haven|hasn|he|she|what|where)'(?=[a-z])",
        r"\1",
        text,
    )


def _no_stop(rng: random.Random, text: str, keep: Collection[str]) -> str:
    return (
        text.rstrip(".?!")
        if rng.random() < 0.6
        else re.sub(r"\. (?=[A-Z])", rng.choice((" ", ", ", ".")), text).rstrip(".")
    )


def _short(rng: random.Random, text: str, keep: Collection[str]) -> str:
    for proper, lazy in rng.sample(_LAZY, 6):
        if not any(re.search(rf"\b{proper}\b", value) for value in keep):
            text = re.sub(rf"\b{proper}\b", lazy, text)
    return text


def _tail(rng: random.Random, text: str, keep: Collection[str]) -> str:
    return text + rng.choice(
        (" :)", " :(", " 😊", " 😅", " lol", " haha", "...", "!!", " xx", " 🙏", " tbh", " ❤️", " 😂")
    )


def _typo(rng: random.Random, text: str, keep: Collection[str]) -> str:
    """One word with a letter doubled, dropped or swapped with the next."""
    kept = " ".join(keep).lower()
    words = text.split(" ")
    able = [
        at
        for at, word in enumerate(words)
        if word.isalpha() and word.islower() and len(word) > 3 and word not in kept
    ]
    if not able:
        return text
    at = rng.choice(able)
    word, cut = words[at], rng.randrange(1, len(words[at]) - 1)
    words[at] = rng.choice(
        (
            word[:cut] + word[cut] + word[cut:],
            word[:cut] + word[cut + 1 :],
            word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :],
        )
    )
    return " ".join(words)


_LAZY = (
    ("you", "u"), ("going to", "gonna"), ("want to", "wanna"), ("because", "cause"), ("have to", "gotta"), ("are", "r"),
    ("please", "pls"), ("thanks", "thx"), ("tomorrow", "tmrw"), ("really", "rly"), ("about", "abt"), ("with", "w/"),
    ("and", "&"), ("your", "ur"), ("though", "tho"), ("birthday", "bday"), ("I don't know", "idk"),
    ("favourite", "fav"),
)  # fmt: skip
_SLIPS = {
    "lower": _lower, "lower start": _lower_start, "apostrophes": _no_apostrophes, "stop": _no_stop, "short": _short,
    "tail": _tail, "typo": _typo,
}  # fmt: skip


@cache
def values() -> Mapping[str, tuple[str, ...]]:
    """The listed values by kind, from all values*.toml, without those that are kept apart for the tests."""
    found: dict[str, dict[str, None]] = {}
    unions: dict[str, list[str]] = {}
    for told in _tables("values"):
        unions |= told.pop("unions", {})
        for kind, listed in told.items():
            found.setdefault(kind, {}).update(dict.fromkeys(one for one in listed if not is_kept_apart(one)))
    for kind, parts in unions.items():
        found.setdefault(kind, {}).update({one: None for part in parts for one in found[part]})
    return {kind: tuple(listed) for kind, listed in found.items()}


@cache
def facts() -> tuple[Fact, ...]:
    """All facts of facts_*.toml. Raises TypeError: an entry has a field that there is none of, or lacks one."""
    return tuple(_fact(one) for told in _tables("facts") for one in told["fact"])


@cache
def cases() -> tuple[Fact, ...]:
    """All memories of evolve_*.toml: what new sentences do to them, and nothing of how they are told or asked for."""
    bare = {"key": "case", "said": [], "ask": [], "answer": []}
    return tuple(_fact(bare | one) for told in _tables("evolve") for one in told["case"])


@cache
def memories() -> tuple[Fact, ...]:
    """All memories of ask_*.toml: what may be asked about them, as `pairs`, and nothing of how they are told."""
    bare = {"key": "memory", "said": [], "ask": [], "answer": []}
    return tuple(_fact(bare | one) for told in _tables("ask_") for one in told["memory"])


@cache
def statements() -> tuple[Fact, ...]:
    """All statements_*.toml: memories and how they are told, and nothing else of them."""
    bare = {"key": "statement", "ask": [], "answer": []}
    return tuple(_fact(bare | one) for told in _tables("statements") for one in told["statement"])


def _fact(entry: Mapping[str, Any]) -> Fact:
    told: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()
    }
    for name in ("more", "pairs", "untold"):
        told[name] = tuple((one, one) if isinstance(one, str) else tuple(one) for one in told.get(name, ()))
    return Fact(**told)


@cache
def scenes() -> tuple[Scene, ...]:
    """All scenes of scenes_*.toml."""
    return tuple(_scene(one) for told in _tables("scenes") for one in told.get("scene", ()))


@cache
def frames() -> tuple[Scene, ...]:
    """Chats of frames.toml, in which "{told}" stands for a sentence that nobody says of themselves."""
    return tuple(_scene(one) for told in _tables("frames") for one in told["frame"])


def _scene(entry: Mapping[str, Any]) -> Scene:
    noted = tuple((one["text"], one.get("day", "today")) for one in entry.get("facts", ()))
    return Scene(said=tuple(entry["said"]), facts=noted)


def texts(one: Fact | Scene) -> list[str]:
    """All texts of an entry, unfilled."""
    found: list[str] = []
    for value in (getattr(one, item.name) for item in fields(one)):
        parts = value if isinstance(value, tuple) else (value,)
        found += [
            text
            for part in parts
            for text in (part if isinstance(part, tuple) else (part,))
            if isinstance(text, str)
        ]
    return found


def is_kept_apart(text: str) -> bool:
    """Whether a word of `text` is one of the values that only tests use."""
    return not _kept_apart().isdisjoint(re.findall(r"[^\W\d_]+", text.lower()))


@cache
def _kept_apart() -> frozenset[str]:
    return frozenset(one.lower() for listed in held_out().values() for one in listed)


@cache
def _tables(name: str) -> tuple[dict[str, Any], ...]:
    folder = files("models.skills") / "data"
    found = sorted(
        (one for one in folder.iterdir() if one.name.startswith(name) and one.name.endswith(".toml")),
        key=lambda one: one.name,
    )
    return tuple(tomllib.loads(one.read_text(encoding="utf-8")) for one in found)
