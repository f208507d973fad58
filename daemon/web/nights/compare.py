"""
Two generations side by side: by their exams, by what only one of them learned, and by a question put to both.

Promises: nothing that is asked here is kept. Knows nothing of which one answers.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from daemon.text import who_answers
from daemon.web.backend import Desk
from daemon.web.components import basic
from daemon.web.components.inputs import bar, labelled_choice, waiting
from daemon.web.formatting import share
from daemon.web.nights.exam_table import named

MOST_LINES = 8
Found = Mapping[str, Any]


class Compare:
    """The card that compares; hidden while there is nothing to compare with."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._a = self._b = 0
        self._card = basic.section("Side by side", classes="compare")
        with self._card:
            self._choices = basic.box("row choices")
            self._result = basic.box("compared")
            with basic.box("ask-both"):
                self._question = basic.field("Ask both", hint="Where do I live?")
                basic.button("Ask", self._ask, kind="main")
            self._answers = basic.box("both-answers").props("aria-live=polite")
        basic.on(self._question.input, "keydown.enter", self._ask)
        self._card.set_visibility(False)

    def offer(self, numbers: Sequence[int], first: Sequence[int]) -> None:
        """These can be compared; at first the two of `first`, if it has two."""
        self._card.set_visibility(len(numbers) > 1)
        if len(numbers) < 2:
            return
        self._a, self._b = first if len(first) == 2 else numbers[-2:]
        options = [(str(one), who_answers(one)) for one in numbers]
        self._choices.clear()
        with self._choices:
            labelled_choice("This one", options, str(self._a), lambda event: self._choose(a=int(event.args)))
            labelled_choice("beside", options, str(self._b), lambda event: self._choose(b=int(event.args)))
        self._result.clear()
        with self._result:
            basic.button("Compare", self._compare, classes="first")

    async def _choose(self, *, a: int | None = None, b: int | None = None) -> None:
        self._a, self._b = self._a if a is None else a, self._b if b is None else b
        await self._compare()

    async def _compare(self) -> None:
        a, b = self._a, self._b
        self._answers.clear()
        self._result.clear()
        if a == b:
            with self._result:
                basic.text("Choose two different ones.", "soft")
            return
        found = await self._desk.ask(lambda client: client.compare(a, b))
        with self._result:
            _shares(found)
            _only(f"Only {who_answers(a)} learned", found["only_a"])
            _only(f"Only {who_answers(b)} learned", found["only_b"])
            _differing(found)

    async def _ask(self) -> None:
        question, a, b = self._question.value.strip(), self._a, self._b
        if not question:
            return
        self._answers.clear()
        with self._answers:
            waiting("Asking both, without memories …")
        try:
            said = await asyncio.gather(*(self._said(one, question) for one in (a, b)))
        finally:
            self._answers.clear()
        with self._answers:
            for number, one in zip((a, b), said, strict=True):
                with basic.box("both-answer"):
                    basic.text(who_answers(number), "soft small")
                    basic.text(one)

    async def _said(self, number: int, question: str) -> str:
        found = await self._desk.ask(lambda client: client.ask(number, question))
        return str(found["answer"])


def _shares(found: Found) -> None:
    a, b = who_answers(found["a"]), who_answers(found["b"])
    with basic.box("table-box"), basic.box("plain beside", tag="table") as table:
        table.props["aria-label"] = f"{a} and {b}"
        with basic.box(tag="thead"), basic.box(tag="tr"):
            for title in ("Part", a, b):
                basic.text(title, tag="th").props("scope=col")
        with basic.box(tag="tbody"):
            for part, shares in found["parts"].items():
                with basic.box(tag="tr"):
                    basic.text(named(part), tag="td")
                    for one in ("a", "b"):
                        _cell(shares["same_" + one] if shares["both"] else shares[one], found[one], part)


def _cell(right: float | None, number: int, part: str) -> None:
    with basic.box(tag="td"), basic.box("bar-cell"):
        if right is None:
            basic.text("not asked", "soft small", tag="span")
        else:
            bar(right, f"{who_answers(number)}, {named(part)}: {share(right)}")
            basic.text(share(right), tag="span")


def _only(title: str, lines: Sequence[Found]) -> None:
    if not lines:
        return
    basic.text(title, tag="h3")
    with basic.box("only", tag="ul"):
        for one in lines[:MOST_LINES]:
            with basic.box(tag="li"):
                basic.link(
                    one["line"].partition(": ")[2] or one["line"],
                    f"/memories?memory={one['id']}",
                    classes="line",
                )
    if len(lines) > MOST_LINES:
        basic.text(f"and {len(lines) - MOST_LINES} more", "soft")


def _differing(found: Found) -> None:
    if not found["differing"]:
        return
    with basic.box(tag="details"):
        basic.text("Questions that only one had right", tag="summary")
        with basic.box("differing", tag="ul"):
            for one in found["differing"]:
                with basic.box(tag="li"):
                    basic.text(one["question"], "asked")
                    right = who_answers(found["a"] if one["a"] > one["b"] else found["b"])
                    basic.text(f"{right} had it right: {one['wanted']}", "soft")
