"""The order of lessons, early stopping and divergence, without a model; the teacher's targets, one by one."""

import json
from collections import Counter

import numpy as np
import pytest

from tests.trainer.fake_backend import FakeBackend
from trainer.backend import Targets, pack
from trainer.checkpoint import TrainingState, state_from
from trainer.errors import OutOfMemory, TrainerError
from trainer.job import Lesson
from trainer.loop import first_position, train
from trainer.recipe import Recipe
from trainer.targets import corrected, teach


def result(generator):
    """(all that was given on the way, what came out)"""
    given = []
    while True:
        try:
            given.append(next(generator))
        except StopIteration as end:
            return given, end.value


def course(count: int, backend: FakeBackend | None = None):
    lessons = [
        Lesson(
            id=n,
            kind="fact",
            split="train",
            teacher=(n, 8, 8) * (1 + n % 3),
            student=(n, 8),
            answer=(100 + n,) * (1 + n % 4),
        )
        for n in range(count)
    ]
    return result(teach(backend or FakeBackend(), lessons, Recipe(batch=4), "teaching", done=[]))


def trained_on(backend, lessons, exam, recipe, seed, at=None):
    """As `result` of a training from the beginning, or from `at`."""
    return result(
        train(
            backend,
            lessons,
            exam,
            recipe,
            seed,
            at=at or first_position(len(lessons), recipe, backend.base),
        )
    )


def test_the_teacher_reads_each_lesson_once_and_each_keeps_its_own_targets():
    backend = FakeBackend()
    given, taught = course(10, backend)

    assert 10 == sum(len(batch.lengths) for batch in backend.taught)
    assert [4, 8, 10] == [progress.done for progress in given]
    for n, lesson in enumerate(taught):
        assert (n, 8) == lesson.prompt
        assert [[100 + n] * 5] * (1 + n % 4) == lesson.targets.tokens.tolist()
        assert [(-100 - n) / 8] * (1 + n % 4) == lesson.targets.rest.tolist()


def test_answer_tokens_are_foretold_by_the_token_before():
    batch = pack([([1, 2, 3], [4, 5]), ([6], [7])])

    assert [1, 2, 3, 4, 5, 6, 7] == batch.tokens.tolist()
    assert ([5, 2], [2, 3, 5]) == (batch.lengths.tolist(), batch.places.tolist())
    assert [4, 5, 7] == batch.answers.tolist()


def test_all_lessons_are_seen_equally_often_and_a_seed_fixes_the_order():
    first, again, other = FakeBackend(), FakeBackend(), FakeBackend()
    for backend, seed in ((first, 1), (again, 1), (other, 2)):
        trained_on(backend, course(10)[1], [], Recipe(batch=4, steps=25), seed)

    assert {10} == set(Counter(sum(first.seen, [])).values())
    assert first.seen == again.seen
    assert first.seen != other.seen


def test_one_lesson_is_enough():
    backend = FakeBackend()
    given, trained = trained_on(backend, course(1)[1], [], Recipe(min_steps=60), 1)

    assert (60, None) == (trained.steps, trained.exam_loss)
    assert {(0,)} == {tuple(seen) for seen in backend.seen}
    assert (60, 60, "steps", 1.0) == (given[-1].done, given[-1].total, given[-1].unit, given[-1].loss)


def test_training_stops_when_the_exam_no_longer_improves_and_keeps_the_best():
    backend = FakeBackend(exam_losses=[5.0, 3.0, 1.0, 1.2, 0.999, 1.4, 0.1])
    exam = course(3)[1]
    given, trained = trained_on(backend, course(8)[1], exam, Recipe(steps=100, checks=10, patience=3), 1)

    assert 60 == given[-1].done
    assert 0.999 == trained.exam_loss
    assert np.array([50.0]) == trained.adapter["steps"]


def test_a_step_tells_the_loss_of_the_exam_only_where_it_was_looked_at():
    backend = FakeBackend(exam_losses=[5.0, 3.0, 1.0])
    given, _ = trained_on(backend, course(8)[1], course(3)[1], Recipe(steps=10, checks=3), 1)

    assert [None, None, 5.0, None, None, 3.0, None, None, 1.0, 1.0] == [step.exam_loss for step in given]


def test_an_exam_that_improves_slowly_and_steadily_is_not_given_up():
    """By a little less than what counts as an improvement at each look, so that two looks together are one."""
    backend = FakeBackend(exam_losses=[0.9905**look for look in range(10)])
    _, trained = trained_on(backend, course(8)[1], course(3)[1], Recipe(steps=100, checks=10, patience=3), 1)

    assert trained.exam_loss == pytest.approx(0.9905**9)


def test_an_adapter_that_is_no_number_is_not_given_back():
    class Overflowing(FakeBackend):
        def adapter(self):
            return {"steps": np.array([np.inf], np.float32)}

    with pytest.raises(TrainerError, match="at step 10"):
        trained_on(Overflowing(), course(8)[1], [], Recipe(steps=10), 1)


def test_a_teacher_that_gives_no_numbers_ends_the_night():
    """Also where its likeliest token is not the lesson's, which would be put in its place."""

    class Broken(FakeBackend):
        def teach(self, batch, d):
            said = super().teach(batch, d)
            return Targets(tokens=said.tokens + 1, logp=said.logp * np.nan, rest=said.rest * np.nan)

    with pytest.raises(TrainerError, match="download it again"):
        course(5, Broken())


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_night(loss):
    backend = FakeBackend(step_losses=[1.0, 1.0, loss])

    with pytest.raises(TrainerError, match="at step 3.*learning_rate"):
        trained_on(backend, course(8)[1], [], Recipe(), 1)
    with pytest.raises(TrainerError):
        trained_on(FakeBackend(exam_losses=[loss]), course(8)[1], course(2)[1], Recipe(), 1)


