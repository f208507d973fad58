"""
Values of the right kind out of an export's JSON; whatever is not is named with its file and place.

Promises: no value of another kind goes further; an error quotes at most a few characters of the file.
Knows nothing of any one format.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from daemon.inbox.errors import BrokenExport

SECONDS_END = 1e11  # the year 5138; larger numbers are milliseconds, as JavaScript counts
MOST_QUOTED = 40  # characters of a wrong value that an error shows


def an_object(name: str, place: str, given: Any) -> dict[str, Any]:
    """`given`, if it is a JSON object; else raises `BrokenExport`."""
    if not isinstance(given, dict):
        raise BrokenExport(name, place, "it is no JSON object")
    return given


def a_list(name: str, place: str, given: Any) -> list[Any]:
    """`given`, if it is a list; none is an empty one; else raises `BrokenExport`."""
    if given is None:
        return []
    if not isinstance(given, list):
        raise BrokenExport(name, place, "it is no list")
    return given


def a_text(name: str, place: str, given: Any) -> str:
    """`given`, if it is a text; none is an empty one; else raises `BrokenExport`."""
    if given is None:
        return ""
    if not isinstance(given, str):
        raise BrokenExport(name, place, "it is no text")
    return given


def a_moment(name: str, place: str, given: Any) -> datetime | None:
    """
    The time (UTC) that `given` tells: ISO 8601, or seconds or milliseconds since 1970; None tells none.

    A time without a zone is taken as UTC. Raises `BrokenExport`.
    """
    if given is None or given == "":
        return None
    try:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return datetime.fromtimestamp(given / 1000 if given > SECONDS_END else given, UTC)
        moment = datetime.fromisoformat(given)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        told = f"{given!r:.{MOST_QUOTED}} is no time; write it like 2026-03-05T18:00:00Z"
        raise BrokenExport(name, place, told) from error


def an_id(*parts: object) -> str | None:
    """A message's name beyond its file: format, conversation, message; None if one of them has no name."""
    named = all(isinstance(part, str | int) and not isinstance(part, bool) and part != "" for part in parts)
    return ":".join(map(str, parts)) if named else None


def first_of(given: Mapping[str, Any], names: Sequence[str]) -> Any:
    """The first of these values that is there."""
    return next((given[name] for name in names if given.get(name) is not None), None)
