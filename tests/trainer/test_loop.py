"""The order of lessons, early stopping and divergence, without a model; the teacher's targets, one by one."""

from collections import Counter

import numpy as np
import pytest

from tests.trainer.fake_backend import FakeBackend
from trainer.backend import pack
from trainer.errors import Diverged
from trainer.lessons import TokenisedLesson
from trainer.loop import train
from trainer.recipe import Recipe
from trainer.targets import teach


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
        TokenisedLesson(teacher=(n, 8, 8) * (1 + n % 3), student=(n, 8), answer=(100 + n,) * (1 + n % 4))
        for n in range(count)
    ]
    return result(teach(backend or FakeBackend(), lessons, Recipe(batch=4), "teaching"))


def test_the_teacher_reads_each_lesson_once_and_each_keeps_its_own_targets():
    backend = FakeBackend()
    given, taught = course(10, backend)

    assert 10 == sum(len(batch.lengths) for batch in backend.taught)
    assert [4, 8, 10] == [progress.done for progress in given]
    for n, lesson in enumerate(taught):
        assert (n, 8) == lesson.prompt
        assert [[100 + n] * 5] * (1 + n % 4) == lesson.targets.tokens.tolist()
        assert [-100 - n] * (1 + n % 4) == lesson.targets.rest.tolist()


def test_answer_tokens_are_foretold_by_the_token_before():
    batch = pack([([1, 2, 3], [4, 5]), ([6], [7])])

    assert [1, 2, 3, 4, 5, 6, 7] == batch.tokens.tolist()
    assert ([5, 2], [2, 3, 5]) == (batch.lengths.tolist(), batch.places.tolist())
    assert [4, 5, 7] == batch.answers.tolist()


def test_all_lessons_are_seen_equally_often_and_a_seed_fixes_the_order():
    first, again, other = FakeBackend(), FakeBackend(), FakeBackend()
    for backend, seed in ((first, 1), (again, 1), (other, 2)):
        result(train(backend, course(10)[1], [], Recipe(batch=4, steps=25), seed))

    assert {10} == set(Counter(sum(first.seen, [])).values())
    assert first.seen == again.seen
    assert first.seen != other.seen


def test_one_lesson_is_enough():
    backend = FakeBackend()
    given, trained = result(train(backend, course(1)[1], [], Recipe(), 1))

    assert (60, None) == (trained.steps, trained.exam_loss)
    assert {(0,)} == {tuple(seen) for seen in backend.seen}
    assert (60, 60, "steps", 1.0) == (given[-1].done, given[-1].total, given[-1].unit, given[-1].loss)


def test_training_stops_when_the_exam_no_longer_improves_and_keeps_the_best():
    backend = FakeBackend(exam_losses=[5.0, 3.0, 1.0, 1.2, 0.999, 1.4, 0.1])
    exam = course(3)[1]
    given, trained = result(train(backend, course(8)[1], exam, Recipe(steps=100, checks=10, patience=3), 1))

    assert 60 == given[-1].done
    assert 0.999 == trained.exam_loss
    assert np.array([50.0]) == trained.adapter["steps"]


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_night(loss):
    backend = FakeBackend(step_losses=[1.0, 1.0, loss])

    with pytest.raises(Diverged, match="at step 3.*learning_rate"):
        result(train(backend, course(8)[1], [], Recipe(), 1))
    with pytest.raises(Diverged):
        result(train(FakeBackend(exam_losses=[loss]), course(8)[1], course(2)[1], Recipe(), 1))
