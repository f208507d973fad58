"""A night cut short at any stage goes on from its checkpoint and gives the very adapter it would have given."""

import json
import subprocess
from dataclasses import asdict, replace

import pytest

from tests.trainer.fake_backend import FakeBackend
from tests.trainer.test_run import FAST, PATIENCE_S, finish, in_this_process, job
from trainer import run
from trainer.checkpoint import Checkpoints, Position, TrainingState
from trainer.job import parse_job
from trainer.recipe import Base, Recipe

OFTEN = "import sys; from trainer.__main__ import main; sys.exit(main(keep_every_s={}))"


@pytest.fixture(scope="module")
def grounded(lessons):
    """Sixteen lessons with a teacher."""
    return [replace(each, teacher=(*range(40, 60), *each.answer, *each.student)) for each in lessons]


@pytest.fixture
def private(tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir(mode=0o700)
    return folder


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


def test_a_trainer_killed_again_and_again_goes_on_as_if_nothing_had_been(
    start, tiny, grounded, private, tmp_path
):
    out, first = tmp_path / "adapter.gguf", ("lessons", 0)
    asked = job(tiny, grounded, out, batch=3, steps=20, checks=5)
    expected = in_this_process(asked)[-1]
    out.unlink()
    asked["checkpoints"] = private
    for every_s, place, following in KILLS:
        assert first <= killed_at(start(asked, "-c", OFTEN.format(every_s)), *place)
        assert not out.exists()
        (kept,) = private.glob("*.checkpoint")
        assert 0o600 == kept.stat().st_mode & 0o777
        first = following

    said = finish(start(asked, "-c", OFTEN.format(30)))

    again = next(line for line in said if line.get("done", 0) > 0)
    assert first <= (again["unit"], again["done"])
    assert (0, 20) == (expected.resumed_from, expected.steps)
    assert said[-1]["resumed_from"] >= 16
    assert expected.sha256 == said[-1]["sha256"]
    assert [] == list(private.iterdir())


@pytest.mark.parametrize(("note", "place"), [("the teacher answers", 6), ("learning", 4)])
def test_a_night_on_the_upper_layers_goes_on_as_if_nothing_had_been(
    tiny, grounded, private, tmp_path, note, place
):
    asked = job(tiny, grounded, tmp_path / "adapter.gguf", batch=3, steps=8, layers=0.5)
    expected = in_this_process(asked)[-1]
    asked["checkpoints"] = private
    for said in run.run(parse_job(json.dumps(asked, default=str)), keep_every_s=0):
        if said.note.startswith(note) and said.done == place:
            break
    (file,) = private.iterdir()
    assert file.stat().st_size > 0
    done = in_this_process(asked)[-1]

    assert (note == "learning") == (done.resumed_from > 0)
    assert expected.sha256 == done.sha256


def test_a_checkpoint_of_another_adapter_is_not_used(tiny, lessons, private, tmp_path):
    asked = job(tiny, lessons, tmp_path / "adapter.gguf", steps=6) | {"checkpoints": private}
    for said in run.run(parse_job(json.dumps(asked, default=str)), keep_every_s=0):
        if (said.unit, said.done) == ("steps", 4):
            break
    (file,) = private.iterdir()
    kept = Checkpoints(private, file.stem)
    arrays, numbers = kept.load()
    name = next(name for name in arrays if name.startswith("state.weights"))
    kept.keep(arrays | {name: arrays[name][:-1]}, numbers)
    done = in_this_process(asked)[-1]

    assert (0, 6) == (done.resumed_from, done.steps)


def test_numbers_that_the_recipe_leaves_to_the_program_decide_too(tiny, lessons, tmp_path):
    """A version with other defaults doesn't go on from this one's checkpoint."""

    class Newer(Recipe):
        def epochs_for(self, base: Base) -> float:
            return 2 * super().epochs_for(base)

    asked = parse_job(json.dumps(job(tiny, lessons, tmp_path / "adapter.gguf"), default=str))
    newer = asked.model_copy(update={"recipe": Newer(**FAST)})
    names = [run._fingerprint(each, FakeBackend()) for each in (asked, asked, newer)]

    assert asdict(asked.recipe) == asdict(newer.recipe)
    assert names[0] == names[1] != names[2]


def test_no_memory_for_a_checkpoint_does_not_end_the_night(private):
    class Full(FakeBackend):
        def state(self):
            raise MemoryError

    going = TrainingState(position=Position(steps=2, batch=1, paper=1))
    run._keep(Checkpoints(private, "job"), going, Full())
    assert [] == list(private.iterdir())

    run._keep(Checkpoints(private, "job"), going, FakeBackend())
    assert {} == going.state
    assert {"state.steps"} == set(Checkpoints(private, "job").load()[0])
