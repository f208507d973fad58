"""
The generations: what each night made, which one answers, one opened, and the way back.

Promises: only what may answer is offered; why another may not is said beside it. Knows nothing of how two are
compared: `compare.py` does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from daemon.text import counted, sentence, who_answers
from daemon.web.backend import Desk
from daemon.web.components import basic
from daemon.web.components.inputs import bar, facts, fill, waiting
from daemon.web.formatting import day, share
from daemon.web.nights.compare import Compare
from daemon.web.nights.exam_table import exam_table

STATES = {  # state of a generation: its chip
    "adopted": ("kept", ""),
    "refused": ("refused", "warm"),
    "retired": ("retired", ""),
    "tainted": ("tainted", "bad"),
    "candidate": ("in its exam", "wing"),
}
BASE = 0
Found = Mapping[str, Any]


class Generations:
    """The part of the room that lists what nights made."""

    def __init__(self, desk: Desk, first: str) -> None:
        """`first`: the number of the generation to open; "" = none."""
        self._desk, self._first = desk, first
        self._places: dict[int, ui.element] = {}
        self._list = basic.box("generations")
        self._compare = Compare(desk)
        with self._list:
            waiting()

    async def load(self) -> None:
        """Look them all up."""
        await fill(self._list, self._load)

    async def _load(self) -> None:
        found = await self._desk.ask(lambda client: client.generations())
        self._list.clear()
        with self._list:
            self._show(found["generations"], found["live"])
        usable = [BASE, *(one["id"] for one in found["generations"] if one["exam"].get("parts"))]
        answering = [
            one["id"] for one in found["generations"] if one["why_not"] is None and one["id"] in usable
        ]
        self._compare.offer(usable, [BASE, *answering][-2:])
        if self._first:
            first, self._first = self._first, ""
            if first.isdigit() and any(one["id"] == int(first) for one in found["generations"]):
                await self._open(int(first))
                ui.run_javascript(f"document.getElementById('generation-{int(first)}').scrollIntoView()")

    def _show(self, found: Sequence[Found], live: int) -> None:
        self._places = {}
        earlier = [one for one in found if one["why_not"] is None and one["id"] < live]
        with basic.box("row spread"):
            basic.text(f"{who_answers(live).capitalize()} answers", tag="h2")
            if live:
                to = str(earlier[-1]["id"]) if earlier else "the base model"
                basic.button(f"Go back to {to}", lambda: self._roll_back(live, bool(earlier)), picture="undo")
        with basic.box("generation-list", tag="ol"):
            for one in reversed(found):
                self._item(one, is_live=one["id"] == live)
            self._base(is_live=live == BASE)

    def _item(self, one: Found, *, is_live: bool) -> None:
        with basic.box(f"generation card {'live' if is_live else ''}", tag="li") as item:
            item.props["id"] = f"generation-{one['id']}"
            basic.text(str(one["id"]), "big-number").props("aria-hidden=true")
            with basic.box("generation-words"):
                with basic.box("row"):
                    basic.text(f"Generation {one['id']}", tag="h3")
                    basic.chip(*(("answers now", "good") if is_live else STATES[one["state"]]))
                made = f"Made on {day(one['made_at'])} of {counted(one['lesson_count'], 'lesson')}."
                basic.text(made, "soft")
                shares = one["exam"].get("parts", {}).get("facts")
                if shares:
                    with basic.box("knows"):
                        bar(shares["candidate"], f"knows {share(shares['candidate'])} of what was asked")
                        basic.text(
                            f"knew {share(shares['candidate'])} of what you told me", "small soft", tag="span"
                        )
                if one["why_not"] and one["state"] != "refused":
                    basic.text(sentence(one["why_not"]), "small soft")
                elif one["reason"]:
                    basic.text(sentence(one["reason"]), "small soft")
                self._places[one["id"]] = basic.box("opened")
            with basic.box("generation-actions"):
                basic.button("Look inside", lambda: self._open(one["id"]))
                if one["why_not"] is None and not is_live:
                    basic.button("Let it answer", lambda: self._use(one["id"]))

    def _base(self, *, is_live: bool) -> None:
        with basic.box(f"generation card {'live' if is_live else ''}", tag="li"):
            basic.text("0", "big-number").props("aria-hidden=true")
            with basic.box("generation-words"):
                with basic.box("row"):
                    basic.text("The base model", tag="h3")
                    if is_live:
                        basic.chip("answers now", "good")
                basic.text("As it came: it has learned nothing of you. Every night begins here.", "soft")
            with basic.box("generation-actions"):
                if not is_live:
                    basic.button("Let it answer", lambda: self._use(BASE))

    async def _open(self, number: int) -> None:
        place = self._places[number]
        if place.default_slot.children:
            place.clear()
            return
        found = await self._desk.ask(lambda client: client.generation(number))
        with place:
            exam = found["generation"]["exam"]
            if exam.get("parts"):
                exam_table(
                    exam["parts"], had_live=any(one["live"] is not None for one in exam["parts"].values())
                )
            kinds = ", ".join(
                f"{one['train'] + one['exam']} {one['kind'].replace('_', ' ')}" for one in found["lessons"]
            )
            drift = exam.get("drift")
            facts(
                [
                    ("Lessons", kinds),
                    ("Memories", f"{found['lineage']['memories']:,}"),
                    ("Forgotten since", f"{found['lineage']['forgotten_lessons']:,} lessons"),
                    (
                        "Drift",
                        "" if drift is None else f"{drift:.3f} nats a token from the base in small talk",
                    ),
                ]
            )
            _missed(found["missed"])
            if found["night"]:
                basic.link("The morning after it", f"/nights?night={found['night']}")

    async def _use(self, number: int) -> None:
        done = await self._desk.ask(lambda client: client.use(number))
        basic.say(f"Generation {done['live']} answers." if done["live"] else "The base model answers.")
        await self.load()

    async def _roll_back(self, live: int, has_earlier: bool) -> None:
        before = f"The generation before {live}" if has_earlier else "The base model"
        words = (
            f"{before} answers from the next question on. Nothing is lost: "
            f"generation {live} stays, and can be chosen again."
        )
        if await basic.confirm("Go back one generation?", words, yes="Go back"):
            done = await self._desk.ask(lambda client: client.rollback())
            basic.say(f"Generation {done['live']} answers." if done["live"] else "The base model answers.")
            await self.load()


def _missed(missed: Sequence[Found]) -> None:
    if not missed:
        return
    with basic.box(tag="details"):
        basic.text(counted(len(missed), "wrong answer"), tag="summary")
        with basic.box("missed", tag="ul"):
            for one in missed:
                with basic.box(tag="li"):
                    basic.text(one["question"], "asked")
                    basic.text(f"It said: {one['said'] or 'nothing'}")
                    if one["wanted"]:
                        basic.text(f"Right is: {one['wanted']}", "soft")
