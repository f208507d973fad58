"""
The kinds of value that a setting can have: how each is read from TOML or text, and what is allowed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class NotAllowed(Exception):
    """The value is not of the kind; `settings.py` raises the error for the user."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value: `parse` takes what TOML or the environment holds, or raises `NotAllowed`."""

    allowed: str
    parse: Callable[[object], object]


def key(default: object, kind: Kind, comment: str) -> Any:
    """A field of `Config`: its default, its kind, and the one line that explains it, with its unit."""
    return field(default=default, metadata={"kind": kind, "comment": comment})


def whole(low: int, high: int) -> Kind:
    """A whole number from `low` to `high`, both allowed."""

    def parse(value: object) -> object:
        number = _from_text(value, int)
        if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
            raise NotAllowed
        return number

    return Kind(f"a whole number from {low} to {high}", parse)


def number(low: float, high: float) -> Kind:
    """A number from `low` to `high`, both allowed."""

    def parse(value: object) -> object:
        found = _from_text(value, float)
        if isinstance(found, bool) or not isinstance(found, int | float) or not low <= found <= high:
            raise NotAllowed
        return float(found)

    return Kind(f"a number from {low:g} to {high:g}", parse)


def one_of(*choices: str) -> Kind:
    """One of a few words."""

    def parse(value: object) -> object:
        if value not in choices:
            raise NotAllowed
        return value

    return Kind(" or ".join(choices), parse)


def text(what: str, pattern: str = r"(?s).*") -> Kind:
    """Text that matches `pattern` as a whole; `what` tells a person which text is meant."""

    def parse(value: object) -> object:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise NotAllowed
        return value

    return Kind(what, parse)


def texts(what: str) -> Kind:
    """Several texts, none empty: a list in TOML; in the environment with commas between them."""

    def parse(value: object) -> object:
        if isinstance(value, FromText):
            value = [part for part in value.split(",") if part.strip()]
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            raise NotAllowed
        return tuple(one.strip() for one in value)

    return Kind(what, parse)


def yes_no() -> Kind:
    """True or false; in the environment also 1, 0, yes, no, on, off."""
    yes, no = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
    words = dict.fromkeys(yes, True) | dict.fromkeys(no, False)

    def parse(value: object) -> object:
        if isinstance(value, str):
            value = words.get(value.strip().lower())
        if not isinstance(value, bool):
            raise NotAllowed
        return value

    return Kind("true or false", parse)


def _from_text(value: object, convert: Callable[[str], object]) -> object:
    """`value` as it is, or converted when it came as text from the environment or a flag."""
    if not isinstance(value, FromText):
        return value
    try:
        return convert(value)
    except ValueError:
        raise NotAllowed from None


class FromText(str):
    """A value from the environment or a flag, where numbers come as text; in TOML, \"4141\" is no number."""
