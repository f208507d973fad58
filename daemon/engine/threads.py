"""
How many threads compute the next small step: as many as are quickest just now, by measurement.

    steps with the present count ──> now and then a few with the next one up or down ──> the quicker count stays

llama.cpp's threads wait for one another after each of some hundred operations of a token. On a quiet machine all cores
are quickest. Where other programs work, the thread that is not scheduled holds up all others, and fewer are quicker,
down to a single one, which waits for nobody. Only steps of as many tokens are compared; large ones, which wait little,
always have all threads. A trial is over as soon as it can't be won: on a quiet machine each of its steps is a loss.
"""

import time
from collections.abc import Callable, Sequence
from statistics import median

FEW = 16  # tokens of a small step
TRIED = 4  # steps that are compared, behind one that warms up
QUICKER = 0.9  # of the present time, that another count must stay below
MUCH = 1.5  # times as long as the present count: a trial is over at once
LOST = 2  # steps no quicker than the present count's: a trial is over, too
SLOWED = 1.5  # times as long as at the last decision: the load is another
SOONEST, LATEST = 8, 512  # steps between two trials: soon after a change, seldom while nothing is gained
STALE_S = 5.0  # without a small step: the machine may be doing something else by now


class Threads:
    """The count for each step, at most `most`, learned from how long steps took."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._ladder, self._clock = ladder(most), clock
        self._place = 0  # in the ladder: the present count
        self._tried = 0  # and the one that steps have just now
        self._down = True  # which neighbour is tried next
        self._tokens = 0  # of the steps that are compared
        self._times: list[float] = []  # of the last ones with the present count
        self._trial: list[float] = []
        self._usual: dict[int, float] = {}  # what a step took at the last decision, by its tokens
        self._wait, self._steps = SOONEST, 0  # until the next trial, and since the last
        self._last_s = clock()

    def count(self, tokens: int) -> int:
        """For a step of so many tokens."""
        return self._ladder[self._tried if tokens <= FEW else 0]

    def note(self, tokens: int, seconds: float) -> None:
        """A step of so many tokens, with the threads of `count`, took so long."""
        if tokens > FEW or len(self._ladder) == 1:
            return
        if self._clock() - self._last_s > STALE_S or tokens != self._tokens:
            self._compare(tokens)
        self._last_s = self._clock()
        if self._tried != self._place:
            self._trial.append(seconds)
            self._judge()
            return
        self._steps += 1
        self._times = [*self._times, seconds][-TRIED:]
        if len(self._times) == TRIED:
            self._look()

    def _compare(self, tokens: int) -> None:
        """Begin anew, with steps of another size or after a rest; then fewer threads than all are soon in question."""
        if self._place and tokens == self._tokens:
            self._wait = SOONEST
        self._tokens, self._times, self._trial = tokens, [], []
        self._tried = self._place

    def _look(self) -> None:
        """Begin a trial when it is time, or when steps take much longer than they did."""
        now_s = median(self._times)
        if now_s > SLOWED * self._usual.setdefault(self._tokens, now_s):
            self._wait, self._usual[self._tokens] = SOONEST, now_s
        if self._steps >= self._wait:
            self._steps, self._trial = 0, []
            self._tried = self._neighbour()

    def _neighbour(self) -> int:
        here, last = self._place, len(self._ladder) - 1
        down = here == 0 or (self._down and here < last)
        return here + 1 if down else here - 1

    def _judge(self) -> None:
        """Decide when the trial is over."""
        now_s, tried = median(self._times), self._trial[1:]
        is_lost = sum(one > now_s for one in tried) >= LOST or any(one > MUCH * now_s for one in self._trial)
        if len(tried) < TRIED and not is_lost:
            return
        gains = not is_lost and median(tried) < QUICKER * now_s
        down = self._tried > self._place
        if gains:
            self._place, self._times, self._usual = self._tried, tried, {self._tokens: median(tried)}
        self._down = down == gains  # on in the same direction, or back
        self._wait = SOONEST if gains else min(2 * self._wait, LATEST)
        self._tried, self._trial = self._place, []


def ladder(most: int) -> Sequence[int]:
    """The counts that are tried: from `most` down to one, each about three quarters of the last."""
    found = [most]
    while found[-1] > 1:
        found.append(min(found[-1] - 1, round(0.75 * found[-1])))
    return found
