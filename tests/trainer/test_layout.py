"""A row stands for its batch: each token once per beginning, and sees the very tokens before it."""

import random

import numpy as np

from trainer.backend import pack
from trainer.layout import LEAST, Run, layout_of


def seen_by(layout, tokens) -> dict[int, list[int]]:
    """By place in the row, the tokens that each one sees, itself included."""
    found, at = {}, 0
    for run in layout.runs:
        before = [token for place, count in run.before for token in tokens[place : place + count]]
        for piece in range(run.count):
            first = at + piece * run.length
            for offset in range(run.length):
                found[first + offset] = before + tokens[first : first + offset + 1].tolist()
        at += run.count * run.length
    assert at == len(tokens)
    return found


def test_every_token_sees_its_own_sequence_up_to_itself_whatever_is_shared():
    chance = random.Random(4)
    for _ in range(200):
        stems = [chance.choices(range(9), k=chance.randint(1, 25)) for _ in range(3)]
        lessons = []
        for _ in range(chance.randint(1, 9)):
            prompt = chance.choice(stems) + chance.choice(stems) + chance.choices(range(9), k=2)
            lessons.append((prompt[: chance.randint(1, len(prompt))], chance.choices(range(9), k=3)))
        batch = pack(lessons)
        layout = layout_of(batch)
        row = batch.tokens[layout.chosen]
        seen = seen_by(layout, row)

        assert len(row) <= len(batch.tokens)
        start = 0
        for length in batch.lengths.tolist():
            own = batch.tokens[start : start + length].tolist()
            for offset in range(length):
                place = int(layout.where[start + offset])
                assert own[: offset + 1] == seen[place]
                assert offset == layout.positions[place]
            start += length


def test_what_begins_alike_is_read_once_in_a_tree():
    stem, branch = list(range(20)), list(range(40, 50))
    batch = pack([([*stem, 1], [5]), ([*stem, *branch, 2], [6]), ([*stem, *branch, 3], [7]), ([8], [9])])
    layout = layout_of(batch)

    assert 20 + 10 + 2 + 2 + 2 + 2 == len(layout.chosen)
    assert {Run(1, 20), Run(1, 10, ((0, 20),)), Run(2, 2, ((0, 20), (20, 10)))} < set(layout.runs)


def test_without_a_long_common_beginning_the_batch_lies_as_it_came():
    stem = list(range(LEAST - 1))
    batch = pack([([*stem, at], [at] * (1 + at // 2)) for at in range(6)])
    layout = layout_of(batch)

    assert np.array_equal(np.arange(len(batch.tokens)), layout.chosen)
    assert (Run(2, 9), Run(2, 10), Run(2, 11)) == layout.runs
