"""
The JSON of background work: jobs, the reading of chats, nights, and the generations they make.
"""

from typing import Any

from typing_extensions import TypedDict

from daemon.client.schemas.chats import Time
from daemon.client.schemas.memories import Line


class Job(TypedDict):
    """One order of work."""

    id: int
    kind: str
    payload: dict[str, Any]
    state: str  # "waiting", "running", "done" or "failed"
    attempts: int
    lease_until: Time | None
    error: str | None  # of the last attempt that failed


class Consolidated(TypedDict):
    """What one round of memory work did."""

    chats: int
    observations: int
    ops: dict[str, int]
    lessons: int
    unsure: int  # sentences that were left out because the model itself found them unlikely
    failures: list[str]
    again: int  # parts of chats that were tried again
    partly: int  # parts that could not be read, or not all of them
    given_up: list[int]  # memories of which no lessons could be made


class Unread(TypedDict):
    """How many parts of chats could not be read."""

    parts: int
    in_vain: int  # of these, tried again in vain
    doubted: int  # others, read but for sentences of which the model was not sure
    waiting: int  # others that a round under way has not come to yet
    done: int  # by that round
    left_s: float | None  # until it is through, in seconds, as fast as it was so far


class MemoryWork(TypedDict):
    """The latest round of memory work."""

    job: Job | None
    last: Consolidated | None
    unread: Unread
    unread_chats: int  # that wait


class Progress(TypedDict):
    """How far a long piece of work is."""

    done: int
    total: int
    unit: str
    note: str
    loss: float | None  # nats per answer token
    exam_loss: float | None  # the same of held-out lessons


class LossCurve(TypedDict):
    """The losses of one training: pairs of a step and nats per answer token."""

    train: list[list[int | float]]
    exam: list[list[int | float]]  # of held-out lessons
    total: int  # steps that are planned


class ExamPart(TypedDict, total=False):
    """One part of an exam: how many questions, and the share that was answered well."""

    asked: int
    candidate: float
    live: float | None  # the generation that was live before
    base: float


class ExamMiss(TypedDict):
    """One question that was answered wrongly."""

    part: str
    lesson_id: int | None
    question: str
    wanted: str
    said: str


class Exam(TypedDict, total=False):
    """The exam of a generation, without its single marks."""

    parts: dict[str, ExamPart]
    drift: float | None  # nats per token by which what the base says is less likely
    compared: dict[str, dict[str, int | float]]  # asked, candidate, other, difference, low, high
    train_loss: float | None
    exam_loss: float | None


Exam.__pydantic_config__ = {"extra": "allow"}  # type: ignore[attr-defined] # what older versions stored is sent too


class LastNight(TypedDict):
    """What the night did that ran last in this process."""

    job: int | None
    adopted: bool
    reason: str
    generation: int | None
    lessons: int
    exam: dict[str, Any]
    train_s: float
    total_s: float
    swap_ms: float | None


class NightState(TypedDict):
    """What a night does now."""

    progress: Progress | None  # of the stage that it is in; null: none runs
    whole: float | None  # how much of the whole night is over, 0 to 1
    left_s: float | None  # seconds until it is over; null: not known yet
    waiting: str | None  # why none begins by itself
    paused: str | None  # why the one that runs does not go on
    warning: str | None
    last: LastNight | None


class NightCosts(TypedDict):
    """Seconds of the stages of a night, and the memory that it takes, as they are foretold."""

    by: str  # what this machine was measured by: "night", "calibration", "" (not yet: all else is 0)
    study_s: float
    teacher_s: float
    student_s: float
    exam_s: float
    peak_mb: float  # of the trainer


class NightEstimate(TypedDict):
    """What the next night would do, and cost."""

    why_none: str | None  # why it would do nothing
    memories: int  # that it would teach
    lessons: int
    to_study: int  # memories whose lessons it would make first
    later: int  # memories that it would leave for a coming night
    cost: NightCosts
    total_s: float
    hours_s: float  # how long the hours of `night_when` last


class CurrentNight(NightState):
    """The latest order of a night, and how it goes."""

    job: Job | None
    curve: LossCurve


