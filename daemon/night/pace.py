"""
How quickly this machine does each stage of a night with one model, and what a night costs by that.

    a short calibration, or the last night itself ──> Pace, kept in the home ──> x what is to be done ──> Estimate

    pace.json   machine -> sha256 of the model -> the numbers of a `Pace`; no word of a user
"""

import hashlib
import json
import logging
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from daemon.atomic_file import replacing
from daemon.hardware.offload_plan import look
from daemon.lessons.tokenised import TokenisedLesson
from daemon.night.loss_curve import EXAM, GENERAL, STUDENT, STUDY, TEACHER, Stages
from daemon.night.trainer_process import Measured, Trained

log = logging.getLogger(__name__)

FILE = "pace.json"
LOOKS = 10  # at the exam's loss while the student learns
SLOW = 2e9  # floating-point operations a second that a core of any machine does
STUDY_TOKENS = 1500, 400  # of prompts and answers, that the lessons of a memory take
GENERAL_TOKENS = 1500, 1500  # the same of those that belong to no memory
QUESTION_TOKENS = 100, 24  # the same of a question in the exam
ASKED = 3  # of whom each question is asked: the candidate, the live generation, the base model
MUCH_PAUSED = 0.1  # share of a night that says nothing of its pace
MOST_PASSES = 16.0  # times that a student sees a lesson, where that is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What one machine takes for one model."""

    by: str  # "calibration" or "night": what it was measured by
    teacher: float  # tokens a second, of prompts and answers
    student: float  # the same, forward and backward
    passes: float  # times that the student sees each lesson
    study_s: float  # for the lessons of a memory
    question_s: float  # for a question of the exam, whoever is asked it
    questions: float  # that the exam puts for each lesson of the night, to whomever
    fixed_questions: float = 0.0  # that it puts however few lessons there are
    general_s: float = 0.0  # for the lessons that belong to no memory
    load_s: float = 0.0  # of the trainer: libraries and model
    peak_mb: float = 0.0  # of the trainer (10**6 bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a night would cost; seconds of its stages."""

    by: str = ""  # what the pace was measured by; "": it was not measured, and the costs are not known
    study_s: float = 0.0
    teacher_s: float = 0.0
    student_s: float = 0.0
    exam_s: float = 0.0
    peak_mb: float = 0.0  # memory of the trainer

    @property
    def total_s(self) -> float:
        """All stages together."""
        return self.study_s + self.teacher_s + self.student_s + self.exam_s


def estimate(
    pace: Pace, lessons: Sequence[TokenisedLesson], *, to_study: int = 0, studied: int = 1
) -> Estimate:
    """
    What a night of these lessons costs.

    Args:
        to_study: memories whose lessons are still to be made; they are counted as those of the others.
        studied: memories that have lessons.
    """
    more = 1 + to_study / max(studied, 1)
    return Estimate(
        by=pace.by,
        study_s=to_study * pace.study_s + pace.general_s,
        teacher_s=pace.load_s + more * sum(map(_teacher_tokens, lessons)) / pace.teacher,
        student_s=more * sum(_student_s(pace, one) for one in lessons),
        exam_s=(pace.fixed_questions + more * len(lessons) * pace.questions) * pace.question_s,
        peak_mb=pace.peak_mb,
    )


def lesson_s(pace: Pace, lesson: TokenisedLesson) -> float:
    """What one lesson adds to a night, in seconds."""
    return (
        _teacher_tokens(lesson) / pace.teacher + _student_s(pace, lesson) + pace.questions * pace.question_s
    )


def surely_fits(model_bytes: int, lessons: Sequence[TokenisedLesson], within_s: float) -> bool:
    """Whether even a slow machine is done in half the time, so that nothing need be measured."""
    parameters = 2 * model_bytes  # four bits each: few files have more
    tokens = sum(_student_tokens(one) for one in lessons)
    return MOST_PASSES * tokens * 6 * parameters / (SLOW * look().cores) < within_s / 2


def _student_s(pace: Pace, lesson: TokenisedLesson) -> float:
    if lesson.split == "train":
        return pace.passes * _student_tokens(lesson) / pace.student
    return LOOKS * _student_tokens(lesson) / pace.teacher  # forward only


def _teacher_tokens(lesson: TokenisedLesson) -> int:
    return len(lesson.teacher) + len(lesson.answer)


def _student_tokens(lesson: TokenisedLesson) -> int:
    return len(lesson.student) + len(lesson.answer)


