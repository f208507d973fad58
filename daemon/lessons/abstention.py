"""
Abstaining: the questions that nothing held answers, so that "I don't know that yet." is a lesson.

    prompts/abstain.txt   what people are asked about
    prompts/near.txt      more about somebody of whom the name alone is known
    near_misses.py        what is taught, asked about somebody or something never told of

Promises: pure functions but for `mentioned`; a question that may be answered by what is held is none of them, rather
left out once too often; a bounded number. Knows nothing of models.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from daemon.lessons.known_facts import Told, read
from daemon.lessons.paraphrases import BEFORE
from daemon.text import content_words, root, value_words
from prompts.load import lines
from store import memories
from store.database import Connection
from store.lessons import Lesson

ABSTENTION = "I don't know that yet."
GENERAL_WORDS = frozenset(("favourite", "favorite", "live", "kind"))  # they don't say what is asked about
PEOPLE = frozenset(
    """
    sister brother mother father mum mom dad wife husband partner girlfriend boyfriend fiancé fiancée son daughter child
    aunt uncle cousin niece nephew grandmother grandfather grandma grandpa godmother godfather sibling twin
    friend boss colleague neighbour neighbor roommate flatmate teacher coach doctor dentist landlord manager
    """.split()
)
NEAR_EACH = (
    1  # questions about one person; with two, nano abstained from a name that it knew (the demo, one run)
)
MOST_NEAR = 24  # about all
_OF_USER = re.compile(r"The user's ([\w -]{1,40}?) (?:is|was) (?:called|named) ", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A question about somebody whom one memory names and nothing else tells of."""

    memory_id: int
    question: str


def mentioned(db: Connection) -> set[str]:
    """Every content word of what is held; runs in the store's thread."""
    found = memories.holding(db)
    return {word for line in memories.narratives(db, found) for word in content_words(line)}


def is_mentioned(question: str, said: Collection[str]) -> bool:
    """Whether any memory may answer `question`: then it is no lesson in abstaining. Rather once too often."""
    asked = [word for word in content_words(question) if word not in GENERAL_WORDS]
    roots = {root(word) for word in said}
    return not asked or any(root(word) in roots for word in asked)


def fits(lesson: Lesson, said: Collection[str], unknown: Collection[Near], told: Told) -> bool:
    """
    Whether a lesson in abstaining still is one: nothing held may answer its question.

    Args:
        said: every content word of what is held; for questions that code can't read.
        unknown: `near` of what is held.
    """
    if any(Near(memory_id=id, question=lesson.question) in unknown for id in lesson.memory_ids):
        return True
    return is_untold(lesson.question, said, told)


def is_untold(question: str, said: Collection[str], told: Told) -> bool:
    """Whether nothing held may answer `question`; where code can't read it, whether nothing has a word of it."""
    asked = read(question)
    return told.lacks(asked) if asked else not is_mentioned(question, said)


def near(narratives: Mapping[int, str]) -> list[Near]:
    """
    Questions about people of whom nothing but the name is held.

    Args:
        narratives: line of each held memory by id.
    """
    words = {id: set(content_words(line)) for id, line in narratives.items()}
    tellings = Counter(word for said in words.values() for word in said)
    found: list[Near] = []
    for id, line in narratives.items():
        role = _known_by_name_alone(line)
        if role and all(tellings[word] == 1 for word in (content_words(role)[-1], *_names(line))):
            ways = lines("near")
            chosen = (ways[(id + turn) % len(ways)] for turn in range(NEAR_EACH))
            found += [Near(memory_id=id, question=way.format(role)) for way in chosen]
    return found[:MOST_NEAR]


def _known_by_name_alone(line: str) -> str | None:
    """Whom a narrative names without saying more: "sister" of "…: The user's sister is called Ana."."""
    sentence = _sentence(line)
    match = _OF_USER.match(sentence)
    role = content_words(match[1]) if match else []
    more = set(content_words(sentence)) - set(role) - value_words(sentence)
    return match[1] if match and role and role[-1] in PEOPLE and not more and BEFORE not in line else None


def _names(line: str) -> set[str]:
    return value_words(_sentence(line))


def _sentence(line: str) -> str:
    """A narrative less its day."""
    return line.partition(": ")[2]
