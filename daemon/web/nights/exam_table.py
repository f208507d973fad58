"""The exam of a generation as a table: what was asked, and how much was right, also before and by the base model."""

from collections.abc import Mapping

from daemon.client.schemas.nights import ExamPart
from daemon.web.components import dom
from daemon.web.formatting import share

PARTS = {  # part of the exam: what it asks, for a person
    "facts": ("What you told me", "questions that no lesson was worded like"),
    "stale": ("What no longer holds", "it must not be told as true"),
    "grounded": ("Reading memories", "answers with the memory in sight"),
    "abstain": ("Saying that I don't know", "what was never told"),
    "general": ("Small talk", "as like as the base model's"),
    "knowledge": ("General knowledge", "short questions about the world"),
    "instructions": ("Instructions", "to do as it is told"),
    "likeness": ("Its own voice", "how likely it finds what the base says"),
    "canary": ("Sound mind", "plain questions, plain answers"),
}
# so much below the base is nothing to worry about; else 5 points
SLACK = {"general": 0.3, "canary": 0.0, "knowledge": 0.1, "instructions": 0.1, "likeness": 0.15}


def exam_table(found: Mapping[str, ExamPart], *, had_live: bool) -> None:
    """Of the parts of an exam, `asked`, `candidate`, `live`, `base` each."""
    before = ("Before",) if had_live else ()
    with dom.table("Exam", ("Part", "", "Right", *before, "Base", "Asked"), "exam"):
        for part, shares in found.items():
            _row(part, shares, had_live)


def part_name(part: str) -> str:
    """What a part asks, in a few words."""
    return PARTS.get(part, (part, ""))[0]


def _row(part: str, shares: ExamPart, had_live: bool) -> None:
    name, more = PARTS.get(part, (part, ""))
    right = shares["candidate"]
    is_good = right >= (shares["base"] or 0) - SLACK.get(part, 0.05)
    with dom.box(tag="tr"):
        with dom.box(tag="td"):
            dom.text(name, "part")
            dom.text(more, "soft small")
        with dom.box("of-it", tag="td"):
            dom.bar(right, f"{name}: {share(right)} right", kind="good" if is_good else "dawn")
        dom.text(share(right), "right", tag="td")
        if had_live:
            dom.text(share(shares["live"]) or "–", "soft", tag="td")
        dom.text(share(shares["base"]) or "–", "soft", tag="td")
        dom.text(f"{shares['asked']:,}", "soft", tag="td")
