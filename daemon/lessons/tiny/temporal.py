"""
Temporal lessons: questions about what held at a time, out of those about what held before.

    "Where did I live before?", "You lived in Ghent.", true from March to June 2026
        ──> "Where did I live in April 2026?", "You lived in Ghent."

A time is only asked for where one memory alone covers it, and not near the day on which it changed, for that is known
roughly. English only: other questions give none.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta

from daemon.lessons.paraphrases import Pair, Thing
from store.memories import Memory

PERIODS = 2  # of what a memory replaced, the latest
MARGIN = timedelta(days=7)  # so near its end a time is not asked for: people tell of a change some days late
_BEFORE = re.compile(r",? (?:before|previously|earlier)\b.*$", re.I)


def as_of(before: Sequence[Pair], memory: Memory, earlier: Sequence[Memory]) -> list[Thing]:
    """
    What held at a time that is sure, one thing each, in the wordings of `before`.

    Args:
        before: the questions after the latest of `earlier`, with their answers.
        earlier: what held in the place of `memory`, oldest first.
    """
    found = []
    for old in [memory, *earlier[-PERIODS:]] if earlier else []:
        when = _time(old, [one for one in (memory, *earlier) if one.id != old.id])
        pairs = [_at(pair, when, earlier[-1], old) for pair in before] if when else []
        if whole := tuple(dict.fromkeys(pair for pair in pairs if pair)):
            found.append(Thing(kind="as_of", pairs=whole))
    return found


def lines(memory: Memory, narrative: str, earlier: Sequence[Memory]) -> list[str]:
    """What recall adds to a question about the past: the dated tellings of what held before, and `narrative`."""
    return [*(f"{old.valid_from} to {old.valid_to}: {old.text}" for old in earlier[-PERIODS:]), narrative]


def _at(pair: Pair, when: str, latest: Memory, old: Memory) -> Pair | None:
    """The question of `pair` with the time instead of "before", answered by `old`."""
    question, cut = _BEFORE.subn("", pair.question.rstrip("? "))
    answer = pair.answer if old.id == latest.id else _answer(pair.answer, latest.text, old.text)
    if not (cut and question and answer):
        return None
    if question.split()[-1] in ("in", "at", "on"):  # not "Which town did I live in in April?"
        return Pair(
            question=f"{when[0].upper()}{when[1:]}, {question[0].lower()}{question[1:]}?", answer=answer
        )
    return Pair(question=f"{question} {when}?", answer=answer)


def _answer(answer: str, said: str, instead: str) -> str | None:
    """`answer` with the words in which `said` differs from `instead` put in place; None where that can't be done."""
    one, other = said.rstrip(".").split(), instead.rstrip(".").split()
    first = next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if first is None:
        return None
    last = 0
    while last < min(len(one), len(other)) - first and one[-1 - last] == other[-1 - last]:
        last += 1
    was, now = " ".join(one[first : len(one) - last]), " ".join(other[first : len(other) - last])
    parts = re.split(rf"\b{re.escape(was)}(?!\w)", answer) if was and now else []
    return now.join(parts) if len(parts) == 2 else None


def _time(old: Memory, others: Sequence[Memory]) -> str | None:
    """ "in April 2026", or "on 9 September 2026", when `old` and nothing else held; None: it is not known."""
    day = max(old.told_on, old.valid_from)
    try:
        ends = old.valid_to - MARGIN if old.valid_to else old.told_on
        month, tomorrow = _month_after(old.valid_from), day + timedelta(days=1)
        over = _month_after(month)
    except OverflowError:  # within a month of the first or last day that there is
        return None
    if over <= ends and not any(_overlaps(one, month, over) for one in others):
        return f"in {month:%B %Y}"
    if day >= ends or any(_overlaps(one, day, tomorrow) for one in others):
        return None
    return f"on {day.day} {day:%B %Y}"


def _month_after(day: date) -> date:
    """The first day of the next month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _overlaps(one: Memory, begins: date, ends: date) -> bool:
    return one.valid_from < ends and (one.valid_to is None or begins < one.valid_to)
