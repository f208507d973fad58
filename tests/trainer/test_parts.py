"""A batch taken in parts is the batch."""

import numpy as np

from trainer.backend import pack
from trainer.micro_batches import parts

LESSONS = [([1, 2, 3], [4]), ([5], [6, 7]), ([8, 9], [10]), ([11] * 20, [12, 13])]


def test_parts_are_whole_sequences_that_fit_in_their_order():
    batch = pack(LESSONS)
    found = parts(batch, lambda tokens, answers: tokens <= 7 and answers <= 3)

    assert [[4, 3], [3], [22]] == [part.lengths.tolist() for part, _ in found]
    assert batch.tokens.tolist() == np.concatenate([part.tokens for part, _ in found]).tolist()
    for part, mine in found:
        assert batch.answers[mine].tolist() == part.answers.tolist()
        assert batch.tokens[batch.places[mine] + 1].tolist() == part.answers.tolist()
        assert part.tokens[part.places + 1].tolist() == part.answers.tolist()


def test_what_fits_is_one_part_and_what_never_fits_is_one_sequence_each():
    batch = pack(LESSONS)

    assert [4, 3, 3, 22] == parts(batch, lambda *sizes: True)[0][0].lengths.tolist()
    assert [1] * 4 == [len(part.lengths) for part, _ in parts(batch, lambda *sizes: False)]
