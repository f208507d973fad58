"""How many threads small steps have, on machines whose times are made up."""

import pytest

from daemon.engine.threads import FEW, LATEST, SOONEST, STALE_S, Threads, ladder


class Machine:
    """A clock, and what a step takes with so many threads."""

    def __init__(self, most, **times):
        self.now, self.used = 0.0, []
        self.threads = Threads(most, lambda: self.now)
        self.times = {int(count[1:]): seconds for count, seconds in times.items()}

    def run(self, steps, tokens=1):
        for _ in range(steps):
            count = self.threads.count(tokens)
            self.used.append(count)
            self.now += self.times[count]
            self.threads.note(tokens, self.times[count])
        return self.used[-1]

    def share(self, count, last):
        return self.used[-last:].count(count) / last


@pytest.mark.parametrize(
    ("most", "counts"),
    [(1, [1]), (2, [2, 1]), (3, [3, 2, 1]), (4, [4, 3, 2, 1]), (8, [8, 6, 4, 3, 2, 1])],
)
def test_the_counts_go_down_to_one(most, counts):
    assert counts == ladder(most)
    assert 1 == ladder(64)[-1] and len(ladder(64)) < 16


def test_on_a_quiet_machine_all_threads_are_kept_and_trials_become_rare():
    machine = Machine(4, n4=0.010, n3=0.013, n2=0.02, n1=0.04)
    machine.run(5_000)

    assert machine.share(4, 5_000) > 0.98
    assert {4, 3} == set(machine.used)


def test_what_takes_half_as_long_again_is_given_up_with_its_first_step_and_not_tried_after_a_rest():
    machine = Machine(2, n2=0.010, n1=0.018)
    machine.run(1_000)
    trials = machine.used.count(1)
    machine.now += 2 * STALE_S
    machine.run(2 * SOONEST)

    assert trials <= 8  # after 8, 16, 32, … steps
    assert {2} == set(machine.used[-2 * SOONEST :])


def test_where_threads_wait_for_one_another_fewer_are_used_within_some_steps():
    machine = Machine(4, n4=1.0, n3=0.5, n2=0.1, n1=0.08)
    machine.run(6 * SOONEST)

    assert 2 == machine.run(1) or 1 == machine.run(1)
    assert machine.share(4, 3 * SOONEST) == 0


def test_what_is_much_slower_is_given_up_after_two_steps():
    machine = Machine(2, n2=1.0, n1=0.05)
    machine.run(100)
    machine.run(1_000)

    assert machine.share(2, 1_000) <= 2 * 1_000 / SOONEST / 1_000 and machine.used[-1_000:].count(2) < 20
    assert machine.run(1) == 1


def test_a_load_that_comes_and_goes_is_followed():
    machine = Machine(2, n2=0.01, n1=0.016)
    machine.run(3_000)
    machine.times = {2: 0.4, 1: 0.05}
    machine.run(2 * SOONEST)
    busy = machine.share(1, SOONEST)
    machine.times = {2: 0.01, 1: 0.016}
    machine.run(2 * LATEST)

    assert busy > 0.7
    assert machine.share(2, LATEST) > 0.9


def test_after_a_rest_it_is_tried_soon_again():
    machine = Machine(2, n2=0.01, n1=0.016)
    machine.run(3_000)
    machine.now += 2 * STALE_S
    machine.times = {2: 0.05, 1: 0.016}
    machine.run(2 * SOONEST)

    assert machine.share(1, SOONEST // 2) > 0.4
    assert 1 == machine.run(SOONEST)


def test_large_steps_have_all_threads_and_tell_nothing():
    machine = Machine(4, n4=1.0, n3=0.5, n2=0.1, n1=0.08)
    machine.run(200, tokens=FEW + 1)

    assert {4} == set(machine.used)
    assert 4 == machine.threads.count(1)


def test_steps_of_different_sizes_are_never_compared():
    machine = Machine(2, n2=0.01, n1=0.1)
    for tokens in (1, 2, 3, 4) * 200:
        machine.run(1, tokens)

    assert {2} == set(machine.used)
