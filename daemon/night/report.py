"""
The morning report: what a night learned, corrected and missed, what was forgotten since, what waits, what it cost.

    tonight's lessons, exam, trainer ──record──> ids and numbers, stored ──report_on──> texts, when it is shown

A record has no word of the user's, so that what is forgotten later is in no report. The sentences for a person are made
by `client/report_text.py`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from daemon.client.schemas.memories import Line
from daemon.client.schemas.nights import CorrectedLine, ForgottenBefore, MissedLesson, NightCost, NightReport
from daemon.exam.acceptance import not_asked
from daemon.exam.exam import Exam
from daemon.forgetting.verification import format_numbers
from daemon.lessons.paraphrases import BEFORE
from daemon.night.trainer_process import Trained
from store import generations, jobs, lessons, memories, nights
from store.database import Connection
from store.errors import NotFound
from store.generations import TAINTED, Generation
from store.lessons import Lesson
from store.nights import Forgotten, Night

HALF = 0.5  # of a mark, from which an answer is right
MOST_MISSED = 50  # questions in a record


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What the generation that answered before knew."""

    learned: Collection[int] = frozenset()  # memories
    lapsed: Mapping[int, int | None] = field(default_factory=dict)  # of those: what is in its place now
    refined: Collection[int] = ()  # of those: what is in its place only says more


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The words that belong to the ids of a record, as far as they are still stored."""

    memories: Mapping[int, str] = field(default_factory=dict)  # lines of memories, also of replaced ones
    lessons: Mapping[int, tuple[str, str]] = field(default_factory=dict)  # question and answer
    said: Mapping[int, str] = field(default_factory=dict)  # what was answered wrongly, by the lesson
    lapsed: Collection[int] = ()  # lessons asked for what held no more: no answer of theirs was right
    reason: str = ""  # why it was adopted, refused, left out, or failed
    gave_way_to: int | None = None  # what answers now, if it learned something forgotten since
    forgot: Forgotten = field(default_factory=Forgotten)  # between the last adopted night and this one


def record(
    tonight: Sequence[Lesson],
    before: Before,
    *,
    exam: Exam | None,
    trained: Trained,
    total_s: float,
    swap_ms: float | None,
) -> dict[str, Any]:
    """What is stored of a night, without what waits (`by_reason`): ids and numbers."""
    taught = {id for lesson in tonight for id in lesson.memory_ids}
    right, wrong = _asked_for(tonight, exam)
    said_anew = [
        [new, old]
        for old, new in before.lapsed.items()
        if new is not None and new in taught and old not in before.refined
    ]
    new = taught - set(before.learned) - {one for one, _ in said_anew}
    missed = (
        [one.lesson_id for one in exam.missed if one.lesson_id and one.part in ("facts", "stale")]
        if exam
        else []
    )
    return {
        "lessons": len(tonight),
        "memories": len(taught),
        "skipped": trained.skipped,
        "learned": sorted(new & right if exam else new),
        "corrected": sorted(pair for pair in said_anew if pair[0] not in wrong),
        "not_yet": sorted(wrong),
        "not_asked": sorted(new - right - wrong if exam else ()),
        "taken_back": sorted(old for old, new in before.lapsed.items() if new is None),
        "missed": list(dict.fromkeys(missed))[:MOST_MISSED],
        "cost": {
            "train_s": trained.seconds,
            "total_s": total_s,
            "steps": trained.steps,
            "tokens_per_s": trained.tokens_per_s,
            "peak_mb": trained.peak_mb,
            "pauses": trained.pauses,
            "paused_s": trained.paused_s,
            "resumed_from": trained.resumed_from,
            "swap_ms": swap_ms,
        },
    }


def _asked_for(tonight: Sequence[Lesson], exam: Exam | None) -> tuple[set[int], set[int]]:
    """The memories that the exam asked for alone: those always answered rightly, and those missed."""
    alone = {one.id: one.memory_ids[0] for one in tonight if len(one.memory_ids) == 1}
    right, wrong = set[int](), set[int]()
    for mark in exam.of("facts") if exam else ():
        if mark.lesson_id in alone:
            (right if mark.candidate >= HALF else wrong).add(alone[mark.lesson_id])
    return right - wrong, wrong


def by_reason(waiting: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    """Memories that are not taught yet, by the reason in our own words: the only texts of a record are its keys."""
    reasons: dict[str, list[int]] = {}
    for memory_id, reason in waiting:
        reasons.setdefault(reason, []).append(memory_id)
    return reasons


def to_json(night: Night, texts: Texts) -> NightReport:
    """The report for a person, JSON-able; ids whose words were forgotten since are counted, not shown."""
    found = night.numbers
    learned, corrected = found.get("learned", []), found.get("corrected", [])
    waiting = [(id, why) for why, ids in found.get("waiting", {}).items() for id in ids]
    taught = {kind: found.get(kind, []) for kind in ("not_yet", "not_asked")}
    shown = {
        *learned,
        *taught["not_yet"],
        *taught["not_asked"],
        *(new for new, _ in corrected),
        *(id for id, _ in waiting),
    }
    return {
        "night": night.id,
        "began_at": night.began_at.isoformat(),
        "ended_at": night.ended_at.isoformat() if night.ended_at else None,
        "outcome": night.outcome,
        "reason": texts.reason,
        "generation": night.generation_id,
        "was_live": night.was_live,
        "gave_way_to": texts.gave_way_to,
        "lessons": found.get("lessons", 0),
        "memories": found.get("memories", 0),
        "left_out": found.get("skipped", 0) + found.get("contradicting", 0),
        "learned": [_line(id, texts) for id in learned if id in texts.memories],
        "corrected": [_changed(new, old, texts) for new, old in corrected if new in texts.memories],
        "not_yet": [_line(id, texts) for id in taught["not_yet"] if id in texts.memories],
        "not_asked": [_line(id, texts) for id in taught["not_asked"] if id in texts.memories],
        "taken_back": [_line(id, texts) for id in found.get("taken_back", []) if id in texts.memories],
        "missed": [_missed(id, texts) for id in found.get("missed", []) if id in texts.lessons],
        "forgot": cast(ForgottenBefore, asdict(texts.forgot)),
        "probed": format_numbers(night.generation_id or 0, found["forgotten"])
        if "forgotten" in found
        else None,
        "forgotten_since": len(shown - texts.memories.keys()),
        "waiting": [{**_line(id, texts), "reason": why} for id, why in waiting if id in texts.memories],
        "cost": cast(NightCost, {"backend": night.backend, **found.get("cost", {})}),
        "curve": found.get("curve"),  # None: the night is older than curves, or did not come to train
    }


def ids_in(night: Night) -> tuple[set[int], set[int]]:
    """The memories and the lessons whose words `to_json` wants."""
    found = night.numbers
    waiting = {id for ids in found.get("waiting", {}).values() for id in ids}
    pairs = {id for pair in found.get("corrected", []) for id in pair}
    kinds = ("learned", "not_yet", "not_asked", "taken_back")
    ids = {id for kind in kinds for id in found.get(kind, [])}
    return {*ids, *pairs, *waiting}, set(found.get("missed", []))


def _line(memory_id: int, texts: Texts) -> Line:
    return {"id": memory_id, "line": texts.memories[memory_id]}


def _missed(lesson_id: int, texts: Texts) -> MissedLesson:
    """What was asked, what is right ("": to say nothing of it), what was said (None: that is not kept)."""
    question, answer = texts.lessons[lesson_id]
    wanted = "" if lesson_id in texts.lapsed else answer
    return {"question": question, "wanted": wanted, "said": texts.said.get(lesson_id)}


def _changed(new: int, old: int, texts: Texts) -> CorrectedLine:
    """What holds now and what held before, each without the other."""
    line, was = texts.memories[new], texts.memories.get(old)
    return {"id": new, "line": line.partition(f" {BEFORE}")[0] if was else line, "was": was}


NOTHING = {
    True: "there was nothing to learn: no memory that holds has lessons",
    False: "there was nothing new to learn: the live generation, or one that was refused, has learned these lessons",
}


def report_on(db: Connection, night_id: int | None) -> NightReport:
    """
    The report of one night; None: of the latest.

    Raises:
        NotFound: there is none.
    """
    if night_id is not None:
        return _report(db, nights.get(db, night_id))
    latest = nights.newest(db, 1)
    if not latest:
        raise NotFound("There was no night yet. Run one with: tsubasa night")
    return _report(db, latest[0])


def _report(db: Connection, night: Night) -> NightReport:
    memory_ids, lesson_ids = ids_in(night)
    before = nights.adopted_before(db, night)
    made = generations.get(db, night.generation_id) if night.generation_id is not None else None
    exam = made.exam if made is not None else {}
    texts = Texts(
        memories=memories.lines(db, memory_ids),
        lessons=lessons.wordings(db, lesson_ids),
        said={one["lesson_id"]: one["said"] for one in exam.get("missed", ())},
        lapsed=_asked(exam, "stale") - _asked(exam, "facts"),
        reason=_reason(db, night, made),
        gave_way_to=_gave_way_to(db, night, made),
        forgot=nights.forgotten_between(db, before.began_at if before else None, night.began_at),
    )
    return to_json(night, texts)


def _reason(db: Connection, night: Night, made: Generation | None) -> str:
    if made is not None:  # older versions wrote TAINTED over what the exam had said
        return "" if made.reason == TAINTED else made.reason
    if absent := night.numbers.get("missing_parts"):
        return f"nothing was trained: {not_asked(absent)}"
    if night.outcome == "nothing":
        return NOTHING[not night.numbers.get("facts")]
    if night.outcome == "interrupted":
        return "it was interrupted before its end; the live generation is untouched"
    job = jobs.latest(db, "night")
    error = job.error if job is not None and job.id == night.job_id else None
    return error or "it failed; the live generation is untouched" if night.outcome == "failed" else ""


def _asked(exam: Mapping[str, Any], part: str) -> set[int]:
    return {row[0] for row in exam.get("marks", {}).get(part, ())}


def _gave_way_to(db: Connection, night: Night, made: Generation | None) -> int | None:
    if night.outcome != "adopted" or made is None or made.state != "tainted":
        return None
    live = generations.live(db, made.base_sha256)
    return live.id if live else generations.BASE
