"""
The morning report in prose, for the page and the command line: what the assistant would say of how it slept.

    report of the API ──> headline, paragraphs, sections; nothing is said that is not in the report
"""

from collections.abc import Mapping, Sequence
from typing import Any

from daemon.client.schemas.nights import NightEstimate, NightReport
from daemon.text import counted, format_bytes, gave_way, listed, sentence, spell, spelled, who_answers

OUTCOMES = {  # outcome: the word on its chip, and the chip's kind
    "adopted": ("Learned", "good"),
    "refused": ("Refused", "warm"),
    "nothing": ("Nothing new", ""),
    "failed": ("Failed", "bad"),
    "interrupted": ("Interrupted", "warm"),
    "running": ("Under way", "wing"),
}


def sections(report: NightReport) -> list[tuple[str, str, Sequence[Mapping[str, Any]]]]:
    """Kind, title and entries of each list in the report; empty ones too."""
    would = "Would have " if report["outcome"] == "refused" else ""
    return [
        ("learned", f"{would}learned".capitalize(), report["learned"]),
        ("corrected", f"{would}put right".capitalize(), report["corrected"]),
        ("not_yet", "Not yet: missed in the exam, and taught again next night", report["not_yet"]),
        ("not_asked", "Taught, and not asked for in the exam", report["not_asked"]),
        ("gone", "No longer true", report["taken_back"]),
        ("waits", "Not taught yet", report["waiting"]),
        ("missed", "Questions that were missed", report["missed"]),
    ]


def paragraphs(report: NightReport) -> list[str]:
    """The report in prose."""
    parts = (
        _opening(report),
        _exam(report),
        _next_try(report),
        _forgot(report),
        _left_out(report),
        _work(report),
    )
    return [one for one in parts if one]


def foretold(found: NightEstimate) -> str:
    """What the next night would cost, in a sentence or two."""
    if found["why_none"]:
        return sentence(found["why_none"])
    what = f"{counted(found['lessons'], 'lesson')} about {counted(found['memories'], 'memory', 'memories')}"
    cost = found["cost"]
    if not cost["by"]:
        known = f"{what}. " if found["lessons"] else ""
        return f"{known}What the next night costs here was not measured yet."
    unit, seconds = ("minutes", 60) if found["total_s"] >= 120 else ("seconds", 1)
    stages = ", ".join(
        f"{name} {round(cost_s / seconds):,}"
        for name, cost_s in (
            ("study", cost["study_s"]),
            ("teacher", cost["teacher_s"]),
            ("student", cost["student_s"]),
            ("exam", cost["exam_s"]),
        )
    )
    words = (
        f"{what}: about {spell(found['total_s'])} and {format_bytes(round(cost['peak_mb'] * 1e6))} of memory "
        f"({stages} {unit}); the night's hours hold {spell(found['hours_s'])}."
    )
    later = counted(found["later"], "memory", "memories")
    return f"{words} They don't hold all: {later} would wait for a coming night." if found["later"] else words


def headline(report: NightReport) -> str:
    """What became of the night, in a line."""
    learned, corrected = len(report["learned"]), len(report["corrected"])
    match report["outcome"]:
        case "adopted" if not learned and not corrected and report["not_yet"]:
            return "Taught, and not known yet."
        case "adopted" if learned and corrected:
            return sentence(
                f"{spelled(learned, 'new thing')} learned, {spelled(corrected, 'thing')} put right"
            )
        case "adopted" if learned or corrected:
            what = spelled(learned or corrected, "new thing" if learned else "thing")
            return sentence(f"{what} {'learned' if learned else 'put right'}")
        case "adopted":
            return "The same things, learned again."
        case "refused":
            return "What I learned did not pass the exam."
        case "nothing":
            return "A night to rest."
        case "interrupted":
            return "A night cut short."
        case "running":
            return "Still dreaming."
    return "A night that failed."


def _opening(report: NightReport) -> str:
    lessons = (
        f"{counted(report['lessons'], 'lesson')} about {counted(report['memories'], 'memory', 'memories')}"
    )
    match report["outcome"]:
        case "adopted":
            number, now = report["generation"], report["gave_way_to"]
            if now is None:
                return (
                    f"I went over {lessons}, and what I know now is in my weights: "
                    f"generation {number} answers since."
                )
            return (
                f"I went over {lessons}, and what I knew then was in my weights, as generation {number}. "
                + gave_way(now)
            )
        case "refused":
            return (
                f"I went over {lessons}, but the generation that came of it, number {report['generation']}, "
                f"was not good enough to answer you. {_live(report['was_live'])}"
            )
        case "nothing":
            return f"{sentence(report['reason'])} Nothing was changed."
        case "running":
            return "This night is not over. Come back in the morning, or watch it above."
    return sentence(report["reason"])


def _exam(report: NightReport) -> str:
    if report["outcome"] not in ("adopted", "refused"):
        return ""
    missed = len(report["missed"])
    rest = f" I still missed {spelled(missed, 'question')}, listed below." if missed else ""
    if not report["reason"]:
        return rest.strip()
    return f"The exam: {sentence(report['reason'])[:1].lower()}{sentence(report['reason'])[1:]}{rest}"


def _next_try(report: NightReport) -> str:
    """What can be done about a night that was refused."""
    if report["outcome"] != "refused":
        return ""
    return (
        "You need do nothing: what I was to know I answer from your memories, and a night with something new to learn "
        "tries again by itself. To try at once, run a night now (tsubasa night)."
    )


def _forgot(report: NightReport) -> str:
    gone = report["forgot"]
    parts = [
        counted(number, one, many)
        for number, one, many in (
            (gone["memories"], "memory", "memories"),
            (gone["messages"], "message", "messages"),
            (gone["lessons"], "lesson", "lessons"),
        )
        if number
    ]
    told = f"You had me forget {listed(parts)}; nothing of that is in what answers now." if parts else ""
    since = report["forgotten_since"]
    later = (
        f"{sentence(spelled(since, 'line'))[:-1]} of this report went with what you forgot later."
        if since
        else ""
    )
    return " ".join(filter(None, [told, report["probed"] or "", later]))


def _left_out(report: NightReport) -> str:
    if not report["left_out"]:
        return ""
    left = counted(report["left_out"], "lesson")
    return f"Left out: {left} too long, or with another answer to a question than another lesson has."


def _work(report: NightReport) -> str:
    cost = report["cost"]
    if not cost.get("total_s"):
        return ""
    total, train = spell(cost["total_s"]), spell(cost["train_s"])
    told = f"It took {total}, {'nearly all of it' if train == total else f'{train} of them'} training"
    if cost.get("pauses"):
        times = "once" if cost["pauses"] == 1 else f"{cost['pauses']} times"
        told += f"; I stopped {times} for {spell(cost['paused_s'])}, to let you go first"
    swap = cost.get("swap_ms")
    return f"{told}." + (f" Waking up took {swap:.1f} milliseconds." if swap is not None else "")


def _live(number: int) -> str:
    return sentence(f"{who_answers(number)} goes on answering")
