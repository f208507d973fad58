"""A trainer killed at any stage and started again with the same job gives the very adapter it would have given."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.trainer.test_run import PATIENCE_S, finish, in_this_process

ROOT = Path(__file__).parents[2]
OFTEN = "import sys; from trainer.__main__ import main; sys.exit(main(keep_every_s={}))"
BEGINNING = (
    "What you remember about the user, oldest first. If it is not said here, answer: I don't know that yet."
)


@pytest.fixture(scope="module")
def job(lessons, tiny):
    """Sixteen lessons with a teacher, 20 steps with looks at the exam."""
    given = []
    for lesson in lessons:
        known = f"{BEGINNING}\n- The user's {lesson.question.split()[-1]} is {lesson.answer}."
        given.append(asdict(lesson) | {"grounding": known})
    recipe = {"threads": 1, "device": "cpu", "precision": "float32", "batch": 3, "steps": 20, "checks": 5}
    return {"model": str(tiny), "lessons": given, "recipe": recipe, "seed": 3}


@pytest.fixture(scope="module")
def expected(job, tmp_path_factory):
    """What comes out when nobody disturbs it."""
    out = tmp_path_factory.mktemp("undisturbed") / "adapter.gguf"
    done = in_this_process(job | {"out": str(out)})[-1]
    assert (0, 20) == (done.resumed_from, done.steps)
    return done.sha256


@pytest.fixture
def private(job, tmp_path):
    """The same job with a folder for checkpoints."""
    folder = tmp_path / "checkpoints"
    folder.mkdir(mode=0o700)
    return job | {"out": str(tmp_path / "adapter.gguf"), "checkpoints": str(folder)}


def start(job: dict, every_s: float) -> subprocess.Popen:
    pipe = subprocess.PIPE
    argv = [sys.executable, "-c", OFTEN.format(every_s)]
    child = subprocess.Popen(argv, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe)
    child.stdin.write(json.dumps(job).encode())
    child.stdin.close()
    child.stdin = None
    return child


def killed_at(child: subprocess.Popen, unit: str, done: int) -> tuple[str, int]:
    """Wait until it says that it is so far, and kill it with signal 9; what it said first."""
    seen = []
    while (unit, done) not in seen:
        said = json.loads(child.stdout.readline())
        seen += [(said["unit"], said["done"])] if said["done"] else []
    child.kill()
    child.communicate(timeout=PATIENCE_S)
    return seen[0]


KILLS = [  # how often it keeps a checkpoint, where it is killed, where the next one goes on at the earliest
    (0, ("lessons", 6), ("lessons", 6)),  # the teacher has read half; the last batch may not be kept yet
    (30, ("steps", 5), ("steps", 1)),  # nothing was kept since the teaching
    (0, ("steps", 17), ("steps", 17)),  # between two looks at the exam
]


def test_a_trainer_killed_again_and_again_goes_on_as_if_nothing_had_been(private, expected):
    first = ("lessons", 0)
    for every_s, place, following in KILLS:
        child = start(private, every_s)
        assert first <= killed_at(child, *place)
        assert not Path(private["out"]).exists()
        (kept,) = Path(private["checkpoints"]).glob("*.checkpoint")
        assert 0o600 == kept.stat().st_mode & 0o777
        first = following

    said = finish(start(private, 30))

    again = next(line for line in said if line.get("done", 0) > 0)
    assert first <= (again["unit"], again["done"])
    assert said[-1]["resumed_from"] >= 16
    assert expected == said[-1]["sha256"]
    assert [] == list(Path(private["checkpoints"]).iterdir())
