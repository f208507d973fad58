"""A few lessons and steps tell how quickly a night would go."""

from dataclasses import replace

from tests.trainer.test_run import FAST
from trainer.job import Job, Progress
from trainer.measure import Measured, measure


def test_a_measurement_says_what_the_whole_job_takes_and_writes_nothing(tiny, lessons, tmp_path):
    many = [replace(one, id=number) for number, one in enumerate(lessons * 3)]
    recipe = FAST | {"epochs": 4.0, "min_steps": 1, "batch": 6}
    job = Job(model=tiny, lessons=many, recipe=recipe, out=tmp_path / "adapter.gguf")

    *steps, found = measure(job)

    train = sum(one.split == "train" for one in many)
    assert isinstance(found, Measured) and all(isinstance(one, Progress) for one in steps)
    assert (-(-4 * train // 6), 6) == (found.steps, found.batch)
    assert found.teacher_tokens_per_s > 0 and found.student_tokens_per_s > 0 and found.peak_mb > 50
    assert [] == list(tmp_path.glob("*.gguf"))
