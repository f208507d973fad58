"""
What people tell about themselves: one `Relation` per kind of fact, with every wording of `relations.toml`.

    statement (user's words) -> memory (canonical sentence) -> questions and one answer, now and before

`{v}` is the value, `{r}` a role word (sister, dog), `{t}` a thing (food, colour). Knows no values.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """
    One kind of fact. What *ask* writes are the first five `questions`, or the first three of now and of before.

    `single`: a second value replaces the first (RECONCILE); otherwise both hold (ADD).
    `same`: other wordings of `memory` (IGNORE); `more`: a fuller sentence (UPDATE), `{w}` is a second value.
    """

    key: str
    kind: str  # of the value: name, town, job, thing, word, day, number
    memory: str
    answer: str
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    changes: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    before_answer: str = ""
    same: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    more_said: tuple[str, ...] = ()
    single: bool = True
    event: bool = False
    weight: float = 1.0
    less: str = ""  # a vaguer sentence that `memory` adds detail to
    less_said: tuple[str, ...] = ()
    words: tuple[str, ...] = ("",)  # role or thing words
    who: str = ""  # reverse answer to "Who is {v}?"


@cache
def relations() -> tuple[Relation, ...]:
    """Every kind of fact, in the order of the table."""
    table = tomllib.loads((files("models.nano") / "relations.toml").read_text(encoding="utf-8"))
    return tuple(_relation(row, table) for row in table["relation"])


def _relation(row: dict[str, Any], table: dict[str, list[str]]) -> Relation:
    groups = row.pop("words", None)
    words = tuple(word for group in groups for word in table[group]) if groups else ("",)
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
    }
    return Relation(words=words, **given)
