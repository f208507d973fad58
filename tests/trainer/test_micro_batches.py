"""What becomes of a batch when memory is short: smaller parts, then activations computed twice, then a refusal."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainer.test_torch_backend import BATCH, LESSONS, RECIPE, open_tiny
from trainer.backend import pack
from trainer.errors import OutOfMemory
from trainer.gguf_model import open_model
from trainer.loss import hard_targets
from trainer.micro_batches import SPARE, MicroBatches, activations_mb, free_of_group, parts, reading_mb
from trainer.torch_backend import TorchBackend

FEW = [([1, 2, 3], [4]), ([5], [6, 7]), ([8, 9], [10]), ([11] * 20, [12, 13])]
TARGETS = hard_targets(BATCH)
SIZES = [(len(prompt) + len(answer), len(answer)) for prompt, answer in LESSONS]


class Free:
    """Free memory that a test can change; much at first."""

    mb = 1e6

    def __call__(self) -> float:
        return self.mb


@pytest.fixture
def free():
    return Free()


def one_lesson(tiny, how=activations_mb, **options) -> float:
    """MB that the largest lesson needs."""
    return max(how(open_model(tiny).shape, *sizes, itemsize=4, **options) for sizes in SIZES)


def test_little_memory_makes_smaller_parts_and_the_same_step(tiny, free):
    plenty, scarce = open_tiny(tiny), open_tiny(tiny, free=free)
    free.mb = 1.05 * one_lesson(tiny) / SPARE

    assert plenty.step(BATCH, TARGETS, 0.0) == pytest.approx(scarce.step(BATCH, TARGETS, 0.0), rel=1e-6)
    assert "checkpointing" not in scarce.name
    for name, values in plenty.state().items():
        np.testing.assert_allclose(values, scarce.state()[name], atol=1e-6)


def test_less_than_a_lesson_needs_turns_checkpointing_on_and_still_less_refuses(tiny, free):
    backend = open_tiny(tiny, free=free)
    least = one_lesson(tiny, checkpointing=True)
    free.mb = 0.5 * (one_lesson(tiny) + least) / SPARE
    backend.step(BATCH, TARGETS, 0.0)
    assert "checkpointing" in backend.name
    free.mb = 0.9 * least
    before = backend.state()

    with pytest.raises(OutOfMemory, match="while learning with 6 lessons at a time"):
        backend.step(BATCH, TARGETS, 0.0)
    assert all((values == before[name]).all() for name, values in backend.state().items())
    free.mb = 1e6
    backend.step(BATCH, TARGETS, 0.0)  # a short lack changes nothing for good


def test_teacher_and_exam_read_in_parts_and_refuse_too(tiny, free):
    plenty, scarce = open_tiny(tiny), open_tiny(tiny, free=free)
    least = one_lesson(tiny, reading_mb)
    free.mb = 1.05 * least / SPARE

    assert plenty.loss(BATCH, TARGETS) == pytest.approx(scarce.loss(BATCH, TARGETS), rel=1e-6)
    one, other = (backend.teach(BATCH, 5) for backend in (plenty, scarce))
    assert one.tokens.tolist() == other.tokens.tolist()
    np.testing.assert_allclose(one.logp, other.logp, atol=2e-5)
    free.mb = 0.9 * least
    with pytest.raises(OutOfMemory, match="asking the teacher with 6 lessons"):
        scarce.teach(BATCH, 5)
    with pytest.raises(OutOfMemory, match="looking at the exam with 6 lessons"):
        scarce.loss(BATCH, TARGETS)


@pytest.mark.parametrize("base", ["whole", "held"])
def test_a_model_larger_than_what_is_free_is_refused_before_it_is_read(tiny, base):
    with pytest.raises(OutOfMemory, match="while loading the model. Close other programs"):
        TorchBackend(open_model(tiny), replace(RECIPE, base=base), 1, lambda: 0.01)


def test_memory_that_runs_out_at_work_is_tried_again_in_smaller_parts(tiny):
    """On a card nothing is refused: what really runs out decides."""
    shape = open_model(tiny).shape
    tried, told = [], []
    room = MicroBatches(shape, itemsize=4, part_mb=1e6, free_mb=lambda: None, refuse=False)
    room.may_keep_less(told.append)

    def work(cut):
        tried.append(len(cut))
        if not room.twice:
            raise OutOfMemory("learning", 6)
        return "done"

    assert "done" == room.in_parts("learning", BATCH, work, learn=True)
    assert tried[:-1] == sorted(tried[:-1])  # computed twice, more fits again
    assert (1, 6, ["memory ran out"]) == (tried[0], tried[-2], told)


def test_the_largest_part_is_the_one_that_needs_most_not_the_one_with_most_tokens(tiny):
    """A short lesson may have a long answer, whose logits are what counts."""
    long, answers = ([1] * 60, [2]), ([3], [4] * 55)
    shape = open_model(tiny).shape
    needs = [activations_mb(shape, len(p) + len(a), len(a), itemsize=4) for p, a in (long, answers)]
    assert needs[1] > needs[0]
    room = MicroBatches(shape, itemsize=4, part_mb=0.0, free_mb=lambda: sum(needs) / 2, refuse=True)

    with pytest.raises(OutOfMemory):
        room.in_parts("learning", pack([long, answers]), len, learn=True)


def test_reading_needs_no_more_than_is_counted(tiny):
    """Of the logits, which are most of it: torch's own count of what it holds at a time is on cards only."""
    shape = open_model(tiny).shape

    assert reading_mb(shape, 100, 20, itemsize=4) < activations_mb(shape, 100, 20, itemsize=4)
    assert torch.float32.itemsize * 20 * shape.vocabulary / 1e6 < reading_mb(shape, 0, 20, itemsize=4)


def test_parts_are_whole_sequences_in_their_order_at_least_one_each():
    batch = pack(FEW)
    found = parts(batch, lambda tokens, answers: tokens <= 7 and answers <= 3)

    assert [[4, 3], [3], [22]] == [part.lengths.tolist() for part, _ in found]
    assert batch.tokens.tolist() == np.concatenate([part.tokens for part, _ in found]).tolist()
    assert [[4, 3, 3, 22]] == [part.lengths.tolist() for part, _ in parts(batch, lambda *sizes: True)]
    assert [1] * 4 == [len(part.lengths) for part, _ in parts(batch, lambda *sizes: False)]
    for part, mine in found:
        assert batch.answers[mine].tolist() == part.answers.tolist()
        assert batch.tokens[batch.places[mine] + 1].tolist() == part.answers.tolist()
        assert part.tokens[part.places + 1].tolist() == part.answers.tolist()


def test_pages_of_files_in_a_container_count_as_free(tmp_path):
    (tmp_path / "memory.max").write_text("8000000000\n")
    (tmp_path / "memory.current").write_text("7900000000\n")
    (tmp_path / "memory.stat").write_text(
        "anon 900000000\ninactive_file 6000000000\nactive_file 1000000000\n"
    )

    assert 7100.0 == free_of_group(tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    assert free_of_group(tmp_path) is None
    assert free_of_group(tmp_path / "nowhere") is None
