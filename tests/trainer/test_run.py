"""A whole night as the daemon runs it: a child process, a job on stdin, JSON lines on stdout."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from tests.trainer import random_models
from tests.trainer.conftest import ROOT, send
from tests.trainer.llama_oracle import LlamaOracle
from trainer import run
from trainer.errors import TrainerError
from trainer.job import Done, Progress, parse_job

PATIENCE_S = 300  # a busy machine takes a minute to load torch
FAST = {"layers": 1.0, "threads": 1, "device": "cpu", "precision": "float32"}


def finish(child: subprocess.Popen) -> list[dict]:
    out, log = child.communicate(timeout=PATIENCE_S)
    assert b"Traceback" not in log, log.decode()
    return [json.loads(line) for line in out.splitlines()]


def job(model: Path, lessons, out: Path, **recipe) -> dict:
    taught = [asdict(each) for each in lessons]
    return {"model": model, "lessons": taught, "out": out, "recipe": FAST | recipe, "seed": 3}


def test_a_student_learns_its_lessons_by_heart(start, tiny, lessons, tmp_path):
    """Hard labels, as a random model has nothing to teach; llama.cpp then knows them, without it none."""
    out = tmp_path / "adapter.gguf"
    child = start(job(tiny, lessons[::2], out, loss="hard", learning_rate=0.01, steps=120))
    said = finish(child)
    done, steps = said[-1], [line for line in said if line.get("unit") == "steps"]

    assert 0 == child.returncode
    assert ("done", str(out), 8, 0) == (done["type"], done["adapter"], done["lessons"], done["skipped"])
    assert steps[0]["loss"] > 3
    assert done["train_loss"] < 0.1
    assert done["steps"] == len(steps)
    assert {"type", "done", "total", "unit", "note", "loss", "exam_loss"} == steps[0].keys()
    assert {None} == {step["exam_loss"] for step in steps}  # there is no exam among these lessons
    assert {field.name for field in fields(Done)} < done.keys()
    assert (8, 0) == (known(tiny, lessons[::2], out), known(tiny, lessons[::2], None))


def known(model: Path, lessons, adapter: Path | None) -> int:
    """How many answers llama.cpp foretells word for word."""
    right = 0
    with LlamaOracle(model) as oracle:
        for lesson in lessons:
            logits = oracle.logits([*lesson.student, *lesson.answer], adapter)
            right += tuple(logits.argmax(-1)[len(lesson.student) - 1 : -1]) == lesson.answer
    return right


def in_this_process(asked: dict) -> list[Progress | Done]:
    """The same without the seconds that a new process needs to load its libraries."""
    return list(run.run(parse_job(json.dumps(asked, default=str))))


@pytest.mark.parametrize(("loss", "part"), [("rest", 0.25), ("renormalised", 0.25), ("raw", 0.8)])
def test_a_teacher_with_grounding_teaches_a_student_without(tiny, lessons, tmp_path, loss, part):
    """The loss falls to less than `part` of what it was; "raw" can't fall below the teacher's own entropy."""
    asked = job(tiny, lessons[::2], tmp_path / "adapter.gguf", learning_rate=0.005, steps=60, loss=loss)
    for each in asked["lessons"]:
        each["teacher"] = (40, 41, *each["student"], *each["answer"], *each["student"])
    said = in_this_process(asked)
    losses = [line.loss for line in said if isinstance(line, Progress) and line.unit == "steps"]

    assert said[-1].train_loss < part * losses[0]
    assert said[-1].exam_loss is None


def test_a_lesson_too_long_is_skipped_and_counted(tmp_path, lessons):
    small = random_models.write_gguf(tmp_path / "small.gguf", random_models.random_model(context=64))
    asked = job(small, lessons, tmp_path / "adapter.gguf", steps=2)
    asked["lessons"][0]["teacher"] = (9,) * 80
    done = in_this_process(asked)[-1]

    assert (7, 1) == (done.lessons, done.skipped)
    assert done.exam_loss > 0
    for each in asked["lessons"]:
        each["teacher"] = (9,) * 80
    with pytest.raises(TrainerError, match="all 16 lessons are longer than 64 tokens"):
        in_this_process(asked)


@pytest.mark.parametrize(("loss", "code"), [("rest", "teacher_without_numbers"), ("hard", "diverged")])
def test_a_model_that_gives_no_numbers_ends_the_night_and_nothing_is_written(
    without_numbers, lessons, tmp_path, loss, code
):
    with pytest.raises(TrainerError) as raised:
        in_this_process(job(without_numbers, lessons, tmp_path / "adapter.gguf", loss=loss))

    assert code == raised.value.code
    assert [] == list(tmp_path.iterdir())


def test_each_refusal_is_one_typed_line_and_exit_code_1(start, tiny, lessons, tmp_path):
    out = tmp_path / "adapter.gguf"
    text = tmp_path / "text.gguf"
    text.write_text("hello")
    for asked, code in [(b"hello", "bad_job"), (job(text, lessons, out), "model_damaged")]:
        child = start(asked)
        last = finish(child)[-1]

        assert ("error", code, 1) == (last["type"], last["code"], child.returncode)
        assert last["message"]
        assert "\n" not in last["message"]
    for asked, code in [
        (job(tiny, [], out), "no_lessons"),
        (job(tiny, lessons[1::2], out), "no_lessons"),
        (job(tmp_path / "nowhere.gguf", lessons, out), "model_missing"),
        (job(tiny, [replace(lessons[0], answer=(5, 99_999))], out), "bad_job"),
    ]:
        with pytest.raises(TrainerError) as raised:
            in_this_process(asked)

        assert code == raised.value.code
    assert not out.exists()


def test_a_trainer_that_is_terminated_at_work_leaves_no_file(start, tiny, lessons, tmp_path):
    child = start(job(tiny, lessons, tmp_path / "adapter.gguf", steps=100_000))
    while json.loads(child.stdout.readline())["unit"] != "steps":
        pass
    child.terminate()
    child.communicate(timeout=PATIENCE_S)

    assert -signal.SIGTERM == child.returncode
    assert [] == list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_trainer_dies_with_its_parent(tiny, lessons, tmp_path):
    (tmp_path / "job.json").write_text(
        json.dumps(job(tiny, lessons, tmp_path / "a.gguf", steps=100_000), default=str)
    )
    script = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "trainer"], stdin=open(sys.argv[1]), stdout=subprocess.PIPE)
assert b"progress" in child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "job.json")],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    trainer = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    until = time.monotonic() + PATIENCE_S
    while alive(trainer) and time.monotonic() < until:
        time.sleep(0.05)

    assert not alive(trainer)
    assert not (tmp_path / "a.gguf").exists()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_listener_that_goes_away_ends_the_trainer_quietly(start, tiny, lessons, tmp_path):
    child = start(None)
    child.stdout.close()
    child.stdout = None
    send(child, job(tiny, lessons, tmp_path / "adapter.gguf", steps=100_000))
    _, log = child.communicate(timeout=PATIENCE_S)

    assert 1 == child.returncode
    assert b"Traceback" not in log
    assert [] == list(tmp_path.iterdir())


def test_a_night_says_what_it_took_and_leaves_the_environment_as_it_was(tiny, lessons, tmp_path):
    before = dict(os.environ)
    done = in_this_process(job(tiny, lessons, tmp_path / "adapter.gguf", steps=2))[-1]

    assert before == dict(os.environ)
    assert "torch, cpu, float32" == done.backend
    assert 0 == done.resumed_from
    assert done.peak_mb > 100
    assert done.tokens > 2 * 8 * 3
    assert done.tokens_per_s > 0
