"""
How the daemon is, in a word for the page's corner: a pure function of /tsubasa/status.

    needs attention > logging paused > night running > thinking > making vectors > ready
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class State:
    """One word about the daemon."""

    kind: str  # "good", "busy", "night", "paused" or "bad"
    words: str
    more: str  # a sentence, for who wants to know
    leads_to: str = "/privacy"  # the room that tells the rest


def state_of(status: Mapping[str, Any]) -> State:
    """The state that matters most."""
    if status["attention"]:
        trouble = status["attention"][0]
        return State("bad", "Needs attention", f"{trouble['what']} {trouble['do']}")
    if not logs(status):
        return State("paused", "Paused", paused(status), "/")
    night = status["work"]["night"]
    if night["progress"]:
        return State("night", _percent(night["progress"]), "A night is under way.", "/nights")
    if status["thinking"]["answers"]:
        return State("busy", "Thinking", "An answer is under way.", "/")
    if status["reindex"]:
        return State(
            "busy",
            "Indexing",
            "All vectors are being made anew; what is held is found by its words meanwhile.",
        )
    generation = status["generation"]
    return State(
        "good", "Ready", f"Generation {generation} answers." if generation else "The base model answers."
    )


def logs(status: Mapping[str, Any]) -> bool:
    """Whether chats are kept."""
    return bool(status["logging"]["on"])


def paused(status: Mapping[str, Any]) -> str:
    """That logging is paused, and until when."""
    until = status["logging"]["until"]
    if not until:
        return "Logging is paused, until you resume it: nothing that is said now is kept."
    at = datetime.fromisoformat(until).astimezone()
    return f"Logging is paused until {at:%H:%M}: nothing that is said now is kept."


def _percent(progress: Mapping[str, Any]) -> str:
    done, total = progress["done"], progress["total"]
    return f"Night {100 * done // total} %" if total else "Night"
