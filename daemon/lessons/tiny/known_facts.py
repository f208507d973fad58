"""
Known facts: what a question asks for, as far as code can read it, and whether any memory may tell it.

    "What's my cousin's doctor's name?" ──> whose: cousin, doctor; about: called ──┐
    "…: The user's cousin's doctor is called Ana." ──> the same ───────────────────┴──> known
    "…: Ana sings with the user's cousin." ──> it can't be read: anything about cousins or Ana may be known

    prompts/people.txt, pets.txt, favourites.txt   one thing in each line, with other words that may mean it

Rather known once too often. English only: what can't be read counts as known.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from daemon.lessons.paraphrases import BEFORE
from daemon.lessons.tiny.paraphrases import bare
from daemon.text import content_words, normalised, value_words
from prompts.load import lines

_LIVES = frozenset("live living town city home place flat house based".split())
_WORKS = frozenset("work job profession earn living kind career".split())
_CALLED = frozenset("call give gave remind".split())
_BEST = frozenset("favourite favorite best like love most prefer pick".split())
WORDS_OF_ASKING = _LIVES | _WORKS | _CALLED | _BEST  # they tell of nobody
_IS_CALLED = re.compile(r"^who\b|\b(?:name|names|called|call)\b")
_NOT_NOW = frozenset("old former previous first last before earlier once ex".split())
_HOW_OLD = re.compile(r"how old (?:is|are)\b", re.I)
_TOLD_AS = {"called": "called", "named": "called", "lives in": "lives", "works as": "works"}
_NAME = r"[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a question asks for: `question[start:end]` is the one whom, or the thing that, it asks about."""

    table: str  # "people" | "pets" | "favourites"
    whose: tuple[str, ...]  # "my best friend's doctor" -> ("best friend", "doctor"); one word of a thing
    about: str  # "called" | "lives" | "works" | "best"; "": another thing about somebody
    start: int
    end: int

    @property
    def key(self) -> tuple[str, ...]:
        """Equal for two wordings of one question."""
        return (*(_head(word) for word in self.whose), self.about)


def read(question: str) -> Asked | None:
    """What `question` asks for now; None when code can't tell."""
    words = set(content_words(bare(question)))
    if words & _NOT_NOW and not _HOW_OLD.match(question):
        return None
    found = list(_chain().finditer(question))
    if len(found) == 1:
        whose = _split(found[0][1])
        rest = words - {word for one in whose for word in content_words(one)}
        table = "pets" if _head(whose[-1]) in alike("pets") else "people"
        start, end = found[0].span(1)
        return Asked(table=table, whose=whose, about=_about(rest, question), start=start, end=end)
    return _favourite(question, words) if not found else None


@cache
def alike(table: str) -> Mapping[str, frozenset[str]]:
    """Each thing of a table, with itself and all words that may mean it."""
    return {line.split()[0]: frozenset(line.split()) for line in lines(table)}


class KnownFacts:
    """What the memories tell, as far as it matters to what they don't."""

    def __init__(self, narratives: Iterable[str]) -> None:
        self._words: set[str] = set()  # of all lines
        self._loose: set[str] = set()  # of lines that can't be read
        self._read: dict[tuple[tuple[str, ...], str], set[str]] = {}  # whose, what -> names
        for line in narratives:
            self._add(line.partition(": ")[2])

    def lacks(self, asked: Asked) -> bool:
        """Whether no memory may tell what is asked for."""
        last = _other_words(asked.table, _head(asked.whose[-1]))
        if asked.table == "favourites" or not asked.about:
            return last.isdisjoint(self._words)
        other = last.union(*(_other_words("people", _head(word)) for word in asked.whose[:-1]))
        found = {key: names for key, names in self._read.items() if _may_be(key[0], asked)}
        names = {name for some in found.values() for name in some}
        return asked.about not in {key[1] for key in found} and (other | names).isdisjoint(self._loose)

    def _add(self, sentences: str) -> None:
        words = set(content_words(sentences))
        self._words |= words
        found = [_told().match(part.strip()) for part in sentences.split(BEFORE)]
        for one in found:
            if one is None:
                self._loose |= words
                return
        for one in found:
            assert one
            about = _TOLD_AS[one[2].lower()]
            whose = tuple(_head(word) for word in _split(one[1]))
            names = value_words(f"x {one[3]}") if about == "called" else set()
            self._read.setdefault((whose, about), set()).update(names)


def _favourite(question: str, words: set[str]) -> Asked | None:
    things = [word for word in re.finditer(r"\w+", question) if word[0].lower() in words_of("favourites")]
    if len(things) != 1 or not words & _BEST or words - _BEST - set(content_words(things[0][0])):
        return None
    start, end = things[0].span()
    return Asked(table="favourites", whose=(things[0][0].lower(),), about="best", start=start, end=end)


def _about(rest: set[str], question: str) -> str:
    if rest <= _CALLED and _IS_CALLED.search(normalised(bare(question))):
        return "called"
    if rest and rest <= _WORKS and rest != {"living"}:
        return "works"
    return "lives" if rest and rest <= _LIVES else ""


def _may_be(whose: tuple[str, ...], asked: Asked) -> bool:
    """Whether the same one is meant: "my mum's doctor" and "my mother's doctor"."""
    tables = [*(["people"] * (len(asked.whose) - 1)), asked.table]
    return len(whose) == len(tables) and all(
        one in _other_words(table, _head(word))
        for table, one, word in zip(tables, whose, asked.whose, strict=True)
    )


@cache
def _other_words(table: str, word: str) -> frozenset[str]:
    """All words that may mean `word`, in either direction, as they are and as content words."""
    found = frozenset({word}).union(*(line for line in alike(table).values() if word in line))
    return found.union(content_words(" ".join(found)))


def _head(word: str) -> str:
    """ "little sister" -> "sister"."""
    return word.lower().split()[-1]


def _split(chain: str) -> tuple[str, ...]:
    return tuple(re.split(r"['’]s ", chain.lower()))


@cache
def words_of(*tables: str) -> frozenset[str]:
    """Every word of these tables."""
    return frozenset(word for table in tables for line in lines(table) for word in line.split())


@cache
def _chain() -> re.Pattern[str]:
    """ "my sister", "my best friend's doctor"; what follows is no part of it."""
    return re.compile(rf"\bmy ({_roles()})(?!\w)", re.I)


@cache
def _told() -> re.Pattern[str]:
    """A canonical memory that tells one thing about one of the user's people, and nothing else."""
    value = rf"({_NAME}|(?<=works as )an? [\w-]+(?: [\w-]+)?)\.?$"
    verb = r"(?:is|was) (?=called|named)|(?=lives in|works as)"
    return re.compile(rf"The user's ({_roles()}) (?:{verb})(called|named|lives in|works as) {value}")


def _roles() -> str:
    role = "|".join(sorted(words_of("people", "pets"), key=len, reverse=True))
    one = rf"(?:[\w-]+ )?(?:{role})"
    return rf"{one}(?:['’]s {one})*"
