"""
General questions and instructions: is an answer right, alone and with memories beside that don't bear on it?

Promises: an answer is judged by the words it must have, or, where a question is open, by being speech of the right
kind; with memories beside, none of their words may be in it. `general.toml` explains the marks of a right answer.
"""

import ast
import json
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

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
    most: int = 0  # and of these, 0 or "": any
    lines: int = 0
    sentences: int = 0
    starts: str = ""
    shape: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is remembered of somebody."""

    language: str
    lines: Sequence[str]
    names: Sequence[str]  # words that tell an answer is about them


def questions() -> tuple[list[General], list[Person]]:
    """All questions, and the persons whose memories lie beside them."""
    told = _read("general.toml")
    persons = [Person(**one) for one in told.pop("persons")]
    return [General(kind=kind, **one) for kind, every in told.items() for one in every], persons


def instructions() -> list[General]:
    """Things to do: lists, rewriting, code, formats; see `instructions.toml`."""
    return [General(kind=kind, **one) for kind, every in _read("instructions.toml").items() for one in every]


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
        and _keeps_to(asked, answer)
    )


def says(answer: str, word: str) -> bool:
    """Whether a word of `answer` begins with `word`; anywhere, in a script that writes no spaces."""
    begins = r"(?<!\w)" if share_in(word, "CJK") == 0 and word[0].isalnum() else ""
    return re.search(begins + re.escape(word), answer, re.IGNORECASE) is not None


def _keeps_to(asked: General, answer: str) -> bool:
    """Whether it is as short and in the form that was asked for."""
    lines = [line for line in answer.splitlines() if line.strip()]
    sentences = re.findall(r"[.!?](?=\s|$)", answer)
    return (
        (not asked.most or len(re.findall(r"\w+", answer)) <= asked.most)
        and (not asked.lines or len(lines) == asked.lines)
        and (not asked.sentences or len(sentences) <= asked.sentences)
        and answer.lstrip("\"'*# ").startswith(asked.starts)
        and (not asked.shape or SHAPES[asked.shape](answer))
    )


def _is_json(answer: str) -> bool:
    try:
        json.loads(_fenced(answer) or answer[answer.find("{") : answer.rfind("}") + 1])
    except ValueError:
        return False
    return True


def _is_python(answer: str) -> bool:
    """Whether it has code that Python reads: in a fence, else in the lines themselves."""
    try:
        return bool(ast.parse(_fenced(answer) or answer).body)
    except (SyntaxError, ValueError):
        return False


def _fenced(answer: str) -> str:
    """What stands between the first fence and the next one, or the end of an answer that was cut; "" for none."""
    found = re.search(r"```\w*\n(.*?)(?:```|$)", answer, re.DOTALL)
    return found[1] if found else ""


def _lines_begin(pattern: str) -> Callable[[str], bool]:
    begins = re.compile(rf"^\s*{pattern}", re.MULTILINE)
    return lambda answer: len(begins.findall(answer)) >= 2


SHAPES: dict[str, Callable[[str], bool]] = {
    "json": _is_json,
    "python": _is_python,
    "numbered": _lines_begin(r"\d+[.)]"),
    "bullets": _lines_begin(r"[-*•]\s"),
    "table": _lines_begin(r"\|.*\|"),
}


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("models.skills.evaluation") / name).read_text(encoding="utf-8"))


def _is_list(answer: str, asked: General) -> bool:
    lines = [line for line in answer.splitlines() if line.strip()]
    between = re.split(r",|、| and | und | or ", answer)
    return max(len(lines), len(between)) >= asked.items
