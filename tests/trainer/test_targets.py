"""What is taught where the teacher and the lesson disagree."""

import numpy as np

from trainer.backend import Targets
from trainer.targets import corrected


def taught(tokens, answers):
    logp = np.tile(np.log(np.array([0.6, 0.3], np.float32)), (len(tokens), 1))
    rest = np.full(len(tokens), np.log(0.1), np.float32)
    return corrected(Targets(tokens=np.array(tokens), logp=logp, rest=rest), np.array(answers))


def test_a_teacher_that_agrees_is_left_as_it_is():
    found = taught([[7, 8]], [7])

    assert [[7, 8]] == found.tokens.tolist()
    np.testing.assert_allclose([[0.6, 0.3]], np.exp(found.logp), rtol=1e-6)


def test_a_slip_of_the_teacher_becomes_the_lessons_own_token_for_certain():
    found = taught([[7, 8], [7, 8], [5, 6]], [9, 8, 5])

    assert [[9, 7], [8, 7], [5, 6]] == found.tokens.tolist()
    assert [1.0, 1.0] == np.exp(found.logp[:2, 0]).tolist()
    assert np.exp(found.logp[:2, 1]).max() < 1e-8
    assert np.exp(found.rest[:2]).max() < 1e-8
