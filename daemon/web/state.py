"""
How the daemon is, in one word for the page's corner: a pure function of /tsubasa/status.

    needs attention > night running > thinking > making vectors > ready
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class State:
    """One word about the daemon."""

    kind: str  # "good", "busy", "night" or "bad"
    words: str
    more: str  # a sentence, for who wants to know
    leads_to: str = "/privacy"  # the room that tells the rest


def state_of(status: Mapping[str, Any]) -> State:
    """The state that matters most."""
    work = status.get("work", {})
    failures = [child["failure"] for child in status.get("children", []) if child.get("failure")]
    failure = work.get("failure") or next(iter(failures), None)
    if failure:
        return State("bad", "Needs attention", str(failure))
    night = work.get("night") or {}
    if night.get("running") or night.get("progress"):
        return State("night", _night(night.get("progress") or {}), "A night is under way.", "/nights")
    if status.get("thinking"):
        return State("busy", "Thinking", "An answer is under way.", "/")
    reindex = status.get("reindex")
    if reindex:
        return State("busy", "Indexing", "All vectors are being made anew; words are searched meanwhile.")
    return State("good", "Ready", f"Generation {status.get('generation', 0)} answers.")


def _night(progress: Mapping[str, Any]) -> str:
    done, total = progress.get("done"), progress.get("total")
    return f"Night {100 * done // total} %" if done is not None and total else "Night"
