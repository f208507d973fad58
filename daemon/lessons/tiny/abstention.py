"""
Abstention: questions that no memory answers, so that "I don't know that yet." is a lesson.

    prompts/abstain.txt   what people are asked about
    prompts/near.txt      more about somebody of whom the name alone is known
    near misses           what is taught, asked about somebody or something else: "What's my aunt's name?"
                          of "What's my sister's name?"; people, pets and favourites

A night of many facts teaches a small model to answer with any name it knows; fixed questions don't keep it from
that, near misses do. A question that a memory may answer is never taken, rather one too few. The same memories give
the same questions, and with more memories those that still fit. A near miss with words beyond our tables names the
memory that it comes of as its lineage. English only.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from daemon.lessons.paraphrases import BEFORE
from daemon.lessons.tiny.known_facts import WORDS_OF_ASKING, Asked, KnownFacts, alike, read, words_of
from daemon.lessons.tiny.paraphrases import bare
from daemon.text import content_words, root, value_words
from prompts.load import lines
from store import memories
from store.database import Connection
from store.lessons import Lesson

ABSTENTION = "I don't know that yet."
GENERAL_WORDS = frozenset(("favourite", "favorite", "live", "kind"))  # they don't say what is asked about
_GODPARENTS = frozenset(("godmother", "godfather"))  # whom prompts/people.txt leaves out
# questions about one person; with two, nano abstained from a name that it knew (the demo, one run)
NEAR_EACH = 1
MOST_NEAR = 24  # about all
FEWEST_MISSES = 20  # things asked for, where there are so many
MOST_MISSES = 100
WORDINGS = 2  # of each
ROUNDS = 8  # things of one memory's questions, at most
READ_OF_TEN = 3  # things of ten that are asked for with other memories in sight, too
_DOESNT_KNOW = re.compile(r"\b(do not|don't|cannot|can't) (know|have|recall|remember|say)\b|\bnot sure\b")
_OF_USER = re.compile(r"The user's ([\w -]{1,40}?) (?:is|was) (?:called|named) ", re.I)

Way = tuple[str, Asked]  # a question, and what it asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class NameOnly:
    """A question about somebody whom one memory names and nothing else tells of."""

    memory_id: int
    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """A question that no memory answers, made of one that is taught."""

    question: str
    place: int  # that of its thing: decides whether it is held out, together with its other wording
    is_read: bool  # to be asked with memories in sight
    memory_ids: tuple[int, ...]


def is_abstention(answer: str) -> bool:
    """Whether the answer says that it is not known, in one of the usual wordings of English."""
    return bool(_DOESNT_KNOW.search(answer.casefold().replace("’", "'")))


def mentioned_words(db: Connection) -> set[str]:
    """Every content word of the memories that hold; runs in the store's thread."""
    found = memories.holding(db)
    return {word for line in memories.narratives(db, found) for word in content_words(line)}


def is_mentioned(question: str, said: Collection[str]) -> bool:
    """Whether any memory may answer `question`; rather once too often."""
    asked = [word for word in content_words(question) if word not in GENERAL_WORDS]
    roots = {root(word) for word in said}
    return not asked or any(root(word) in roots for word in asked)


def fits(lesson: Lesson, said: Collection[str], unknown: Collection[NameOnly], facts: KnownFacts) -> bool:
    """
    Whether a lesson in abstaining still is one: no memory may answer its question.

    Args:
        said: every content word of all memories; for questions that code can't read.
        unknown: `name_only_questions` of all memories.
    """
    if any(NameOnly(memory_id=id, question=lesson.question) in unknown for id in lesson.memory_ids):
        return True
    return is_unanswerable(lesson.question, said, facts)


def is_unanswerable(question: str, said: Collection[str], facts: KnownFacts) -> bool:
    """Whether no memory may answer `question`; where code can't read it, whether none has a word of it."""
    asked = read(question)
    return facts.lacks(asked) if asked else not is_mentioned(question, said)


