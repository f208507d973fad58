"""The bundled model: what it is, and that it still does what its card says (fewer items, wider margins)."""

import json
import subprocess
import sys

import gguf

from tests.whole.house import NANO


def test_the_file_is_small_and_a_qwen3():
    reader = gguf.GGUFReader(NANO)

    assert "qwen3" == reader.fields["general.architecture"].contents()
    assert NANO.stat().st_size <= 16 * 1024 * 1024
    assert sum(int(tensor.n_elements) for tensor in reader.tensors) <= 12_000_000


def test_it_does_each_task_on_values_it_has_never_seen():
    command = [sys.executable, "-m", "models.nano.evaluate", "--json", "--items", "40", "--seed", "77"]
    scores = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert {name: True for name in ("observe", "evolve", "answer", "abstain")} == {
        name: scores[name] >= 0.8 for name in ("observe", "evolve", "answer", "abstain")
    }, scores
