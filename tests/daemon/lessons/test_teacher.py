"""What the teacher's requests look like."""

import pytest

from daemon.lessons.teacher import Teacher
from tests.daemon.memory.fakes import FakeEngine


@pytest.mark.parametrize(("n_ctx", "shows"), [(8192, True), (64, False)])
async def test_worked_examples_are_left_out_where_they_leave_too_little_room(n_ctx, shows):
    engine = FakeEngine(n_ctx=n_ctx, taught=False, tiny=False, ask=lambda text: [], answer=lambda text: [])
    teacher = Teacher(engine, await engine.info())
    await teacher.about("The user lives in Ghent.")
    await teacher.questions("rephrase", "Where do I live?")
    await teacher.knows("Where do I live?", "In Ghent.")

    assert [shows] * 3 == [one.turns > 2 for one in engine.asked]
    assert all(one.turns >= 2 for one in engine.asked)
