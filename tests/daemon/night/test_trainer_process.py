"""A training in a process of its own: what goes in, what comes out, and every way in which it can fail."""

import asyncio
import gc
import json
import os
import sys
import time
from dataclasses import asdict

import pytest

from daemon.lessons.tokenised import TokenisedLesson
from daemon.night.errors import NightFailed
from daemon.night.trainer_process import TrainerCommand, TrainingJob, train

LESSON = TokenisedLesson(id=7, kind="fact", split="train", teacher=[5, 6, 7], student=[7], answer=[8, 2])
GOOD = """
import hashlib, json, sys
job = json.load(sys.stdin)
progress = {"type": "progress", "done": 1, "total": 2, "unit": "steps", "note": "", "loss": 0.5}
print(json.dumps(progress), flush=True)
adapter = json.dumps(job).encode()
open(job["out"], "wb").write(adapter)
done = {"type": "done", "adapter": job["out"], "sha256": hashlib.sha256(adapter).hexdigest(), "steps": 2}
print(json.dumps({**done, "train_loss": 0.1, "exam_loss": None, "seconds": 0.5, "lessons": 1}))
"""
DONE_WITHOUT_FILE = 'print(\'{"type": "done", "sha256": "x"}\')'
OTHER_FILE = GOOD.replace("hexdigest()", "hexdigest()[::-1]")
ERROR = """
print('{"type": "error", "code": "x", "message": "No room."}')
raise SystemExit(1)
"""
LAST_WORDS = "import sys; print('m.NoMemoryError', file=sys.stderr); sys.exit(3)"


async def trained(folder, script, *, seen=None, argv=()):
    command = TrainerCommand(
        model_path=folder / "model.gguf", runtime_dir=folder, argv=argv or [sys.executable, "-c", script]
    )
    job = TrainingJob(lessons=[LESSON], recipe={"rank": 8}, seed=3)
    return await train(job, command, (seen if seen is not None else []).append)


async def test_the_job_goes_in_and_progress_and_adapter_come_out(tmp_path):
    seen = []

    made = await trained(tmp_path, GOOD, seen=seen)

    job = json.loads(made.adapter)
    assert ({"rank": 8}, 3, str(tmp_path / "model.gguf")) == (job["recipe"], job["seed"], job["model"])
    assert [asdict(LESSON)] == job["lessons"]
    assert [(1, 2, "steps")] == [(one.done, one.total, one.unit) for one in seen]
    assert (2, 0.1, None) == (made.steps, made.train_loss, made.exam_loss)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (ERROR, "No room."),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed .SIGKILL."),
        (LAST_WORDS, "exit code 3 .*m.NoMemoryError[.]"),
        ("raise SystemExit(0)", "exit code 0 before it was done"),
        ("print('hello')", "no JSON"),
        ("print('[1]')", "no JSON object"),
        ("print('x' * 5_000_000)", "line of more than"),
        ("""print('{"type": "progress", "done": 1}')""", "progress can't be read"),
        (GOOD.replace('"seconds": 0.5,', ""), "report can't be read"),
        (DONE_WITHOUT_FILE, "can't be read"),
        (OTHER_FILE, "not the one"),
    ],
)
async def test_a_trainer_that_fails_leaves_nothing_behind(tmp_path, script, words):
    with pytest.raises(NightFailed, match=words):
        await trained(tmp_path, script)

    assert [] == list(tmp_path.iterdir())


async def test_a_trainer_that_ends_before_it_read_its_job_leaves_no_traceback_in_the_log(tmp_path):
    unasked, loop = [], asyncio.get_running_loop()
    usual = loop.get_exception_handler()
    loop.set_exception_handler(lambda loop, context: unasked.append(context["message"]))
    job = TrainingJob(lessons=[LESSON] * 50_000, recipe={}, seed=3)  # more than a pipe holds
    command = TrainerCommand(
        model_path=tmp_path / "m", runtime_dir=tmp_path, argv=[sys.executable, "-c", "raise SystemExit(3)"]
    )
    with pytest.raises(NightFailed, match="exit code 3"):
        await train(job, command, [].append)
    gc.collect()
    loop.set_exception_handler(usual)

    assert [] == unasked


@pytest.mark.parametrize(
    "last_words",
    [
        "raise ValueError('no tokens in Ghent.')",
        "print('Ghent.', flush=True)",
        "print('[\"Ghent.\"]', flush=True)",
        'print(\'{"type": "progress", "done": "Ghent."}\', flush=True)',
        "raise SystemExit('Ghent.')",
    ],
)
async def test_what_a_trainer_says_of_its_lessons_is_not_repeated(tmp_path, last_words):
    """The error goes to the log, and stays with the job for ever: `forget` would not reach it."""
    with pytest.raises(NightFailed) as failed:
        await trained(tmp_path, f"import sys; sys.stdin.read()\n{last_words}")

    assert "Ghent" not in f"{failed.value} {vars(failed.value)}"


@pytest.mark.parametrize("pipe", ["stdout", "stderr"])
async def test_a_process_that_a_trainer_leaves_behind_does_not_hold_up_the_night(tmp_path, pipe):
    """It keeps a pipe of ours open."""
    other = {"stdout": "stderr", "stderr": "stdout"}[pipe]
    started = f"[sys.executable, '-c', 'import time; time.sleep(60)'], {other}=-3"
    began = time.monotonic()

    made = await trained(tmp_path, GOOD + f"import subprocess\nsubprocess.Popen({started})")

    assert 2 == made.steps
    assert time.monotonic() - began < 40


async def test_a_trainer_may_say_much(tmp_path):
    """Long lines of progress, and a log of any shape and length, which is read to its end."""
    log = 'import sys; sys.stderr.buffer.write(b"\\xff" * 3_000_000)\n'
    made = await trained(tmp_path, log + GOOD.replace('"note": ""', '"note": "x" * 100_000'))

    assert 2 == made.steps


async def test_a_trainer_that_can_not_be_started_is_a_failed_night(tmp_path):
    with pytest.raises(NightFailed, match="could not be started"):
        await trained(tmp_path, "", argv=[str(tmp_path / "nothing")])


async def test_a_cancelled_night_ends_its_trainer(tmp_path):
    script = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"

    task = asyncio.create_task(trained(tmp_path, script))
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert ["pid"] == [file.name for file in tmp_path.iterdir()]
