"""
Which requests are computed when, step by step: over the tiny model itself, and, for failures, over a small stand-in for
the context that fails where it is told to.
"""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest

from daemon.engine.adapters import Adapters
from daemon.engine.batch import Pace
from daemon.engine.decoding import Request
from daemon.engine.gguf_file import checked_header
from daemon.engine.llama import Context, Model, NoRoom, Sampler
from daemon.engine.records import Sampling, Score
from daemon.engine.scheduler import Scheduler, sequences
from daemon.engine.scoring import ScoreRequest

N_CTX = 512
DAMAGED = 7  # a token after which there is no number


class Line:
    """A scheduler over a real context; `said` has what each step said, as (number, tokens so far, is last)."""

    def __init__(self, path, adapters=(), pace=None, n_ctx=N_CTX):
        self.model = Model(str(path), gpu_layers=0)
        loaded = Adapters(self.model, checked_header(path))
        for name, data in adapters:
            loaded.load(name, data)
        context = Context(
            self.model, n_ctx=n_ctx + 128, sequences=sequences(self.model), threads=1, flash_attention="off"
        )
        self.said, self.refused = [], {}
        self.scheduler = Scheduler(
            self.model,
            context,
            loaded,
            n_ctx=n_ctx,
            say=self._say,
            refuse=self.refused.__setitem__,
            pace=pace,
        )

    def ask(self, number, length, most, *, adapter=None, background=False, begins=()):
        sampling = Sampling(max_tokens=most, ignore_eos=True)
        self.scheduler.add(
            Request(
                number=number,
                prompt=[*begins, number, *[40 + number] * (length - 1)],
                sampling=sampling,
                sampler=Sampler(self.model, sampling, seed=1, grammar=None),
                adapter=adapter,
                background=background,
            )
        )

    def steps(self, count):
        """What `count` steps said, each."""
        every = []
        for _ in range(count):
            self.said = []
            self.scheduler.step()
            every.append(self.said)
        return every

    def all(self):
        """What all steps said, in one list, to the end."""
        every = []
        while self.scheduler.busy:
            every += self.steps(1)[0]
        return every

    def _say(self, number, piece):
        self.said.append((number, piece.completion_tokens, piece.is_last))


@pytest.fixture
def line(model):
    return Line(model)


def test_a_chat_that_rests_leaves_the_context_to_who_is_answered_and_comes_back(model):
    """Attention looks at every cell that is filled: beside 6,000 of resting chats nano reads ten times slower."""
    line = Line(model, n_ctx=1500)
    line.ask(1, 700, 4)
    first = line.all()
    line.ask(2, 100, 4)
    line.all()
    beside = line.scheduler.counts()
    line.ask(1, 700, 4)
    again = line.all()

    assert 110 > beside.cells_used
    assert 699 == line.scheduler.counts().cached_tokens
    assert first[-1] == again[-1]


def test_who_gets_words_gets_one_in_each_step_while_another_prompt_is_read(line):
    line.ask(1, 5, 100)
    line.steps(2)
    line.ask(2, 300, 5)
    line.ask(3, 5, 100)
    said = line.steps(2)

    assert [3, 4] == [tokens for step in said for number, tokens, _ in step if number == 1]
    assert [1, 2] == [tokens for step in said for number, tokens, _ in step if number == 3]
    assert 2 not in {number for number, *_ in said[0]}
    assert [2] == [number for number, _, is_last in line.all() if is_last and number == 2]


def test_one_that_leaves_while_its_prompt_is_read_is_gone_with_the_step(line):
    line.ask(1, 500, 100)
    assert [[]] == line.steps(1)
    assert line.scheduler.busy
    line.scheduler.cancel(1)
    assert not line.scheduler.busy
    line.ask(2, 5, 1)

    assert [(2, 1, True)] == line.all()


def test_places_are_given_in_the_order_of_coming_and_equal_requests_end_in_it(line):
    for number in range(1, 31):
        line.ask(number, 5, 10)
    assert list(range(1, 31)) == [number for number, _, is_last in line.all() if is_last]


