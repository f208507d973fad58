"""What nano is taught about: one fact, in the words of its relation. Items and phrases are both made of these."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from models.nano.relations import Relation

Coin = Callable[[random.Random, str], str]
UNKNOWN = "I don't know that yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One filled relation. `old` is the value it replaced, `detail` the second value of a fuller sentence."""

    relation: Relation
    word: str
    value: str
    number: str = ""
    old: str = ""
    extra: int = -1  # which `more` sentence, -1 none
    detail: str = ""
    on: date = date(2026, 1, 1)

    def fill(self, template: str, value: str | None = None) -> str:
        """`template` with this fact's value, role, number and old value in it."""
        held = self.value if value is None else value
        return template.format(v=held, r=self.word, t=self.word, n=self.number, o=self.old, w=self.detail)

    def sentence(self) -> str:
        """The canonical memory."""
        return self.fill(self.relation.memory if self.extra < 0 else self.relation.more[self.extra])

    def line(self) -> str:
        """The dated line that recall shows."""
        before = f" Before that: {self.fill(self.relation.memory, self.old)}" if self.old else ""
        return f"{self.on}: {self.sentence()}{before}"
