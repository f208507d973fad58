"""
What goes through the model together: one token of each reply in the making, and parts of prompts beside them.

A processor reads all weights for every batch, so that eight tokens of eight replies cost little more than one. A batch
is as large as can be computed in a moment, by measurement: whoever comes, or leaves, waits for one at most.
"""

from collections.abc import Iterable

from daemon.engine.records import BATCH
from daemon.engine.work import Ahead, Room, Work

ALONE_S = 1.0  # that a batch may take when nobody else is being answered
SHARED_S = 0.25  # when others get their words meanwhile
LEAST, UNMEASURED = 16, 64  # tokens of a batch: at least, and while nothing is known of the machine
MOST_ROWS = 32  # of logits for background work
FREE = 0.25  # of a person's step, that background work may make it longer
WEIGHT = 0.2  # of the newest measurement


class Pace:
    """How long batches take here: one token alone, and each of many."""

    def __init__(self) -> None:
        self._single_s = 0.0  # 0: not measured yet
        self._each_s = 0.0

    def note(self, tokens: int, seconds: float) -> None:
        """So many tokens took so long."""
        if tokens == 1:
            self._single_s += (seconds - self._single_s) * (WEIGHT if self._single_s else 1)
        elif tokens >= LEAST:
            self._each_s += (seconds / tokens - self._each_s) * (WEIGHT if self._each_s else 1)

    def tokens(self, within_s: float) -> int:
        """How many are computed in this time."""
        return max(LEAST, min(BATCH, int(within_s / self._each_s))) if self._each_s else UNMEASURED

    def free(self) -> int:
        """How many go along with a person's token almost for nothing: many on a graphics card, few on a processor."""
        return int(FREE * self._single_s / self._each_s) if self._each_s else 0


def shared_out(works: Iterable[Work], room: Room) -> list[tuple[Work, Ahead]]:
    """
    What of each, which has begun, goes into a batch: shortest first, each at most an even part of what is left.

    So all who wait for their next token get it, a short question is not behind a long one, and two long ones share.
    """
    waiting = sorted((work for work in works if work.slot is not None), key=lambda work: work.pending)
    wanted = list[tuple[Work, Ahead]]()
    for place, work in enumerate(waiting):
        if min(room) <= 0 or work.slot is None:
            break
        left = len(waiting) - place
        ahead = work.ahead(work.slot, Room(max(1, room.tokens // left), max(1, room.rows // left)))
        wanted.append((work, ahead))
        room = Room(room.tokens - len(ahead.tokens), room.rows - ahead.rows)
    return wanted
