"""
Times at which it is sure what held, for questions about what was so at a time.

A time is only asked for where one memory alone covers it, and not near the day on which it changed, for that is known
roughly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from store.memories import Memory

PERIODS = 2  # of what a memory replaced, the latest
MARGIN = timedelta(days=7)  # so near its end a time is not asked for: people tell of a change some days late


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """A day, or the month that begins with it."""

    day: date
    is_month: bool

    def __str__(self) -> str:
        return self.day.isoformat()[:7] if self.is_month else self.day.isoformat()


def dated_lines(memory: Memory, narrative: str, earlier: Sequence[Memory]) -> list[str]:
    """What recall adds to a question about the past: the dated tellings of what held before, and `narrative`."""
    return [*(f"{old.valid_from} to {old.valid_to}: {old.text}" for old in earlier[-PERIODS:]), narrative]


def sure_time(old: Memory, others: Sequence[Memory]) -> Time | None:
    """When `old` and nothing else held; None: it is not known."""
    day = max(old.told_on, old.valid_from)
    try:
        ends = old.valid_to - MARGIN if old.valid_to else old.told_on
        month, tomorrow = _month_after(old.valid_from), day + timedelta(days=1)
        over = _month_after(month)
    except OverflowError:  # within a month of the first or last day that there is
        return None
    if over <= ends and not any(_overlaps(one, month, over) for one in others):
        return Time(day=month, is_month=True)
    if day >= ends or any(_overlaps(one, day, tomorrow) for one in others):
        return None
    return Time(day=day, is_month=False)


def _month_after(day: date) -> date:
    """The first day of the next month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _overlaps(one: Memory, begins: date, ends: date) -> bool:
    return one.valid_from < ends and (one.valid_to is None or begins < one.valid_to)
