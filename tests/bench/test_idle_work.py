"""How both ways are compared, and that one question at a time is just that; the measuring itself is tried by hand."""

import asyncio

import pytest

from bench.idle_work import Found, Measured, Said, Spent, summary, told_chats
from daemon.engine.client import Sampling
from tests import tiny

QUESTIONS = [[{"role": "user", "content": f"the inn {number}"}] for number in range(4)]


def passed(observe_evolve_s, study_s):
    return Spent(
        observe_evolve_s=observe_evolve_s,
        study_s=study_s,
        cpu_s=study_s,
        memories=9,
        lessons=40,
        read=10,
        said=20,
    )


@pytest.fixture
async def engine(tmp_path):
    path = tiny.write_model(tmp_path / "tiny.gguf")
    engine = Measured.for_model(path, n_ctx=0, threads=1, gpu_layers=0, idle_s=600)
    yield engine
    await engine.stop()


async def ask(engine, question, **more):
    return await engine.complete(question, sampling=Sampling(max_tokens=12), background=True, **more)


def test_the_ratio_is_of_the_rounds_one_by_one():
    found = summary(
        Found(one_at_a_time=[passed(10, 30), passed(8, 12)], side_by_side=[passed(5, 5), passed(4, 6)])
    )

    assert [2.0, 3.0, 4.0] == found["whole_ratio"]
    assert ([2.0, 2.0, 2.0], [2.0, 4.0, 6.0]) == (found["observe_evolve_ratio"], found["study_ratio"])
    assert found["study_ratio"] == found["cpu_ratio"]
    assert [20, 30.0, 40] == found["one_at_a_time"]["whole_s"]


def test_there_are_as_many_chats_as_are_wanted_and_each_tells_something_else():
    told = told_chats(10)

    assert 10 == len({turns[0] for turns in told})


async def most_at_once(engine):
    """How many requests the engine had at one moment, of four."""
    asked = [asyncio.create_task(ask(engine, question)) for question in QUESTIONS]
    most = 0
    while not all(one.done() for one in asked):
        counts = await engine.counts()
        most = max(most, counts.background if counts else 0)
    await asyncio.gather(*asked)
    return most


async def test_one_at_a_time_is_one_request_in_the_engine_and_side_by_side_are_several(engine):
    await engine.info()
    found = []
    for alone in (True, False):
        engine.begin(one_at_a_time=alone)
        found.append(await most_at_once(engine))

    assert found[0] <= 1 < found[1]


async def test_what_another_model_said_is_said_after_as_many_tokens(engine):
    """The same question twice, as two samples are."""
    engine.begin(one_at_a_time=False)
    own = await ask(engine, QUESTIONS[0])
    (key,) = engine.noted
    engine.told = {key: [Said("one", "length", 5), Said("other", "length", 7)]}
    engine.begin(one_at_a_time=False)
    found = [await ask(engine, QUESTIONS[0]) for _ in range(2)]
    await ask(engine, QUESTIONS[1])

    assert own.text not in ("one", "other")
    assert [("one", 5), ("other", 7)] == [(one.text, one.completion_tokens) for one in found]
    assert 1 == engine.unknown
