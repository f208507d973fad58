"""
The exam of a generation as a table: what was asked, and the shares of it, the one before and the base model.

Knows nothing of where the numbers come from.
"""

from collections.abc import Mapping
from typing import Any

from daemon.web.components import basic
from daemon.web.components.inputs import bar
from daemon.web.formatting import share

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
    with basic.box("table-box"), basic.box("plain exam", tag="table") as table:
        table.props["aria-label"] = "Exam"
        with basic.box(tag="thead"), basic.box(tag="tr"):
            for title in ("Part", "", "Right", *(("Before",) if had_live else ()), "Base", "Asked"):
                basic.text(title, tag="th").props("scope=col")
        with basic.box(tag="tbody"):
            for part, shares in found.items():
                _row(part, shares, had_live)


def named(part: str) -> str:
    """What a part asks, in a few words."""
    return PARTS.get(part, (part, ""))[0]


def _row(part: str, shares: Mapping[str, Any], had_live: bool) -> None:
    name, more = PARTS.get(part, (part, ""))
    right = shares["candidate"]
    with basic.box(tag="tr"):
        with basic.box(tag="td"):
            basic.text(name, "part")
            basic.text(more, "soft small")
        with basic.box("of-it", tag="td"):
            bar(
                right,
                f"{name}: {share(right)} right",
                kind="good" if right >= (shares["base"] or 0) - SLACK.get(part, 0.05) else "dawn",
            )
        basic.text(share(right), "right", tag="td")
        if had_live:
            basic.text(share(shares["live"]) or "–", "soft", tag="td")
        basic.text(share(shares["base"]) or "–", "soft", tag="td")
        basic.text(f"{shares['asked']:,}", "soft", tag="td")
