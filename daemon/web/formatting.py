"""Days, sizes and counts in words, as the pages say them. Days are local, as the reader lives."""

from datetime import date, datetime

from daemon.text import counted

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def day(text: str) -> str:
    """ "5 March 2026" of a day or a moment of the wire; this year's without the year."""
    when = _local(text)
    return f"{when.day} {when:%B}" if when.year == date.today().year else f"{when.day} {when:%B} {when.year}"


def weekday(text: str) -> str:
    """ "Saturday, 21 November"."""
    return f"{_local(text):%A}, {day(text)}"


def clock(text: str) -> str:
    """ "03:04" of a moment of the wire."""
    return f"{_moment(text):%H:%M}"


def size(number: float) -> str:
    """ "0 bytes", "12 kB", "1.3 GB"; 1 kB = 1,000 bytes."""
    place = 0
    while number >= 999.5 and place < len(UNITS) - 1:
        number, place = number / 1000, place + 1
    if place == 0:
        return counted(round(number), "byte")
    return f"{number:.1f} {UNITS[place]}" if number < 9.95 else f"{number:,.0f} {UNITS[place]}"


def share(number: float | None) -> str:
    """ "93 %"; nothing for None."""
    return "" if number is None else f"{number:.0%}".replace("%", " %")


def _local(text: str) -> date:
    return date.fromisoformat(text) if len(text) == len("2026-03-05") else _moment(text).date()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()
