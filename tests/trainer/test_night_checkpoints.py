"""Which checkpoints a night goes on from, and that none is worth a night."""

import json
from dataclasses import asdict
from pathlib import Path

from tests.trainer.fake_backend import FakeBackend
from tests.trainer.test_run import in_this_process, job
from trainer import run
from trainer.checkpoint import Checkpoints, Position, TrainingState
from trainer.job import parse_job
from trainer.recipe import Recipe


def cut_short(asked: dict, folder: Path, step: int) -> Path:
    """The checkpoint of a night that ended after so many steps."""
    folder.mkdir(mode=0o700)
    asked |= {"checkpoints": folder}
    for said in run.run(parse_job(json.dumps(asked, default=str)), keep_every_s=0):
        if (said.unit, said.done) == ("steps", step):
            break
    (file,) = folder.iterdir()
    return file


def test_a_checkpoint_of_another_adapter_is_not_used(tiny, lessons, tmp_path, caplog):
    asked = job(tiny, lessons, tmp_path / "adapter.gguf", steps=6)
    file = cut_short(asked, tmp_path / "checkpoints", 4)
    kept = Checkpoints(file.parent, file.stem)
    arrays, numbers = kept.load()
    name = next(name for name in arrays if name.startswith("state.weights"))
    kept.keep(arrays | {name: arrays[name][:-1]}, numbers)

    done = in_this_process(asked)[-1]

    assert (0, 6) == (done.resumed_from, done.steps)
    assert "it is of another adapter" in caplog.text


def test_numbers_that_the_recipe_leaves_to_the_program_decide_too(tiny, lessons, tmp_path):
    """A version with other defaults doesn't go on from this one's checkpoint."""

    class Newer(Recipe):
        def epochs_for(self, parameters: int) -> float:
            return 2 * super().epochs_for(parameters)

    asked = parse_job(json.dumps(job(tiny, lessons, tmp_path / "adapter.gguf"), default=str))
    newer = asked.model_copy(update={"recipe": Newer(threads=1, device="cpu", precision="float32")})
    names = [run._fingerprint(each, FakeBackend()) for each in (asked, asked, newer)]

    assert asdict(asked.recipe) == asdict(newer.recipe)
    assert names[0] == names[1] != names[2]


def test_no_memory_for_a_checkpoint_does_not_end_the_night(tmp_path, caplog):
    class Full(FakeBackend):
        def state(self):
            raise MemoryError

    tmp_path.chmod(0o700)
    going = TrainingState(position=Position(steps=2, batch=1, paper=1))
    run._keep(Checkpoints(tmp_path, "job"), going, Full())
    assert "no memory for it" in caplog.text

    run._keep(Checkpoints(tmp_path, "job"), going, FakeBackend())
    assert {} == going.state
    assert {"state.steps"} == set(Checkpoints(tmp_path, "job").load()[0])
