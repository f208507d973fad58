"""Both sides of the night's benchmark do the same work, on a model that is read as any other."""

from dataclasses import replace

import pytest

from bench.night_model import QWEN3_06B, write_random
from bench.night_speed import NANO, batches_of, measure_ours
from bench.plain_loop import measure_plain
from trainer.gguf_model import open_model
from trainer.recipe import Recipe

RECIPE = Recipe(threads=1, device="cpu", precision="float32", batch=3)


def test_a_random_model_has_the_shape_and_reads_as_nano(tmp_path):
    shape = replace(QWEN3_06B, layers=1, hidden=64, ffn=96, heads=2, kv_heads=1, head_dim=32, vocabulary=2500)
    path = tmp_path / "random.gguf"
    write_random(path, shape, NANO)
    found = open_model(path)

    assert replace(shape, norm_eps=0, rope_base=0) == replace(found.shape, norm_eps=0, rope_base=0)
    assert {1e-3 > abs(values.mean()) for name, values in found.tensors() if "norm" not in name} == {True}
    assert batches_of(path, 1, RECIPE) == batches_of(NANO, 1, RECIPE)


def test_lessons_are_of_realistic_lengths_and_always_the_same():
    batches = batches_of(NANO, 4, Recipe())
    lessons = [lesson for batch in batches for lesson in batch]

    assert batches == batches_of(NANO, 4, Recipe())
    assert [12] * 4 == [len(batch) for batch in batches]
    assert 15 < sum(len(each.student) for each in lessons) / 48 < 35
    assert 5 < sum(len(each.answer) for each in lessons) / 48 < 12
    assert all(len(each.teacher) > len(each.student) + 40 for each in lessons)


def test_both_sides_learn_the_same():
    batches = batches_of(NANO, 2, RECIPE)
    plain, ours = measure_plain(NANO, batches, RECIPE), measure_ours(NANO, batches, RECIPE)

    assert plain["loss"] == pytest.approx(ours["loss"], rel=0.02)
    for side in (plain, ours):
        assert side["peak_mb"] > 100
        assert side["tokens_per_s"] > 0
        assert side["cpu_tokens_per_s"] > 0
