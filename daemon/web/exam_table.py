"""
The exam of a generation as a table: what was asked, and the shares of it, the one before and the base model.

Knows nothing of where the numbers come from.
"""

from collections.abc import Mapping
from typing import Any

from daemon.web import parts
from daemon.web.forms import bar
from daemon.web.words import share

PARTS = {  # part of the exam: what it asks, for a person
    "facts": ("What you told me", "questions that no lesson was worded like"),
    "stale": ("What no longer holds", "it must not be told as true"),
    "grounded": ("Reading memories", "answers with the memory in sight"),
    "abstain": ("Saying that I don't know", "what was never told"),
    "general": ("Small talk", "as like as the base model's"),
    "canary": ("Sound mind", "plain questions, plain answers"),
}
SLACK = {"general": 0.3, "canary": 0.0}  # so much below the base is nothing to worry about; else 5 points


def exam_table(found: Mapping[str, Any], *, had_live: bool) -> None:
    """Of the parts of an exam, `asked`, `candidate`, `live`, `base` each."""
    with parts.box("table-box"), parts.box("plain exam", tag="table") as table:
        table.props["aria-label"] = "Exam"
        with parts.box(tag="thead"), parts.box(tag="tr"):
            for title in ("Part", "", "Right", *(("Before",) if had_live else ()), "Base", "Asked"):
                parts.text(title, tag="th").props("scope=col")
        with parts.box(tag="tbody"):
            for part, shares in found.items():
                _row(part, shares, had_live)


def named(part: str) -> str:
    """What a part asks, in a few words."""
    return PARTS.get(part, (part, ""))[0]


def _row(part: str, shares: Mapping[str, Any], had_live: bool) -> None:
    name, more = PARTS.get(part, (part, ""))
    right = shares["candidate"]
    with parts.box(tag="tr"):
        with parts.box(tag="td"):
            parts.text(name, "part")
            parts.text(more, "soft small")
        with parts.box("of-it", tag="td"):
            bar(
                right,
                f"{name}: {share(right)} right",
                kind="good" if right >= (shares["base"] or 0) - SLACK.get(part, 0.05) else "dawn",
            )
        parts.text(share(right), "right", tag="td")
        if had_live:
            parts.text(share(shares["live"]) or "–", "soft", tag="td")
        parts.text(share(shares["base"]) or "–", "soft", tag="td")
        parts.text(f"{shares['asked']:,}", "soft", tag="td")
