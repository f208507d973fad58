"""What a night of many memories costs, from a few; and the file of a real model's shape that nobody can have here."""

from dataclasses import replace

import numpy as np
import pytest
from gguf import GGUFReader
from gguf.quants import dequantize

from bench.night_budget import MEASURED, _night
from bench.night_model import QWEN3_4B, SPREAD, write_random
from daemon.config.default_model import nano
from daemon.lessons.tokenised import TokenisedLesson
from daemon.night.pace import Pace

PACE = Pace(by="calibration", teacher=100, student=10, passes=5, study_s=6, question_s=0.5, questions=0.4)
LESSONS = [
    TokenisedLesson(id=id, kind="fact", split="train", teacher=[1] * 50, student=[1] * 20, answer=[1] * 10)
    for id in range(5 * MEASURED)
]


def test_ten_times_the_memories_cost_ten_times_as_much_and_never_less_than_the_machines_products():
    few, many = (_night(PACE, LESSONS, size, n=10**6, flops=1e9) for size in (MEASURED, 10 * MEASURED))

    assert pytest.approx({key: 10 * value for key, value in few.items()}) == many
    assert pytest.approx(few["study"] + few["teacher"] + few["student"] + few["exam"]) == few["all"]
    assert pytest.approx(50 * 30 * (2 + 6 * 5) * 1e6 / 1e9 / 60) == few["limit"]


def test_a_file_of_the_mixed_types_reads_as_small_weights(tmp_path):
    shape = replace(QWEN3_4B, layers=4, hidden=256, ffn=512, heads=2, kv_heads=1, vocabulary=2048)
    write_random(tmp_path / "m.gguf", shape, nano(), mixed=True)
    matrices = [one for one in GGUFReader(tmp_path / "m.gguf").tensors if one.n_elements > 256]

    assert {"Q4_K", "Q6_K"} == {one.tensor_type.name for one in matrices}
    for one in matrices:
        weights = dequantize(one.data, one.tensor_type)
        assert np.isfinite(weights).all() and SPREAD / 3 < weights.std() < 3 * SPREAD
