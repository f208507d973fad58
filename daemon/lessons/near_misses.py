"""
Near misses: the questions that are taught, asked about somebody or something that was never told of.

    "What's my sister's name?" ──> "What's my aunt's name?", if no memory may tell it   (people, pets, favourites)

A night of many facts teaches a small model to answer such questions with any name it knows; fixed questions about
other things don't keep it from that, these do.

Promises: pure functions; the same memories, the same questions, and with more memories those that still fit; none
that anything held may answer; none with a value of the user's, and one with other words than our tables' names the
memory that they come of as its lineage; a bounded number. English only. Knows nothing of the store or models.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from daemon.lessons.known_facts import WORDS_OF_ASKING, Asked, Told, alike, read, words_of
from daemon.lessons.paraphrases import bare
from daemon.text import content_words, value_words
from store.lessons import Lesson

FEWEST = 20  # things asked for, where there are so many
MOST = 100
WORDINGS = 2  # of each
ROUNDS = 8  # things of one memory's questions, at most
READ_OF_TEN = 3  # things of ten that are asked for with other memories in sight, too


Way = tuple[str, Asked]  # a question, and what it asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A question that nothing held answers, made of one that is taught."""

    question: str
    place: int  # that of its thing: decides whether it is held out, together with its other wording
    is_read: bool  # to be asked with memories in sight
    memory_ids: tuple[int, ...]


def near_misses(held: Sequence[Lesson], told: Told, there: Collection[tuple[str, ...]]) -> list[Miss]:
    """
    As many things never told as there are memories taught, at least `FEWEST`, less those that are there already.

    Args:
        held: all lessons that hold.
        there: keys of the things that have lessons which still fit.
    """
    taught = _ways(held)
    studied = {lesson.memory_ids for lesson in held if lesson.kind == "fact"}
    room = min(max(len(studied), FEWEST), MOST) - len(there)
    done = {*there, *taught_keys(held)}
    made: list[Miss] = []
    swaps = {id: _swaps(id, ways[0][1]) for id, ways in taught.items()}
    for _ in range(ROUNDS):
        for id, ways in taught.items():
            if room <= 0:
                return made
            new = next((one for one in swaps[id] if one.key not in done and told.lacks(one)), None)
            if new:
                room -= 1
                done.add(new.key)
                made += _worded(id, ways, new)
    return made


def taught_keys(held: Sequence[Lesson]) -> set[tuple[str, ...]]:
    """What is taught already, in so far as code can read the questions."""
    asked = (read(lesson.question) for lesson in held if lesson.kind == "fact")
    return {one.key for one in asked if one and one.about}


def _ways(held: Sequence[Lesson]) -> dict[int, list[Way]]:
    """By memory: the questions that it is taught by and code can read, all asking for the same, no wording twice."""
    found: dict[int, dict[str, Way]] = {}
    for lesson in held:
        asked = read(lesson.question) if lesson.kind == "fact" and lesson.split == "train" else None
        if asked and not value_words(lesson.question):
            ways = found.setdefault(lesson.memory_ids[0], {})
            if all(way[1].key == asked.key for way in ways.values()):
                ways.setdefault(bare(lesson.question), (lesson.question, asked))
    return {id: list(ways.values()) for id, ways in sorted(found.items())}


def _swaps(id: int, asked: Asked) -> Iterator[Asked]:
    """`asked` with another in the place of one of those it asks about, in an order that only depends on both."""
    found = []
    for place in range(len(asked.whose)):
        table = asked.table if place == len(asked.whose) - 1 else "people"
        for other in alike(table).keys() - set(asked.whose):
            whose = (*asked.whose[:place], other, *asked.whose[place + 1 :])
            found.append(replace(asked, whose=whose))
    return iter(sorted(found, key=lambda one: _number(id, *one.key)))


def _worded(id: int, ways: Sequence[Way], new: Asked) -> list[Miss]:
    """Up to two wordings; a third, where there is one, is asked with memories in sight."""
    number = _number(*new.key)
    turned = [ways[(number + turn) % len(ways)] for turn in range(min(len(ways), WORDINGS + 1))]
    texts = ["'s ".join(new.whose).join((way[: at.start], way[at.end :])) for way, at in turned]
    texts = [text for text in texts if (asked := read(text)) and asked.key == new.key]
    made = [_miss(text, number, id, is_read=False) for text in texts[:WORDINGS]]
    is_read = number // 100 % 10 < READ_OF_TEN
    return [*made, *([_miss(texts[-1], number, id, is_read=True)] if is_read and texts else [])]


def _miss(question: str, place: int, id: int, *, is_read: bool) -> Miss:
    ours = WORDS_OF_ASKING | words_of("people", "pets", "favourites")
    own = set(content_words(bare(question))) - ours
    return Miss(question=question, place=place, is_read=is_read, memory_ids=(id,) if own else ())


def _number(*parts: object) -> int:
    return int.from_bytes(sha256("|".join(map(str, parts)).encode()).digest()[:8], "big")