def test_memory_that_runs_out_halves_the_batch_and_each_lesson_is_still_seen_as_often():
    backend = FakeBackend(room=3)
    recipe = Recipe(batch=12, epochs=6.0, min_steps=1)
    given, trained = trained_on(backend, course(24)[1], [], recipe, 1)
    notes = [progress.note for progress in given if "ran out" in progress.note]

    assert ["6 lessons a step", "3 lessons a step"] == [note.split(", ")[1][:16] for note in notes]
    assert (48, 48, 48) == (trained.steps, given[-1].done, given[-1].total)
    assert {6} == set(Counter(sum(backend.seen, [])).values())


def test_steps_counted_by_the_recipe_stay_as_many():
    _, trained = trained_on(FakeBackend(room=1), course(8)[1], [], Recipe(batch=4, steps=10), 1)

    assert 10 == trained.steps


def test_one_lesson_that_does_not_fit_is_refused():
    taught = course(5)[1]

    with pytest.raises(OutOfMemory, match="one lesson at a time already"):
        trained_on(FakeBackend(room=0), taught, [], Recipe(batch=4), 1)
    with pytest.raises(OutOfMemory, match="one lesson at a time already"):
        course(5, FakeBackend(room=0))


def test_a_teacher_and_an_exam_that_do_not_fit_are_read_in_parts():
    given, taught = course(10, FakeBackend(room=2))
    assert (10, 10) == (len(taught), given[-1].done)
    assert ["teaching; memory ran out, 2 at a time from now on"] == [
        each.note for each in given if "ran out" in each.note
    ]
    assert [[100 + n] * 5 for n in range(10)] == [each.targets.tokens[0].tolist() for each in taught]

    backend = FakeBackend(exam_losses=[1.0], room=2)
    _, trained = trained_on(backend, taught, taught, Recipe(batch=4, steps=4), 1)
    assert 1.0 == pytest.approx(trained.exam_loss)


def kept_at(step: int, lessons, exam, recipe):
    """A training cut short after `step`: what a checkpoint would hold, and what was seen up to there."""
    backend = FakeBackend(exam_losses=[5.0, 3.0, 1.0, 1.2, 1.4], room=6)
    night = TrainingState(
        train=[each.targets for each in lessons],
        exam=[each.targets for each in exam],
        position=first_position(len(lessons), recipe, backend.base),
    )
    for _ in train(backend, lessons, exam, recipe, 1, at=night.position):
        if night.position.step == step:
            break
    night.state = backend.state()
    arrays, numbers = night.to_arrays()
    return arrays, json.loads(json.dumps(numbers)), backend


@pytest.mark.parametrize("step", [1, 5, 17, 30])
def test_a_training_that_goes_on_takes_the_very_steps_it_would_have_taken(step):
    """Also after the batch was halved, and with the best adapter so far."""
    recipe = Recipe(batch=12, epochs=12.0, min_steps=1, checks=5, patience=9)
    lessons, exam = course(20)[1], course(3)[1]
    whole = FakeBackend(exam_losses=[5.0, 3.0, 1.0, 1.2, 1.4], room=6)
    _, expected = trained_on(whole, lessons, exam, recipe, 1)
    arrays, numbers, first = kept_at(step, lessons, exam, recipe)
    night = state_from(arrays, numbers)

    assert [each.tokens.tolist() for each in night.train] == [
        each.targets.tokens.tolist() for each in lessons
    ]
    assert (step, 6) == (night.position.step, night.position.batch)
    second = FakeBackend(exam_losses=first.exam_losses, room=6)
    second.restore(night.state)
    _, actual = trained_on(second, lessons, exam, recipe, 1, at=night.position)

    assert whole.seen == first.seen + second.seen[step:]
    assert (expected.steps, expected.exam_loss, expected.train_loss) == (
        actual.steps,
        actual.exam_loss,
        actual.train_loss,
    )
    assert expected.adapter["steps"] == actual.adapter["steps"]


def test_a_teacher_that_goes_on_reads_the_rest_only():
    first, second = FakeBackend(), FakeBackend()
    lessons = [
        Lesson(id=n, kind="fact", split="train", teacher=(n, 8), student=(n,), answer=(100 + n,))
        for n in range(10)
    ]
    night = TrainingState()
    for progress in teach(first, lessons, Recipe(batch=4), "teaching", done=night.train):
        if progress.done == 8:
            break
    again = state_from(*night.to_arrays())
    _, taught = result(teach(second, lessons, Recipe(batch=4), "teaching", done=again.train))

    assert ([4, 4], [2]) == tuple([len(each.lengths) for each in b.taught] for b in (first, second))
    assert [[100 + n] * 5 for n in range(10)] == [each.targets.tokens[0].tolist() for each in taught]


def test_a_slip_of_the_teacher_becomes_the_lessons_own_token_for_certain():
    """The last row: a teacher that agrees is left as it is."""
    logp = np.tile(np.log(np.array([0.6, 0.3], np.float32)), (3, 1))
    said = Targets(
        tokens=np.array([[7, 8], [7, 8], [5, 6]]), logp=logp, rest=np.full(3, np.log(0.1), np.float32)
    )
    found = corrected(said, np.array([9, 8, 5]))
    chances = np.exp(np.column_stack([found.logp, found.rest]))

    assert [[9, 7], [8, 7], [5, 6]] == found.tokens.tolist()
    np.testing.assert_allclose(chances, [[1, 0, 0], [1, 0, 0], [0.6, 0.3, 0.1]], rtol=1e-6, atol=1e-8)