def test_people_go_before_background_work_that_came_first_and_it_goes_on_afterwards(line):
    for number in range(1, 9):
        line.ask(number, 5, 30, background=True)
    assert set(range(1, 9)) == {number for number, *_ in line.steps(2)[1]}
    line.ask(20, 5, 10)
    first = line.steps(1)[0]
    ends = [number for number, _, is_last in line.all() if is_last]

    assert (20, 1, False) in first
    assert [20, *range(1, 9)] == ends


@pytest.mark.parametrize(("single_s", "beside"), [(100.0, {1, 2}), (0.001, set())], ids=["cheap", "dear"])
def test_background_work_goes_along_with_a_person_where_that_costs_almost_nothing(model, single_s, beside):
    pace = Pace()
    pace.note(100, 1.0)
    pace.note(1, single_s)
    line = Line(model, pace=pace)
    line.ask(1, 1, 20, background=True)
    line.ask(2, 1, 20, background=True)
    line.ask(3, 5, 20)
    first = line.steps(1)[0]

    assert {3, *beside} == {number for number, *_ in first}


def test_people_of_two_generations_take_turns_of_a_few_steps_and_share_no_step(model, adapters):
    hashes = [(hashlib.sha256(data).hexdigest(), data) for data in adapters]
    line = Line(model, hashes)
    names = [None, hashes[0][0], hashes[1][0]]
    for number in range(1, 7):
        line.ask(number, 5, 60, adapter=names[number % 3])
    steps = [{number % 3 for number, *_ in step} for step in line.steps(60)]

    assert all(len(step) <= 1 for step in steps)
    for place in range(0, 36, 4):
        assert {0, 1, 2} == set().union(*steps[place : place + 24])


@pytest.mark.parametrize("background", [False, True])
def test_what_many_prompts_begin_with_is_computed_once_also_when_they_come_at_once(line, background):
    for number in range(1, 7):
        line.ask(number, 5, 3, begins=[7] * 200, background=background)
    said = line.all()
    counts = line.scheduler.counts()

    assert set(range(1, 7)) == {number for number, _, is_last in said if is_last}
    exact, crumbs = 200 + 6 * (5 + 2), 5 * 32  # with small batches the others begin a little before its end
    assert exact <= counts.step_tokens <= exact + crumbs
    assert 5 * 200 - crumbs <= counts.cached_tokens <= 5 * 200


def test_a_chat_that_is_remembered_waits_too_when_it_does_not_fit_beside_the_one_that_is_answered(line):
    line.ask(1, 200, 3)
    line.all()
    line.ask(2, 300, 100)
    line.steps(2)
    line.ask(1, 220, 3)
    line.steps(2)
    counts = line.scheduler.counts()

    assert (1, 1) == (counts.running, counts.waiting)
    assert [2, 1] == [number for number, _, is_last in line.all() if is_last]


def test_a_swap_lets_four_streams_under_way_go_on_with_what_they_began_with(model, adapters):
    old, new = [(hashlib.sha256(data).hexdigest(), data) for data in adapters]
    line = Line(model, [old, new])
    for number in range(1, 5):
        line.ask(number, 5, 60, adapter=old[0])
    line.steps(10)
    line.scheduler.swap(new[0])
    line.scheduler.unload(old[0])
    for number in range(5, 9):
        line.ask(number, 5, 60, adapter=new[0])
    said = line.all()

    assert {number: 60 for number in range(1, 9)} == {
        number: last for number, last, is_last in said if is_last
    }
    for number in range(1, 5):
        tokens = [at for one, at, _ in said if one == number]
        assert tokens[0] > 10
        assert tokens == sorted(set(tokens))
    assert {} == line.refused


def test_what_a_batch_may_hold_follows_from_what_batches_took():
    pace = Pace()
    assert 64 == pace.tokens(1.0)
    assert 0 == pace.free()
    pace.note(100, 1.0)
    pace.note(1, 0.2)

    assert (100, 25) == (pace.tokens(1.0), pace.tokens(0.25))
    assert 5 == pace.free()
    assert (16, 256) == (pace.tokens(0.001), pace.tokens(100.0))


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
        SimpleNamespace(on_gpu=True, is_recurrent=False),
        SmallContext(most),
        adapters,
        n_ctx=N_CTX,
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
