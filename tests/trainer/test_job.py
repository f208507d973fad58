"""Every malformed job is one line that names the place."""

import json

import pytest

from trainer.errors import BadJob
from trainer.job import parse_job
from trainer.recipe import Recipe


@pytest.fixture
def good(tmp_path):
    lesson = {
        "id": 1,
        "question": "Where?",
        "answer": "Here.",
        "grounding": None,
        "kind": "fact",
        "split": "train",
    }
    return {
        "model": "nano.gguf",
        "lessons": [lesson],
        "recipe": {},
        "out": str(tmp_path / "a.gguf"),
        "seed": 7,
    }


def test_a_good_job_is_read(good, tmp_path):
    job = parse_job(json.dumps(good))

    assert ("Where?", "Here.", None) == (
        job.lessons[0].question,
        job.lessons[0].answer,
        job.lessons[0].grounding,
    )
    assert (Recipe(), 7, tmp_path / "a.gguf") == (job.recipe, job.seed, job.out)
    assert (False, None) == (job.lessons[0].sees, job.checkpoints)
    for optional in ("recipe", "seed"):
        del good[optional]
    assert (Recipe(), 0) == (parse_job(json.dumps(good)).recipe, parse_job(json.dumps(good)).seed)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe{", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "must be an object"),
        (b"null", "must be an object"),
        (b"{}", "lacks 'lessons', 'model', 'out'"),
    ],
)
def test_what_is_no_job_is_refused(text, said):
    with pytest.raises(BadJob, match=said) as raised:
        parse_job(text)

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("color", 1, "unknown keys: 'color'"),
        ("model", 5, "'model' must be a path"),
        ("model", "", "'model' must be a path"),
        ("model", "a\0b", "'model' must be a path"),
        ("out", "/nowhere/at/all/a.gguf", "no folder '/nowhere/at/all'"),
        ("out", "/", "a folder or the model"),
        ("out", "nano.gguf", "a folder or the model"),
        ("seed", -1, "'seed'"),
        ("seed", True, "'seed'"),
        ("seed", "1", "'seed'"),
        ("lessons", {}, "'lessons' must be a list"),
        ("lessons.0", "hi", "lesson 0 must be an object"),
        ("lessons.0.id", None, "lesson 0 has an 'id'"),
        ("lessons.0.question", "", "lesson 0 has a 'question' without words"),
        ("lessons.0.question", 5, "lesson 0 has a 'question' without words"),
        ("lessons.0.answer", " \n", "lesson 0 has a 'answer' without words"),
        ("lessons.0.answer", "half \ud83d", "half a surrogate pair"),
        ("lessons.0.grounding", 5, "lesson 0 has a 'grounding'"),
        (
            "lessons.0.kind",
            "joke",
            "the kind 'joke'; it must be one of fact, before, as_of, two, abstain, general, reading",
        ),
        ("lessons.0.sees", 1, "lesson 0 has a 'sees' that is neither true nor false"),
        ("lessons.0.sees", True, "lesson 0 has 'sees', but no 'grounding'"),
        ("checkpoints", "/nowhere/at/all", "'checkpoints' is '/nowhere/at/all', which is no folder"),
        ("checkpoints", 5, "'checkpoints' must be a path"),
        ("lessons.0.split", [], "the split \\[\\]"),
        ("lessons.0.extra", 1, "lesson 0 has unknown keys: 'extra'"),
        ("recipe", [1], "'recipe' must be an object"),
        ("recipe.rang", 1, "has no key 'rang'; known: rank, "),
        ("recipe.rank", 0, "'recipe.rank' is 0; it must be from 1 to 256"),
        ("recipe.rank", 1.5, "must be a whole number"),
        ("recipe.d", None, "must be a whole number"),
        ("recipe.rank", True, "must be a whole number"),
        ("recipe.steps", 0, "from 1 to 1000000 \\(updates"),
        ("recipe.learning_rate", float("nan"), "must be from 1e-07 to 1.0"),
        ("recipe.learning_rate", "fast", "must be a number"),
        ("recipe.loss", "best", "one of rest, renormalised, raw, hard"),
        ("recipe.loss", ["raw"], "one of rest, renormalised, raw, hard"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(good, path, value, said):
    place = good
    *outer, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in outer:
        place = place[part]
    place[last] = value

    with pytest.raises(BadJob, match=said) as raised:
        parse_job(json.dumps(good))
    assert "\n" not in str(raised.value)


def test_a_recipe_counts_steps_from_lessons_and_the_rate_from_the_size():
    recipe = Recipe()

    assert (180, 180, 1600) == tuple(recipe.steps_for(count, 5_000_000) for count in (1, 100, 2000))
    assert (60, 2667) == tuple(recipe.steps_for(count, 4_000_000_000) for count in (1, 2000))
    assert 84 == Recipe(epochs=10).steps_for(100, 4_000_000_000)
    assert (5e-3, 5e-4, 2e-4) == tuple(recipe.learning_rate_for(int(size)) for size in (5e6, 2e8, 4e9))
    sizes = (5_000_000, 4_000_000_000)
    assert [(32, 32.0), (16, 32.0)] == [(recipe.rank_for(size), recipe.alpha_for(size)) for size in sizes]
    assert (8, 16.0) == (Recipe(rank=8).rank_for(sizes[1]), Recipe(rank=8).alpha_for(sizes[1]))
    rates = [recipe.learning_rate_at(step, 100, 1.0) for step in range(100)]
    assert 1.0 == pytest.approx(max(rates))
    assert rates.index(max(rates)) < 6
    assert 0.1 == pytest.approx(rates[-1], abs=0.01)
