"""The curve of a training: few points, evenly spread; live, and in the record of the night."""

import pytest

from daemon.night.errors import NightFailed
from daemon.night.loss_curve import MOST, LossCurve
from daemon.night.report import report_on
from daemon.progress import Progress
from tests.daemon.night.fakes import TRAINER
from tests.daemon.night.scripted import scripted_nights

STEPS = """
import json
for step in (1, 2):
    told = {"done": step, "total": 2, "unit": "steps", "note": "", "loss": 1.5 / step, "exam_loss": None}
    print(json.dumps({"type": "progress", **told}))
print(json.dumps({"type": "progress", "done": 2, "total": 2, "unit": "steps", "note": "", "exam_loss": 0.5}))
"""
DRAWN = {"train": [[1, 1.5], [2, 0.75]], "exam": [[2, 0.5]], "total": 2}


def step(number, loss=None, exam_loss=None, unit="steps"):
    return Progress(done=number, total=9000, unit=unit, note="", loss=loss, exam_loss=exam_loss)


def test_a_short_training_is_drawn_step_by_step():
    curve = LossCurve()
    for number in range(1, 4):
        curve.add(step(number, 1 / number, exam_loss=0.5 if number == 2 else None))

    drawn = {"train": [[1, 1.0], [2, 0.5], [3, 0.3333]], "exam": [[2, 0.5]], "total": 9000}
    assert drawn == curve.numbers()


def test_a_long_one_is_thinned_and_every_loss_counts():
    curve = LossCurve()
    for number in range(1, 9001):
        curve.add(step(number, number))
    points = curve.numbers()["train"]
    widths = {later - earlier for (earlier, _), (later, _) in zip(points, points[1:-1], strict=False)}

    assert len(points) <= MOST
    assert 9000 == points[-1][0]
    assert {64} == widths
    assert 32.5 == points[0][1]  # the mean of the first 64


def test_the_teacher_s_lessons_and_the_exam_are_no_steps():
    curve = LossCurve()
    curve.add(step(1, 3.0, unit="lessons"))

    assert {"train": [], "exam": [], "total": 0} == curve.numbers()


async def nights_curve(folder, script):
    """A night with this trainer; its curve, live and in the record, and whether it failed."""

    async with scripted_nights(folder, script) as home:
        failed = False
        try:
            await home.nights.work(await home.job())
        except NightFailed:
            failed = True
        return (
            home.nights.progress.curve.numbers(),
            (await home.store_thread.run(report_on, None))["curve"],
            failed,
        )


@pytest.mark.parametrize(("end", "failed"), [(TRAINER, False), ("raise SystemExit(2)", True)])
async def test_the_curve_of_a_night_is_in_its_record_also_when_it_fails(tmp_path, end, failed):
    assert (DRAWN, DRAWN, failed) == await nights_curve(tmp_path, STEPS + end)


async def test_a_night_that_never_trained_has_an_empty_curve(tmp_path):
    empty = {"train": [], "exam": [], "total": 0}

    assert (empty, empty, True) == await nights_curve(tmp_path, "raise SystemExit(2)")
