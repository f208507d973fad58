"""The command that measures skills: what it is asked wrongly is one line, and nothing starts."""

import asyncio
import sys

import pytest

from models.skills import evaluate
from models.skills.evaluation.setting import Setting, in_groups, replies
from tests.tiny import write_adapter, write_model


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "nowhere.gguf"], "There is no file 'nowhere.gguf'"),
        (["--adapter", "nowhere.gguf"], "There is no file"),
        (["--items", "0"], "--items is 0"),
        (["--sealed", "--wrong"], "show no case"),
    ],
)
def test_what_can_not_be_measured_is_one_line(words, said, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["evaluate", *words])

    with pytest.raises(SystemExit, match=said):
        evaluate.main()


def test_some_cases_are_the_same_in_every_run_and_in_order(tmp_path):
    some = Setting(model=tmp_path, items=10).some(range(100))

    assert some == Setting(model=tmp_path, items=10).some(range(100)) == sorted(set(some))
    assert 10 == len(some)
    assert [0, 1, 2] == Setting(model=tmp_path, items=10).some(range(3))


async def test_cases_are_asked_eight_at_a_time_and_told_in_order():
    running, most = 0, 0

    async def ask(case):
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await asyncio.sleep(0.001 * (case % 3))
        running -= 1
        return -case

    results = await in_groups(range(20), ask)

    assert ([-case for case in range(20)], 8) == (results, most)


async def test_who_asks_for_an_adapter_is_answered_by_it_and_the_skills_stand_for_the_base(tmp_path):
    model = write_model(tmp_path / "model.gguf", seed=1)
    skills = write_adapter(tmp_path / "skills.gguf", seed=2)
    night = write_adapter(tmp_path / "night.gguf", seed=3)

    async def said(adapter, *, taught=None):
        setting = Setting(model=model, threads=1, adapter=taught)
        async with setting.engine() as engine:
            name = await engine.load(adapter.read_bytes()) if adapter else "base"
            (reply,) = await replies(
                engine, [[{"role": "user", "content": "Hi"}]], max_tokens=8, adapter=name
            )
            return reply.text

    answers = [await said(None), await said(night), await said(None, taught=skills)]
    assert 3 == len(set(answers))
    assert answers[1] == await said(night, taught=skills)
