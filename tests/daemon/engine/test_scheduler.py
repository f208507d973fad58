"""Which requests a failure ends: those that it concerns. A small stand-in for the context fails where it is told to."""

from types import SimpleNamespace

import numpy as np
import pytest

from daemon.engine.llama import NoRoom
from daemon.engine.records import Score
from daemon.engine.scheduler import Scheduler
from daemon.engine.scoring import ScoreRequest

DAMAGED = 7  # a token after which there is no number


class SmallContext:
    """Every token is as likely as any other; there is room for `most` sequences in a batch."""

    def __init__(self, most):
        self.most = most

    def use(self, adapter):
        pass

    def cut(self, sequence, length):
        return True

    def copy(self, source, target, length):
        pass

    def decode(self, parts):
        if len(parts) > self.most:
            raise NoRoom
        return [[np.full(9, np.nan if DAMAGED in part.tokens else 0.0)] * part.rows for part in parts]


def worked(most, *prompts):
    """Numbers of the prompts that were scored, and of those that were refused."""
    said, refused = {}, {}
    adapters = SimpleNamespace(handle=lambda name: None)
    scheduler = Scheduler(
        SimpleNamespace(is_recurrent=False),
        SmallContext(most),
        adapters,
        n_ctx=512,
        say=said.__setitem__,
        refuse=refused.__setitem__,
    )
    for number, prompt in enumerate(prompts):
        scheduler.add(ScoreRequest(number=number, prompt=prompt, replies=[[3, 4]], adapter=None))
    for _ in range(20):
        if scheduler.busy:
            scheduler.step()
    assert not scheduler.busy
    assert all(isinstance(one, Score) and one.mean == pytest.approx(np.log(9)) for one in said.values())
    return sorted(said), sorted(refused)


@pytest.mark.parametrize("most", [1, 2, 8], ids="{} a batch".format)
def test_a_request_without_numbers_is_refused_alone(most):
    assert ([0, 2, 3], [1]) == worked(most, [1, 2], [1, DAMAGED], [5, 6], [2, 2])


def test_where_there_is_no_room_even_for_one_each_is_refused_for_itself():
    assert ([], [0, 1]) == worked(0, [1, 2], [5, 6])
