"""What a night costs, from what was measured; and how that is kept."""

from dataclasses import replace

import pytest

from daemon.lessons.tokenised import TokenisedLesson
from daemon.night.loss_curve import NightProgress, Stages
from daemon.night.pace import Pace, Paces, calibrated, estimate, lesson_s, paced, surely_fits
from daemon.night.trainer_process import Measured, Trained
from daemon.progress import Progress

PACE = Pace(
    by="night",
    teacher=100,
    student=20,
    passes=5,
    study_s=3,
    question_s=0.5,
    questions=0.4,
    load_s=2,
    peak_mb=900,
)


def lesson(id, split="train", teacher=30, student=10, answer=10):
    return TokenisedLesson(
        id=id, kind="fact", split=split, teacher=[1] * teacher, student=[1] * student, answer=[1] * answer
    )


LESSONS = [lesson(1), lesson(2), lesson(3), lesson(4, "exam")]


def trained(**more):
    values = {
        "steps": 10,
        "train_loss": 0.1,
        "exam_loss": None,
        "seconds": 60.0,
        "tokens": 600,
        "peak_mb": 700.0,
    }
    return Trained(adapter=b"", sha256="", **values | more)


def test_each_stage_is_its_tokens_at_the_measured_pace():
    found = estimate(PACE, LESSONS)

    assert (0, 2 + 160 / 100) == (found.study_s, found.teacher_s)
    assert pytest.approx(3 * 5 * 20 / 20 + 10 * 20 / 100) == found.student_s
    assert pytest.approx(4 * 0.4 * 0.5) == found.exam_s
    assert pytest.approx(2 + sum(lesson_s(PACE, one) for one in LESSONS)) == found.total_s


def test_what_every_exam_asks_costs_the_same_however_few_lessons_there_are():
    pace = replace(PACE, fixed_questions=100)
    one, many = (estimate(pace, LESSONS[:1] * n).exam_s for n in (1, 21))

    assert pytest.approx(100 * 0.5 + 0.4 * 0.5) == one
    assert pytest.approx(20 * 0.4 * 0.5) == many - one


def test_memories_without_lessons_cost_their_study_and_as_much_as_the_others():
    more, without = estimate(PACE, LESSONS, to_study=2, studied=1), estimate(PACE, LESSONS)

    assert 6 == more.study_s
    assert pytest.approx(3 * without.student_s) == more.student_s


def test_a_night_measures_itself():
    moments = iter((0.0, 4.0, 10.0, 12.0, 16.0, 32.0, 40.0, 44.0))
    night = NightProgress(stages=Stages(clock=lambda: next(moments)))
    for done, total, unit, note in (
        (0, 2, "memories", "studying"),
        (2, 2, "memories", "studying"),
        (0, 3, "lessons", "loading the model"),
        (1, 3, "lessons", "the teacher answers"),
        (3, 3, "lessons", "the teacher answers"),
        (1, 10, "steps", "learning"),
        (10, 10, "steps", "learning"),
        (8, 8, "questions", "exam"),
    ):
        night.note(Progress(done=done, total=total, unit=unit, note=note))

    found = paced(PACE, night.stages, LESSONS, trained(), fixed_questions=6)

    assert ("night", 2.0, 2.0, 700.0) == (found.by, found.study_s, found.load_s, found.peak_mb)
    assert pytest.approx(120 * 2 / 3 / 4) == found.teacher
    assert pytest.approx(600 * 0.9 / 8) == found.student
    assert pytest.approx(10 * 600 / 10 / 60) == found.passes
    assert (6, 0.5) == (found.fixed_questions, found.questions)  # two of the eight are of the four lessons
    assert {
        "study_s": 4.0,
        "general_s": 0.0,
        "teacher_s": 4.0,
        "student_s": 8.0,
        "exam_s": 0.0,
    } == night.stages.numbers()


@pytest.mark.parametrize("more", [{"resumed_from": 4}, {"paused_s": 30.0}, {"tokens": 0}], ids=str)
def test_a_night_that_does_not_tell_its_pace_measures_nothing(more):
    night = NightProgress()
    for done, unit, note in ((1, "lessons", "the teacher answers"), (3, "lessons", "the teacher answers"),
                             (1, "steps", "learning"), (9, "steps", "learning")):  # fmt: skip
        night.note(Progress(done=done, total=9, unit=unit, note=note))

    assert paced(PACE, night.stages, LESSONS, trained(**more), fixed_questions=0) is None
    assert paced(PACE, NightProgress().stages, LESSONS, trained(), fixed_questions=0) is None


def test_a_calibration_counts_the_steps_that_the_recipe_plans():
    measured = Measured(
        load_s=1.0,
        teacher_tokens_per_s=50.0,
        student_tokens_per_s=10.0,
        steps=12,
        batch=2,
        peak_mb=5.0,
        backend="torch",
    )
    found = calibrated(measured, LESSONS, read=100.0, said=10.0, fixed_questions=9)

    assert ("calibration", 12 * 2 / 3, 9) == (found.by, found.passes, found.fixed_questions)
    assert found.study_s > found.question_s > 0


def test_a_pace_is_kept_for_one_model_on_one_machine_and_a_broken_file_is_none(tmp_path):
    paces = Paces(tmp_path)
    paces.keep("a" * 64, PACE)

    assert (PACE, None) == (Paces(tmp_path).load("a" * 64), paces.load("b" * 64))
    for broken in ("", "[]", '{"x": 1}', (tmp_path / "pace.json").read_text().replace("100", '"much"')):
        (tmp_path / "pace.json").write_text(broken)
        assert paces.load("a" * 64) is None
    paces.keep("a" * 64, PACE)
    assert PACE == paces.load("a" * 64)


@pytest.mark.parametrize(("model_bytes", "fits"), [(7_000_000, True), (2_500_000_000, False)])
def test_only_a_night_that_may_be_too_long_is_measured_first(model_bytes, fits):
    assert fits is surely_fits(model_bytes, LESSONS * 100, 5 * 3600)
