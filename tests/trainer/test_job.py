"""Every malformed job is one line that names the place."""

import json

import pytest

from trainer.errors import TrainerError
from trainer.job import parse_job
from trainer.recipe import Base, Recipe


@pytest.fixture
def good(tmp_path):
    lesson = {"id": 1, "kind": "fact", "split": "train", "teacher": [4, 5], "student": [5], "answer": [6, 2]}
    job = {"model": "nano.gguf", "out": str(tmp_path / "a.gguf"), "recipe": {}, "seed": 7}
    return job | {"lessons": [lesson]}


def test_a_good_job_is_read(good, tmp_path):
    job = parse_job(json.dumps(good))
    (lesson,) = job.lessons

    assert ((4, 5), (5,), (6, 2), 4) == (lesson.teacher, lesson.student, lesson.answer, lesson.length)
    assert (Recipe(), 7, tmp_path / "a.gguf", None) == (job.recipe, job.seed, job.out, job.checkpoints)
    for optional in ("recipe", "seed"):
        del good[optional]
    assert (Recipe(), 0) == (parse_job(json.dumps(good)).recipe, parse_job(json.dumps(good)).seed)


@pytest.mark.parametrize("text", [b"", b"\xff\xfe{", b"{", b"[" * 100_000, b"[]", b"null", b"{}"])
def test_what_is_no_job_is_refused(text):
    with pytest.raises(TrainerError) as raised:
        parse_job(text)

    assert "bad_job" == raised.value.code
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("color", [1]),
        ("model", [5, "", "a\0b"]),
        ("out", ["/nowhere/at/all/a.gguf", "/", "nano.gguf"]),
        ("seed", [-1, True, "1"]),
        ("lessons", [{}, "hi"]),
        ("lessons.0", ["hi"]),
        ("lessons.0.id", [None]),
        ("lessons.0.teacher", [None, [], "words"]),
        ("lessons.0.student", [[], [-1], [1.5]]),
        ("lessons.0.answer", [[], ["5"], [True]]),
        ("lessons.0.kind", [5, "half \ud83d"]),
        ("lessons.0.split", [[]]),
        ("lessons.0.extra", [1]),
        ("checkpoints", ["/nowhere/at/all", 5]),
        ("recipe", [[1]]),
        ("recipe.rank", [0, 1.5, True]),
        ("recipe.d", [None]),
        ("recipe.steps", [0]),
        ("recipe.learning_rate", [float("nan"), "fast"]),
        ("recipe.loss", ["best", ["raw"]]),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(good, path, values):
    place = good
    *outer, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in outer:
        place = place[part]
    for value in values:
        place[last] = value

        with pytest.raises(TrainerError) as raised:
            parse_job(json.dumps(good))
        said = str(raised.value)
        assert "bad_job" == raised.value.code
        assert "hex escape" in said or f"'{path}" in said or f"'{path.rpartition('.')[0]}'" in said
        assert "\n" not in said


@pytest.mark.parametrize(
    ("given", "lessons", "steps"),
    [({"epochs": 10}, 100, 84), ({"epochs": 10, "steps": 5}, 100, 5), ({"min_steps": 60}, 1, 60)],
)
def test_steps_are_counted_from_lessons_unless_the_recipe_has_them(given, lessons, steps):
    assert steps == Recipe(**given).steps_for(lessons, Base(parameters=4_000_000_000, pretrained=True))


@pytest.mark.parametrize(
    ("part", "pretrained", "layers", "first"),
    [
        (None, False, 30, 0),
        (None, True, 30, 15),
        (1.0, True, 30, 0),
        (0.5, False, 30, 15),
        (0.01, False, 30, 29),
        (0.5, False, 1, 0),
    ],
)
def test_the_upper_part_of_the_layers_learns_at_least_one(part, pretrained, layers, first):
    base = Base(parameters=1_000, pretrained=pretrained)

    assert first == Recipe(layers=part).first_layer_for(base, layers)


def test_the_learning_rate_rises_fast_and_falls_to_a_tenth():
    rates = [Recipe().learning_rate_at(step, 100, 1.0) for step in range(100)]

    assert 1.0 == pytest.approx(max(rates))
    assert rates.index(max(rates)) < 6
    assert 0.1 == pytest.approx(rates[-1], abs=0.01)
