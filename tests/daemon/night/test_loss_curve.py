"""The curve of a training: few points, evenly spread; live, and in the record of the night."""

from contextlib import nullcontext

import pytest

from daemon.night.errors import NightFailed
from daemon.night.loss_curve import MOST, LossCurve
from daemon.night.report import report_on
from daemon.progress import Progress
from tests.daemon.night.fakes import TRAINER

STEPS = """
import json
for step in (1, 2):
    told = {"done": step, "total": 2, "unit": "steps", "note": "", "loss": 1.5 / step, "exam_loss": None}
    print(json.dumps({"type": "progress", **told}))
print(json.dumps({"type": "progress", "done": 2, "total": 2, "unit": "steps", "note": "", "exam_loss": 0.5}))
"""
DRAWN = {"train": [[1, 1.5], [2, 0.75]], "exam": [[2, 0.5]], "total": 2}
EMPTY = {"train": [], "exam": [], "total": 0}


def step(number, loss=None, exam_loss=None, unit="steps"):
    return Progress(done=number, total=9000, unit=unit, note="", loss=loss, exam_loss=exam_loss)


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

    assert EMPTY == curve.numbers()


@pytest.mark.parametrize(
    ("script", "curve", "failed"),
    [
        pytest.param(STEPS + TRAINER, DRAWN, False, id="a night that ends well"),
        pytest.param(STEPS + "raise SystemExit(2)", DRAWN, True, id="one that fails"),
        pytest.param("raise SystemExit(2)", EMPTY, True, id="one that never trained"),
    ],
)
async def test_the_curve_of_a_night_is_live_and_in_its_record(scripted, script, curve, failed):
    home = await scripted(script)
    with pytest.raises(NightFailed) if failed else nullcontext():
        await home.work()

    assert curve == home.nights.progress.curve.numbers()
    assert curve == (await home.run(report_on, None))["curve"]
