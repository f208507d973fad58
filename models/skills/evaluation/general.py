"""
General questions and instructions: is an answer right, alone and with memories beside that don't bear on it?

Promises: an answer is judged by the words it must have, or, where a question is open, by being speech of the right
kind; with memories beside, none of their words may be in it. `general.toml` explains the marks of a right answer.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from models.skills.evaluation.replies import MAINLY, is_speech, share_in


@dataclass(frozen=True, slots=True, kw_only=True)
class General:
    """One question, and how a right answer is known; see `general.toml`."""

    kind: str
    ask: str
    language: str = "en"
    has: Sequence[Sequence[str]] = ()
    lacks: Sequence[str] = ()
    words: int = 1
    items: int = 0
    script: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is remembered of somebody."""

    language: str
    lines: Sequence[str]
    names: Sequence[str]  # words that tell an answer is about them


def questions() -> tuple[list[General], list[Person]]:
    """All questions, and the persons whose memories lie beside them."""
    text = (files("models.skills.evaluation") / "general.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)
    persons = [Person(**one) for one in told.pop("persons")]
    return [General(kind=kind, **one) for kind, every in told.items() for one in every], persons


def beside_of(asked: General, at: int, persons: Sequence[Person]) -> Person:
    """Whose memories lie beside the question at place `at`: of somebody who speaks its language."""
    same = [one for one in persons if one.language == asked.language]
    return same[at % len(same)]


def is_right(asked: General, answer: str, names: Sequence[str] = ()) -> bool:
    """Whether `answer` is right, and says none of `names`."""
    said = all(any(says(answer, word) for word in group) for group in asked.has)
    wrong = any(says(answer, word) for word in (*asked.lacks, *names))
    return (
        said
        and not wrong
        and is_speech(answer, asked.words)
        and _is_list(answer, asked)
        and (not asked.script or share_in(answer, asked.script) >= MAINLY)
    )


def says(answer: str, word: str) -> bool:
    """Whether a word of `answer` begins with `word`; anywhere, in a script that writes no spaces."""
    begins = r"(?<!\w)" if share_in(word, "CJK") == 0 else ""
    return re.search(begins + re.escape(word), answer, re.IGNORECASE) is not None


def _is_list(answer: str, asked: General) -> bool:
    lines = [line for line in answer.splitlines() if line.strip()]
    between = re.split(r",|、| and | und | or ", answer)
    return max(len(lines), len(between)) >= asked.items
