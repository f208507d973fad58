"""
The generations: what each night made, which one answers, one opened, two side by side, and the way back.

Only what may answer is offered; why another may not is said next to it. Nothing that is asked here is kept.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from daemon.client import calls
from daemon.client.transport import AsyncClient
from daemon.text import counted, sentence, who_answers
from daemon.web.components import dom
from daemon.web.formatting import day, share
from daemon.web.nights.exam_table import exam_table, part_name

STATES = {  # state of a generation: its chip
    "adopted": ("kept", ""),
    "refused": ("refused", "warm"),
    "retired": ("retired", ""),
    "tainted": ("tainted", "bad"),
    "candidate": ("in its exam", "wing"),
}
BASE = 0
MOST_LINES = 8
Found = Mapping[str, Any]


class Generations:
    """The list of what nights made."""

    def __init__(self, backend: AsyncClient, first: str) -> None:
        """`first`: the number of the generation to open; "" = none."""
        self._backend, self._first = backend, first
        self._places: dict[int, ui.element] = {}
        with dom.box("generations") as self._list:
            dom.loading()
        self._comparison = Comparison(backend)

    async def load(self) -> None:
        """Look them all up."""
        await dom.fill(self._list, self._load)

    async def _load(self) -> None:
        found = await self._backend.ask(calls.generations())
        generations = found["generations"]
        self._list.clear()
        with self._list:
            self._show(generations, found["live"])
        usable = [BASE, *(one["id"] for one in generations if one["exam"].get("parts"))]
        answering = [one["id"] for one in generations if one["why_not"] is None and one["id"] in usable]
        self._comparison.offer(usable, [BASE, *answering][-2:])
        first, self._first = self._first, ""
        if first.isdigit() and any(one["id"] == int(first) for one in generations):
            await self._open(int(first))
            ui.run_javascript(f"document.getElementById('generation-{int(first)}').scrollIntoView()")

    def _show(self, found: Sequence[Found], live: int) -> None:
        self._places = {}
        earlier = [one for one in found if one["why_not"] is None and one["id"] < live]
        with dom.box("row spread"):
            dom.text(f"{who_answers(live).capitalize()} answers", tag="h2")
            if live:
                to = str(earlier[-1]["id"]) if earlier else "the base model"
                dom.button(f"Go back to {to}", lambda: self._roll_back(live, bool(earlier)), picture="undo")
        with dom.box("generation-list", tag="ol"):
            for one in reversed(found):
                self._item(one, is_live=one["id"] == live)
            self._base_item(is_live=live == BASE)

    def _item(self, one: Found, *, is_live: bool) -> None:
        id = one["id"]
        with dom.box(f"generation card {'live' if is_live else ''}", tag="li").props(f"id=generation-{id}"):
            dom.text(str(id), "big-number").props("aria-hidden=true")
            with dom.box("generation-words"):
                with dom.box("row"):
                    dom.text(f"Generation {id}", tag="h3")
                    dom.chip(*(("answers now", "good") if is_live else STATES[one["state"]]))
                made = f"Made on {day(one['made_at'])} of {counted(one['lesson_count'], 'lesson')}."
                dom.text(made, "soft")
                if facts := one["exam"].get("parts", {}).get("facts"):
                    right = share(facts["candidate"])
                    with dom.box("knows"):
                        dom.bar(facts["candidate"], f"knows {right} of what was asked")
                        dom.text(f"knew {right} of what you told me", "small soft", tag="span")
                why = one["why_not"] if one["state"] != "refused" else ""
                if why or one["reason"]:
                    dom.text(sentence(why or one["reason"]), "small soft")
                self._places[id] = dom.box("opened")
            with dom.box("generation-actions"):
                dom.button("Details", lambda: self._open(id))
                if one["why_not"] is None and not is_live:
                    dom.button("Use this one", lambda: self._use(id))

    def _base_item(self, *, is_live: bool) -> None:
        with dom.box(f"generation card {'live' if is_live else ''}", tag="li"):
            dom.text("0", "big-number").props("aria-hidden=true")
            with dom.box("generation-words"):
                with dom.box("row"):
                    dom.text("The base model", tag="h3")
                    if is_live:
                        dom.chip("answers now", "good")
                dom.text("As it came: it has learned nothing of you. Every night begins here.", "soft")
            with dom.box("generation-actions"):
                if not is_live:
                    dom.button("Use this one", lambda: self._use(BASE))

    async def _open(self, number: int) -> None:
        place = self._places[number]
        if place.default_slot.children:
            place.clear()
            return
        found = await self._backend.ask(calls.generation(number))
        with place:
            exam, lineage = found["generation"]["exam"], found["lineage"]
            if parts := exam.get("parts"):
                exam_table(parts, had_live=any(one["live"] is not None for one in parts.values()))
            kinds = (
                f"{one['train'] + one['exam']} {one['kind'].replace('_', ' ')}" for one in found["lessons"]
            )
            drift = exam.get("drift")
            away = "" if drift is None else f"{drift:.3f} nats a token from what the base says"
            dom.facts(
                [
                    ("Lessons", ", ".join(kinds)),
                    ("Memories", f"{lineage['memories']:,}"),
                    ("Forgotten since", counted(lineage["forgotten_lessons"], "lesson")),
                    ("Drift", away),
                ]
            )
            _missed(found["missed"])
            if found["night"]:
                dom.link("The morning after it", f"/nights?night={found['night']}")

    async def _use(self, number: int) -> None:
        self._say_live(await self._backend.ask(calls.use(number)))
        await self.load()

    async def _roll_back(self, live: int, has_earlier: bool) -> None:
        before = f"The generation before {live}" if has_earlier else "The base model"
        words = (
            f"{before} answers from the next question on. Nothing is lost: "
            f"generation {live} stays, and can be chosen again."
        )
        if await dom.confirm("Go back one generation?", words, yes="Go back"):
            self._say_live(await self._backend.ask(calls.rollback()))
            await self.load()

    def _say_live(self, done: Found) -> None:
        dom.notify(sentence(f"{who_answers(done['live'])} answers"))


def _missed(missed: Sequence[Found]) -> None:
    if not missed:
        return
    with dom.details(counted(len(missed), "wrong answer")), dom.box("missed", tag="ul"):
        for one in missed:
            with dom.box(tag="li"):
                dom.text(one["question"], "asked")
                dom.text(f"It said: {one['said'] or 'nothing'}")
                if one["wanted"]:
                    dom.text(f"Right is: {one['wanted']}", "soft")


class Comparison:
    """Two side by side: their exams, what only one learned, a question to both. Hidden while there is one only."""

    def __init__(self, backend: AsyncClient) -> None:
        self._backend = backend
        self._a = self._b = BASE
        with dom.section("Side by side", classes="compare") as self._card:
            self._choices = dom.box("row choices")
            self._result = dom.box("compared")
            with dom.box("ask-both"):
                self._question = dom.Field("Ask both", hint="Where do I live?")
                dom.button("Ask", self._ask, kind="main")
            self._answers = dom.box("both-answers").props("aria-live=polite")
        dom.on(self._question.input, "keydown.enter", self._ask)
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
            dom.labelled_choice("This one", options, str(self._a), lambda event: self._choose(a=event.args))
            dom.labelled_choice("beside", options, str(self._b), lambda event: self._choose(b=event.args))
        self._result.clear()
        with self._result:
            dom.button("Compare", self._compare, classes="first")

    async def _choose(self, *, a: str = "", b: str = "") -> None:
        self._a, self._b = int(a or self._a), int(b or self._b)
        await self._compare()

    async def _compare(self) -> None:
        a, b = self._a, self._b
        self._answers.clear()
        self._result.clear()
        if a == b:
            with self._result:
                dom.text("Choose two different ones.", "soft")
            return
        found = await self._backend.ask(calls.compare(a, b))
        with self._result:
            _exams(found)
            _learned_by_one(a, found["only_a"])
            _learned_by_one(b, found["only_b"])
            _differing(found)

    async def _ask(self) -> None:
        question, both = self._question.value.strip(), (self._a, self._b)
        if not question:
            return
        self._answers.clear()
        with self._answers:
            dom.loading("Asking both, without memories …")
        try:
            answers = await asyncio.gather(*(self._answer(one, question) for one in both))
        finally:
            self._answers.clear()
        with self._answers:
            for number, answer in zip(both, answers, strict=True):
                with dom.box("both-answer"):
                    dom.text(who_answers(number), "soft small")
                    dom.text(answer)

    async def _answer(self, number: int, question: str) -> str:
        return str((await self._backend.ask(calls.ask(number, question)))["answer"])


def _exams(found: Found) -> None:
    a, b = who_answers(found["a"]), who_answers(found["b"])
    with dom.table(f"{a} and {b}", ("Part", a, b), "beside"):
        for part, shares in found["parts"].items():
            with dom.box(tag="tr"):
                dom.text(part_name(part), tag="td")
                for one in ("a", "b"):
                    right = shares["same_" + one] if shares["both"] else shares[one]
                    with dom.box(tag="td"), dom.box("bar-cell"):
                        if right is None:
                            dom.text("not asked", "soft small", tag="span")
                        else:
                            name = f"{who_answers(found[one])}, {part_name(part)}"
                            dom.bar(right, f"{name}: {share(right)}")
                            dom.text(share(right), tag="span")


def _learned_by_one(number: int, lines: Sequence[Found]) -> None:
    if not lines:
        return
    dom.text(f"Only {who_answers(number)} learned", tag="h3")
    with dom.box("only", tag="ul"):
        for one in lines[:MOST_LINES]:
            with dom.box(tag="li"):
                dom.memory_link(one["line"].partition(": ")[2] or one["line"], one["id"])
    if len(lines) > MOST_LINES:
        dom.text(f"and {len(lines) - MOST_LINES} more", "soft")


def _differing(found: Found) -> None:
    if not found["differing"]:
        return
    with dom.details("Questions that only one had right"), dom.box("differing", tag="ul"):
        for one in found["differing"]:
            with dom.box(tag="li"):
                dom.text(one["question"], "asked")
                right = who_answers(found["a"] if one["a"] > one["b"] else found["b"])
                dom.text(f"{right} had it right: {one['wanted']}", "soft")