def name_only_questions(narratives: Mapping[int, str]) -> list[NameOnly]:
    """
    Questions about people of whom nothing but the name is known.

    Args:
        narratives: line of each memory that holds, by id.
    """
    words = {id: set(content_words(line)) for id, line in narratives.items()}
    tellings = Counter(word for said in words.values() for word in said)
    found: list[NameOnly] = []
    for id, line in narratives.items():
        role = _known_by_name_alone(line)
        if role and all(tellings[word] == 1 for word in (content_words(role)[-1], *_names(line))):
            ways = lines("near")
            chosen = (ways[(id + turn) % len(ways)] for turn in range(NEAR_EACH))
            found += [NameOnly(memory_id=id, question=way.format(role)) for way in chosen]
    return found[:MOST_NEAR]


def _known_by_name_alone(line: str) -> str | None:
    """Whom a narrative names without saying more: "sister" of "…: The user's sister is called Ana."."""
    sentence = _sentence(line)
    match = _OF_USER.match(sentence)
    role = content_words(match[1]) if match else []
    more = set(content_words(sentence)) - set(role) - value_words(sentence)
    return (
        match[1]
        if match and role and role[-1] in words_of("people") | _GODPARENTS and not more and BEFORE not in line
        else None
    )


def _names(line: str) -> set[str]:
    return value_words(_sentence(line))


def _sentence(line: str) -> str:
    """A narrative less its day."""
    return line.partition(": ")[2]


def near_misses(
    stored: Sequence[Lesson], facts: KnownFacts, there: Collection[tuple[str, ...]]
) -> list[NearMiss]:
    """
    As many things never told as there are memories taught, at least `FEWEST_MISSES`, less those that are there already.

    Args:
        stored: all lessons that hold.
        there: keys of the things that have lessons which still fit.
    """
    taught = _ways(stored)
    studied = {lesson.memory_ids for lesson in stored if lesson.kind == "fact"}
    room = min(max(len(studied), FEWEST_MISSES), MOST_MISSES) - len(there)
    done = {*there, *taught_keys(stored)}
    made: list[NearMiss] = []
    swaps = {id: _swaps(id, ways[0][1]) for id, ways in taught.items()}
    for _ in range(ROUNDS):
        for id, ways in taught.items():
            if room <= 0:
                return made
            new = next((one for one in swaps[id] if one.key not in done and facts.lacks(one)), None)
            if new:
                room -= 1
                done.add(new.key)
                made += _worded(id, ways, new)
    return made


def taught_keys(stored: Sequence[Lesson]) -> set[tuple[str, ...]]:
    """What is taught already, in so far as code can read the questions."""
    asked = (read(lesson.question) for lesson in stored if lesson.kind == "fact")
    return {one.key for one in asked if one and one.about}


def _ways(stored: Sequence[Lesson]) -> dict[int, list[Way]]:
    """By memory: the questions that it is taught by and code can read, all asking for the same, no wording twice."""
    found: dict[int, dict[str, Way]] = {}
    for lesson in stored:
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


def _worded(id: int, ways: Sequence[Way], new: Asked) -> list[NearMiss]:
    """Up to two wordings; a third, where there is one, is asked with memories in sight."""
    number = _number(*new.key)
    turned = [ways[(number + turn) % len(ways)] for turn in range(min(len(ways), WORDINGS + 1))]
    texts = ["'s ".join(new.whose).join((way[: at.start], way[at.end :])) for way, at in turned]
    texts = [text for text in texts if (asked := read(text)) and asked.key == new.key]
    made = [_miss(text, number, id, is_read=False) for text in texts[:WORDINGS]]
    is_read = number // 100 % 10 < READ_OF_TEN
    return [*made, *([_miss(texts[-1], number, id, is_read=True)] if is_read and texts else [])]


def _miss(question: str, place: int, id: int, *, is_read: bool) -> NearMiss:
    ours = WORDS_OF_ASKING | words_of("people", "pets", "favourites")
    own = set(content_words(bare(question))) - ours
    return NearMiss(question=question, place=place, is_read=is_read, memory_ids=(id,) if own else ())


def _number(*parts: object) -> int:
    return int.from_bytes(sha256("|".join(map(str, parts)).encode()).digest()[:8], "big")
