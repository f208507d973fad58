"""What the daemon starts in an empty network does its work there."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from daemon.processes.process import confined, environment
from tests.trainer import tiny_qwen3
from trainer.job import Lesson

FAST = {"threads": 1, "device": "cpu", "precision": "float32", "epochs": 1}


def test_a_child_runs_as_the_module_that_was_named():
    assert [sys.executable, "-P", "-m", "daemon.sandbox.run_module", "trainer"] == confined("trainer")


def test_the_trainer_trains_without_any_network(tmp_path):
    model = tiny_qwen3.write_gguf(tmp_path / "tiny.gguf", tiny_qwen3.random_model())
    lessons = [
        Lesson(id=n, question=f"Where is {n}?", answer="Oslo", grounding=None, kind="fact", split=split)
        for n, split in enumerate(("train", "train", "exam"))
    ]
    job = {
        "model": str(model),
        "lessons": [asdict(lesson) for lesson in lessons],
        "recipe": FAST,
        "out": str(tmp_path / "adapter.gguf"),
        "seed": 1,
    }

    done = subprocess.run(
        confined("trainer"),
        input=json.dumps(job),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )

    last = json.loads(done.stdout.splitlines()[-1])
    assert (0, "done") == (done.returncode, last["type"]), done.stderr
    assert b"GGUF" == Path(job["out"]).read_bytes()[:4]