class CorrectedLine(Line):
    """A memory that replaced another."""

    was: str | None


class WaitingLine(Line):
    """A memory that was not taught yet."""

    reason: str


class MissedLesson(TypedDict):
    """One question that the night's generation answered wrongly."""

    question: str
    wanted: str  # "": to say nothing of it
    said: str | None


class ForgottenBefore(TypedDict):
    """How much was forgotten between two nights."""

    memories: int
    messages: int
    lessons: int
    generations: int


class NightCost(TypedDict, total=False):
    """What a night took; a night that did not come to train has the backend alone."""

    backend: str
    train_s: float
    total_s: float
    steps: int
    tokens_per_s: float
    peak_mb: float
    pauses: int
    paused_s: float
    resumed_from: int
    swap_ms: float | None


NightCost.__pydantic_config__ = {"extra": "allow"}  # type: ignore[attr-defined]


class NightReport(TypedDict):
    """The morning report of one night."""

    night: int
    began_at: Time
    ended_at: Time | None
    outcome: str  # "running", "adopted", "refused", "nothing", "interrupted" or "failed"
    reason: str
    generation: int | None
    was_live: int
    gave_way_to: int | None  # what answers since something that it learned was forgotten
    lessons: int
    memories: int
    left_out: int  # lessons that were too long, or answered a question otherwise than another one
    learned: list[Line]  # new, and known in the exam
    corrected: list[CorrectedLine]  # what the user said differently than before
    not_yet: list[Line]  # taught, and missed in the exam: taught again in the next night
    not_asked: list[Line]  # new, and not asked for in the exam
    taken_back: list[Line]
    missed: list[MissedLesson]
    forgot: ForgottenBefore
    probed: str | None  # what the probes of its weights found
    forgotten_since: int
    waiting: list[WaitingLine]
    cost: NightCost
    curve: LossCurve | None  # null in a list of reports


class NightReports(TypedDict):
    nights: list[NightReport]


class Generation(TypedDict):
    """What one night made."""

    id: int
    made_at: Time
    state: str  # "candidate", "adopted", "refused", "retired" or "tainted"
    reason: str
    base_sha256: str  # of the model file that it belongs to
    adapter_sha256: str
    exam: Exam
    lesson_count: int
    why_not: str | None  # why it can't answer


class Generations(TypedDict):
    """All generations, and which one answers."""

    live: int  # 0: the base model
    generations: list[Generation]


class Live(TypedDict):
    """Which generation answers now."""

    live: int
    swap_ms: float  # that the engine's swap took, without the loading before it


class RolledBack(TypedDict):
    """Which generation answered, and which does now."""

    was_live: int
    live: int


class GenerationAnswer(TypedDict):
    """What a generation says, without memories."""

    generation: int
    answer: str
    tokens: int


class LessonCount(TypedDict):
    """How many lessons of one kind it learned, and was examined by."""

    kind: str
    train: int
    exam: int


class Lineage(TypedDict):
    """What a generation is made of."""

    memories: int
    lessons: int
    forgotten_lessons: int


class GenerationDetail(TypedDict):
    """One generation, and what it was made of."""

    generation: Generation
    lessons: list[LessonCount]
    lineage: Lineage
    learned: list[Line]
    missed: list[ExamMiss]
    night: int | None


class ComparedPart(TypedDict):
    """One part of two exams: the share that each has right."""

    a: float | None
    b: float | None
    asked_a: int
    asked_b: int
    both: int  # questions that both were asked
    same_a: float | None  # the share of these
    same_b: float | None


class DifferingAnswer(TypedDict):
    """A question that only one of two has right."""

    part: str
    question: str
    wanted: str
    a: float
    b: float


class Comparison(TypedDict):
    """Two generations side by side; 0 is the base model."""

    a: int
    b: int
    parts: dict[str, ComparedPart]
    differing: list[DifferingAnswer]
    only_a: list[Line]  # memories that only it has learned
    only_b: list[Line]
    why_not: dict[str, str]  # by number: why it can't answer