def paced(
    before: Pace | None,
    stages: Stages,
    lessons: Sequence[TokenisedLesson],
    trained: Trained,
    *,
    fixed_questions: int,
) -> Pace | None:
    """
    The pace of the night that was just run; None where it does not tell: it went on, paused much, or was very short.

    Args:
        before: what is kept of that which this night did not show.
        lessons: what was taught.
        fixed_questions: of those in the exam, how many belong to no lesson.
    """
    train = [one for one in lessons if one.split == "train"]
    steps, tokens = stages.done(STUDENT), sum(map(_student_tokens, train))
    paused = trained.paused_s > MUCH_PAUSED * trained.seconds
    if not trained.tokens or steps < 2 or trained.resumed_from or paused or stages.done(TEACHER) < 1:
        return None
    of_teacher = sum(map(_teacher_tokens, train)) * (1 - stages.began[TEACHER][1] / stages.totals[TEACHER])
    of_student = trained.tokens * (1 - stages.began[STUDENT][1] / steps)
    studied, asked, exam_s = stages.done(STUDY), stages.done(EXAM), stages.seconds(EXAM)
    if not (of_teacher and of_student and stages.seconds(TEACHER) and stages.seconds(STUDENT)):
        return None
    loading = stages.began[TEACHER][0] - stages.loading if stages.loading is not None else 0.0
    return Pace(
        by="night",
        teacher=of_teacher / stages.seconds(TEACHER),
        student=of_student / stages.seconds(STUDENT),
        passes=stages.totals[STUDENT] * trained.tokens / steps / tokens,
        study_s=stages.seconds(STUDY) / studied if studied else before.study_s if before else 0.0,
        question_s=exam_s / asked if asked else before.question_s if before else 0.0,
        questions=_for_each(asked - fixed_questions, lessons)
        if asked
        else before.questions
        if before
        else 0.0,
        fixed_questions=fixed_questions,
        general_s=stages.seconds(GENERAL),
        load_s=loading,
        peak_mb=trained.peak_mb or 0.0,
    )


def _for_each(questions: int, lessons: Sequence[TokenisedLesson]) -> float:
    return max(questions, 0) / len(lessons)


def calibrated(
    measured: Measured,
    lessons: Sequence[TokenisedLesson],
    *,
    read: float,
    said: float,
    fixed_questions: int,
) -> Pace:
    """
    The pace as a few lessons and a short answer show it.

    Args:
        lessons: of the night that was measured.
        read: tokens of a prompt that the engine reads in a second.
        said: tokens of an answer that it says in a second.
        fixed_questions: that the exam puts however few lessons there are.
    """
    train = sum(one.split == "train" for one in lessons)
    return Pace(
        by="calibration",
        teacher=measured.teacher_tokens_per_s,
        student=measured.student_tokens_per_s,
        passes=measured.steps * measured.batch / train,
        study_s=STUDY_TOKENS[0] / read + STUDY_TOKENS[1] / said,
        question_s=QUESTION_TOKENS[0] / read + QUESTION_TOKENS[1] / said,
        questions=_for_each(ASKED * (len(lessons) - train), lessons),
        fixed_questions=fixed_questions,
        general_s=GENERAL_TOKENS[0] / read + GENERAL_TOKENS[1] / said,
        load_s=measured.load_s,
        peak_mb=measured.peak_mb,
    )


class Paces:
    """The paces that one home keeps."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE
        self._machine = _machine()

    def load(self, sha256: str) -> Pace | None:
        """That of a model on this machine; None when it was never measured."""
        try:
            found = self._all()[self._machine][sha256]
            return TypeAdapter(Pace).validate_python(found)
        except (KeyError, ValidationError):
            return None

    def keep(self, sha256: str, pace: Pace) -> None:
        """In the place of an older one. A disk that does not take it is logged: the next night measures again."""
        every = self._all()
        every.setdefault(self._machine, {})[sha256] = asdict(pace)
        try:
            with replacing(self._file) as out:
                out.write(json.dumps(every).encode())
        except OSError as error:
            log.warning("The pace of nights can't be kept in %s: %s", self._file, error.strerror or error)

    def _all(self) -> dict[str, dict[str, object]]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        is_whole = isinstance(found, Mapping) and all(isinstance(one, Mapping) for one in found.values())
        return {name: dict(one) for name, one in found.items()} if is_whole else {}


def _machine() -> str:
    """A name for this machine's speed: the same processor and cards, the same name."""
    hardware = look()
    try:
        said = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        processor = next((line for line in said.splitlines() if line.startswith("model name")), "")
    except OSError:
        processor = platform.processor()
    cards = [(one.name, one.total) for one in hardware.cards]
    seen = (platform.machine(), processor, hardware.cores, os.cpu_count(), cards)
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]
